"""A stop inside a zone, on a round number or inside a pool is told, once, with the reason."""

import pytest

from bot.answers.ask import ask
from bot.answers.question import Question
from bot.domain.messages import Notify, OrderUpdate
from bot.domain.orders import OrderKind, OrderState, OrderStatus, PositionSide, Purpose, TriggerBy
from bot.kernel.clusters import grid
from bot.kernel.guard import wanted_stop
from bot.kernel.sense import sensed_for
from bot.kernel.snapshot import Zone
from bot.kernel.stops import placement
from bot.kernel.stops.audit import Flaw, audit
from bot.kernel.view import LegView, held
from tests.fakes.kernel_world import BTC, World, decisions_of, orders_of, position

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def holding(side: PositionSide = LONG, qty: str = "0.05") -> World:
    world = World()
    world.account()
    found = position(side, qty, "76000", ns=world.now_ns + 10**9, margin="3000")
    world.accept_all(world.account("10000", [found]))
    return world


def view_of(world: World) -> LegView:
    (view,) = held(world.kernel.state, world.kernel.policy)
    return view


def kinds(world: World, stop: float) -> list[str]:
    return [flaw.kind for flaw in audit(view_of(world), stop)]


def plant(world: World, price: float, qty: float, weights: tuple[float, float]) -> None:
    """Put a pool of liquidations on the map, and give the map this much of a say."""
    sensed = sensed_for(world.kernel.state, BTC)
    cells = sensed.clusters.longs if price < 76_000 else sensed.clusters.shorts
    cells[grid.cell(price)] = qty
    sensed.weights = weights


def know_zone(world: World, low: float, high: float) -> None:
    zone = Zone(name="shelf", low=low, high=high, state="FAR", side=1)
    world.kernel.state.markets[BTC].zones = [zone]


def test_a_clean_stop_has_no_flaw() -> None:
    world = holding()
    know_zone(world, 73_000.0, 73_300.0)
    plant(world, 70_500.0, 400.0, (0.5, 0.5))
    assert kinds(world, 72_450.0) == []


@pytest.mark.parametrize(
    ("stop", "kind"),
    [
        (73_100.0, "in_zone"),
        (74_005.0, "on_round_number"),
        (70_600.0, "in_pool"),
        (76_200.0, "wrong_side"),
    ],
)
def test_each_flaw_is_named(stop: float, kind: str) -> None:
    world = holding()
    know_zone(world, 73_050.0, 73_300.0)
    plant(world, 70_500.0, 400.0, (0.5, 0.5))
    assert kinds(world, stop) == [kind]


def test_a_map_without_a_score_has_no_say() -> None:
    """The weight is zero below a score of 0.1: the pool is there, and nothing is made of it."""
    world = holding()
    plant(world, 70_500.0, 400.0, (0.0, 0.9))
    assert kinds(world, 70_600.0) == []
    sensed_for(world.kernel.state, BTC).weights = (0.3, 0.0)
    assert kinds(world, 70_600.0) == ["in_pool"]


def test_a_short_heeds_the_pools_of_shorts() -> None:
    world = holding(SHORT)
    plant(world, 80_500.0, 300.0, (0.0, 0.4))
    (flaw,) = audit(view_of(world), 80_450.0)
    assert isinstance(flaw, Flaw)
    assert "shorts" in flaw.words
    assert flaw.usd == pytest.approx(300 * 80_500, rel=0.01)
    assert flaw.low < 80_450.0 < flaw.high


def working(world: World) -> float:
    """Let the newest stop rest at the venue; return its trigger."""
    stop = orders_of(world.effects, Purpose.STOP)[-1]
    ns = world.later(0.1)
    world.step(
        OrderUpdate(
            ns, ns,
            OrderState(
                client_order_id=stop.client_order_id, venue_order_id="v1", symbol=BTC,
                side=stop.side, kind=OrderKind.STOP_MARKET, status=OrderStatus.WORKING,
                qty=stop.qty, filled_qty=stop.qty * 0, reduce_only=True, close_position=False,
                event_ns=ns, trigger_price=stop.trigger_price, trigger_by=TriggerBy.MARK,
            ),
        )
    )  # fmt: skip
    assert stop.trigger_price is not None
    return float(stop.trigger_price)


def test_the_warning_is_told_once_and_stands_in_the_answers() -> None:
    world = holding(qty="0.15")
    trigger = working(world)
    plant(world, trigger, 400.0, (0.5, 0.0))
    out = [*world.candle(76_000, 76_010, 75_990, 76_000)]
    (told,) = decisions_of(out, "stop_audit")
    assert "pool" in told
    assert [e.kind for e in out if isinstance(e, Notify)].count("stop_audit") == 1
    sensed = sensed_for(world.kernel.state, BTC)
    sensed.weights = (0.5, 0.0)
    again = world.candle(76_000, 76_010, 75_990, 76_000)
    assert decisions_of(again, "stop_audit") == []
    sensed.weights = (0.5, 0.0)
    question = Question(state=world.kernel.state, policy=world.kernel.policy, args={})
    (leg,) = ask("positions", question)["positions"]
    assert [flaw["kind"] for flaw in leg["stop_flaws"]] == ["in_pool"]
    (row,) = ask("risk", question)["stops"]
    assert [flaw["kind"] for flaw in row["flaws"]] == ["in_pool"]


@pytest.mark.parametrize("side", [LONG, SHORT])
def test_a_floor_stop_is_nudged_off_a_round_number_toward_the_market(side: PositionSide) -> None:
    world = holding(side, "0.10")
    view = view_of(world)
    number = 57_000.0 if side is LONG else 95_000.0
    cost = 0.0005 + 0.0005
    loss = side.sign * (76_000.0 - number) * 0.1 + number * 0.1 * cost
    world.kernel.state.anchors.high_water_usd = (10_000.0 - loss) / 0.81
    stop = wanted_stop(view)
    assert stop is not None
    assert 0.0 < side.sign * (float(stop) - number) < 0.001 * number
    assert placement.round_near(float(stop), placement.NUDGE_FRAC) is None
