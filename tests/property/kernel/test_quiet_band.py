"""A tape told trade by trade and the same tape folded by the quiet band give the same effects."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.market import Liquidation, MarkPrice, TradeBucket
from bot.domain.messages import Event, InstrumentsLoaded, OrderAccepted, Started, TimerFired
from bot.domain.orders import PositionSide
from bot.kernel.quiet import QuietBand, Tape, fold, quiet_band
from bot.kernel.step import Kernel
from strategies.level_bounce import LevelBounce
from tests.fakes.kernel_world import BTC, CONTRACT, START_NS, orders_of, policy, position, snapshot

S = 10**9
BAR_S = 60
MOVE = st.tuples(
    st.sampled_from([0, 1, 5, 200, 900, 5_000, 20_000]),  # ms to the next trade
    st.integers(-400, 400),  # in half ticks, so that levels, stops and bars are met
    st.integers(1, 50),  # whole coins: sums are exact in any order
    st.booleans(),
)
BREAK = st.sampled_from(["", "", "", "", "second", "mark", "position", "liquidation", "late"])


def kernel() -> Kernel:
    return Kernel(policy(bars_from="trades", bar_s=BAR_S), [LevelBounce()], "quiet001")


def begin(machine: Kernel) -> list[bytes]:
    now = START_NS
    return tell(machine, [
        Started(run_id="quiet001", event_ns=now, received_ns=now),
        InstrumentsLoaded(now, now, (CONTRACT,)),
        snapshot("10000", [], [], now),
        MarkPrice(BTC, now, now, 76_300.0, 76_300.0),
    ])  # fmt: skip


def tell(machine: Kernel, events: list[Event]) -> list[bytes]:
    """Step through events and accept every order at once; return what the kernel wanted."""
    told = []
    for event in events:
        effects = machine.step(event)
        told += [msgspec.msgpack.encode(effect) for effect in effects]
        for order in orders_of(effects):
            ns = event.received_ns
            yes = OrderAccepted(ns, ns, order.client_order_id, "v" + order.client_order_id)
            told += [msgspec.msgpack.encode(effect) for effect in machine.step(yes)]
    return told


def stretches(rows: list[tuple]) -> list[tuple[Tape, list[Event]]]:
    """Return trades in runs, each followed by something else that happens."""
    out, ns, price, part = [], START_NS, 76_300.0, []
    for (wait_ms, move, lots, is_buy), what in rows:
        ns += wait_ms * 10**6
        price = max(price + 0.5 * move, 60_000.0)
        part.append((ns - (3 * S if what == "late" else 0), price, float(lots), is_buy))
        if what not in ("", "late"):
            out.append((tape_of(part), news(what, ns, price)))
            part = []
    if part:
        out.append((tape_of(part), []))
    return out


def tape_of(rows: list[tuple]) -> Tape:
    ns, price, qty, is_buy = zip(*rows, strict=True)
    return Tape(
        symbol=BTC, ns=np.array(ns, dtype=np.int64), price=np.array(price), qty=np.array(qty),
        is_buy=np.array(is_buy, dtype=bool),
    )  # fmt: skip


def news(what: str, ns: int, price: float) -> list[Event]:
    if what == "second":
        return [TimerFired("second", ns, ns)]
    if what == "mark":
        return [MarkPrice(BTC, ns, ns, price, price)]
    if what == "liquidation":
        return [Liquidation(BTC, ns, ns, "binance", PositionSide.LONG, 2.0, price)]
    found = position(PositionSide.LONG, "0.4", f"{price:.1f}", ns=ns, margin="9000")
    return [snapshot("10000", [found], [], ns)]


def one_by_one(tape: Tape) -> list[Event]:
    return [fold(tape, at, None)[0] for at in range(tape.ns.size)]


def folded(machine: Kernel, tape: Tape) -> tuple[list[bytes], int]:
    told, at, steps = [], 0, 0
    while at < tape.ns.size:
        bucket, at = fold(tape, at, machine.quiet(BTC))
        told += tell(machine, [bucket])
        steps += 1
    return told, steps


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(MOVE, BREAK), min_size=1, max_size=250))
def test_folding_inside_the_band_changes_no_effect_and_no_state(rows: list[tuple]) -> None:
    plain, quiet = kernel(), kernel()
    expected, found = begin(plain), begin(quiet)
    for tape, after in stretches(rows):
        expected += tell(plain, [*one_by_one(tape), *after])
        found += folded(quiet, tape)[0] + tell(quiet, after)
        assert found == expected
    assert quiet.digest() == plain.digest()


def test_a_still_market_is_told_in_a_few_steps() -> None:
    dice = np.random.default_rng(5)
    count = 6_000
    ns = START_NS + np.arange(count) * 10**7
    price = 76_500.0 + 0.1 * dice.integers(-20, 20, count)
    tape = Tape(
        symbol=BTC, ns=ns, price=price, qty=dice.integers(1, 99, count).astype(float),
        is_buy=dice.random(count) < 0.5,
    )  # fmt: skip
    plain, quiet = kernel(), kernel()
    assert begin(plain) == begin(quiet)
    told, steps = folded(quiet, tape)
    assert told == tell(plain, one_by_one(tape))
    assert quiet.digest() == plain.digest()
    assert steps <= 4, "one to find the band, one fold, and the same after the end of the minute"


@given(st.integers(-3_000, 3_000), st.integers(0, 59))
@settings(max_examples=60, deadline=None)
def test_nothing_of_ours_and_no_close_lies_inside(move: int, second: int) -> None:
    machine = kernel()
    begin(machine)
    ns, price = START_NS + second * S, 76_300.0 + 0.5 * move
    tell(machine, news("position", ns, 76_300.0))
    tell(machine, [TradeBucket(BTC, ns, ns, 1, 0.25, 0.0, price, price, price)])
    band = quiet_band(machine.state, machine.policy, BTC)
    assert band is not None
    assert band.low <= price <= band.high
    assert (band.until_ns, band.since_ns) == (ns - ns % (BAR_S * S) + BAR_S * S, ns)
    stops = [float(o.trigger_price) for o in machine.state.orders.values() if o.trigger_price]
    zones = [edge for zone in machine.state.markets[BTC].zones for edge in (zone.low, zone.high)]
    assert stops
    assert not [each for each in (*stops, *zones) if band.low < each < band.high]


@pytest.mark.parametrize(
    ("ns", "low", "high", "inside"),
    [(50, 10.0, 11.0, True), (50, 9.0, 11.0, False), (50, 10.0, 12.0, False),
     (39, 10.0, 11.0, False), (60, 10.0, 11.0, False)],
)  # fmt: skip
def test_the_ends_of_a_band_lie_outside(ns: int, low: float, high: float, inside: bool) -> None:
    band = QuietBand(9.0, 12.0, 40, 60)
    assert band.holds(TradeBucket(BTC, ns, ns, 1, 1.0, 0.0, high, low, high)) is inside


def test_before_the_first_trade_nothing_is_quiet() -> None:
    machine = kernel()
    assert machine.quiet(BTC) is None
    begin(machine)
    assert machine.quiet(BTC) is None
