"""Readings that lack what is held: silence is not a close, and a position that is back is held."""

from decimal import Decimal

from bot.domain.orders import PositionSide, Purpose
from bot.domain.units import ZERO
from bot.kernel.snapshot import leg_key
from tests.fakes.kernel_world import BTC, World, orders_of, position

KEY = leg_key(BTC, PositionSide.LONG)


def held(world: World) -> Decimal:
    leg = world.kernel.state.legs.get(KEY)
    return leg.qty if leg is not None else ZERO


def test_a_position_that_two_readings_lacked_is_believed_when_it_is_shown_again() -> None:
    world = World()
    kept = position(PositionSide.LONG, "0.05", "76000", ns=world.now_ns)
    world.account(positions=[kept])
    world.account()
    assert held(world) == kept.qty, "one reading without it says nothing"
    world.account()
    assert held(world) == ZERO
    again = world.account(positions=[kept])
    assert held(world) == kept.qty, "the venue dates a position by its last change, not its reading"
    assert orders_of(again, Purpose.STOP), "and it is protected anew"


def test_a_reading_older_than_the_silence_brings_nothing_back() -> None:
    world = World()
    kept = position(PositionSide.LONG, "0.05", "76000", ns=world.now_ns)
    world.account(positions=[kept])
    old_ns = world.now_ns
    world.account()
    world.account()
    now_ns, world.now_ns = world.now_ns, old_ns - 1_000_000_000
    world.account(positions=[kept])
    world.now_ns = now_ns
    assert held(world) == ZERO
