"""What waits: facts all of them and in order, market data folded or the latest."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import InvariantBroken
from bot.domain.market import BookTop, Candle, Liquidation, MarkPrice, TradeBucket
from bot.domain.messages import TimerFired
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_S
from bot.kernel.quiet import QuietBand
from bot.runtime.inbox import Inbox, market_key
from tests.fakes.ports import virtually

SYMBOLS = ("A", "B")
instants = st.integers(0, 3 * NS_PER_S)
prices = st.floats(1.0, 100.0)
amounts = st.floats(0.0, 10.0)
trades = st.builds(
    lambda symbol, ns, price, qty: TradeBucket(
        symbol, ns, ns, 1, qty, qty / 2, price, price, price
    ),
    st.sampled_from(SYMBOLS), instants, prices, amounts,
)  # fmt: skip
marks = st.builds(
    lambda symbol, ns, price: MarkPrice(symbol, ns, ns, price),
    st.sampled_from(SYMBOLS), instants, prices,
)  # fmt: skip
liquidations = st.builds(
    lambda symbol, ns, side, qty, price: Liquidation(symbol, ns, ns, "v", side, qty, price),
    st.sampled_from(SYMBOLS), instants, st.sampled_from(PositionSide), amounts, prices,
)  # fmt: skip
facts = st.integers(0, 10**6).map(lambda n: TimerFired(str(n), n, n))


def drained(inbox: Inbox) -> list[object]:
    async def take_all() -> list[object]:
        return [await inbox.take() for _ in range(len(inbox))]

    return virtually(take_all())


@given(st.lists(facts | trades | marks | liquidations, max_size=60))
def test_nothing_that_adds_up_is_lost(events: list[object]) -> None:
    inbox = Inbox()
    for event in events:
        inbox.put(event)
    out = drained(inbox)

    def of(kind: type, where: list[object]) -> list:
        return [e for e in where if isinstance(e, kind)]

    assert of(TimerFired, out) == of(TimerFired, events)
    for symbol in SYMBOLS:
        told = [e for e in of(TradeBucket, events) if e.symbol == symbol]
        seen = [e for e in of(TradeBucket, out) if e.symbol == symbol]
        assert sum(e.count for e in seen) == len(told)
        assert sum(e.qty for e in seen) == pytest.approx(sum(e.qty for e in told))
        assert sum(e.buy_qty for e in seen) == pytest.approx(sum(e.buy_qty for e in told))
        assert max((e.high for e in seen), default=0) == max((e.high for e in told), default=0)
        assert min((e.low for e in seen), default=0) == min((e.low for e in told), default=0)
        told_marks = [e for e in of(MarkPrice, events) if e.symbol == symbol]
        newest = max((e.event_ns for e in told_marks), default=None)
        assert [e.event_ns for e in of(MarkPrice, out) if e.symbol == symbol] == (
            [] if newest is None else [newest]
        )
    for side in PositionSide:
        before = [e for e in of(Liquidation, events) if e.side is side]
        after = [e for e in of(Liquidation, out) if e.side is side]
        assert sum(e.qty for e in after) == pytest.approx(sum(e.qty for e in before))
        assert sum(e.qty * e.price for e in after) == pytest.approx(
            sum(e.qty * e.price for e in before)
        )


@given(st.lists(trades, min_size=2, max_size=30))
def test_a_fold_never_crosses_a_second(events: list[TradeBucket]) -> None:
    inbox = Inbox()
    for event in events:
        inbox.put(event)
    seconds = {(e.symbol, e.event_ns // NS_PER_S) for e in events}
    out = drained(inbox)
    assert {(e.symbol, e.event_ns // NS_PER_S) for e in out} == seconds
    assert len(out) == len(seconds)


def test_arrival_order_holds_between_facts_and_market_data() -> None:
    inbox = Inbox()
    first, fact, second = (
        MarkPrice("A", 1, 1, 5.0),
        TimerFired("t", 2, 2),
        MarkPrice("B", 3, 3, 6.0),
    )
    for event in (first, fact, second):
        inbox.put(event)
    assert drained(inbox) == [first, fact, second]


def test_bars_never_coalesce() -> None:
    bars = [Candle("A", ns, ns, 60, 1.0, 1.0, 1.0, 1.0, 1.0) for ns in (60, 120)]
    assert len({market_key(bar) for bar in bars}) == 2


def test_a_lost_fact_ends_the_run() -> None:
    inbox = Inbox(facts_max=2)
    for n in range(3):
        inbox.put(TimerFired("t", n, n))
    with pytest.raises(InvariantBroken, match="one was lost"):
        virtually(inbox.take())


def test_market_data_push_out_the_oldest_and_are_counted() -> None:
    inbox = Inbox(market_max=2)
    for symbol in ("A", "B", "C"):
        inbox.put(MarkPrice(symbol, 1, 1, 1.0))
    assert inbox.dropped == 1
    assert [e.symbol for e in drained(inbox)] == ["B", "C"]


def test_take_waits_for_what_comes_later() -> None:
    async def main() -> object:
        inbox = Inbox()
        async with asyncio.TaskGroup() as group:
            taker = group.create_task(inbox.take())
            await asyncio.sleep(5)
            assert not taker.done()
            inbox.put(TimerFired("t", 1, 1))
            return await taker

    assert virtually(main()) == TimerFired("t", 1, 1)


BAND = QuietBand(9.0, 11.0, 0, 10 * NS_PER_S)


def traded(ns: int, price: float) -> TradeBucket:
    return TradeBucket("A", ns, ns, 1, 2.0, 1.0, price, price, price)


def test_quiet_trades_and_book_tops_wait_for_whoever_wakes_the_reader() -> None:
    async def main() -> list[object]:
        inbox = Inbox()
        inbox.quiet("A", BAND)
        async with asyncio.TaskGroup() as group:
            taker = group.create_task(inbox.take())
            await asyncio.sleep(1)
            for price in (10.0, 10.5, 9.5):
                inbox.put(traded(1, price))
            inbox.put(BookTop("A", 1, 1, 9.9, 1.0, 10.1, 1.0))
            await asyncio.sleep(5)
            assert not taker.done()
            inbox.put(MarkPrice("A", 2, 2, 10.0))
            return [await taker, await inbox.take(), await inbox.take()]

    folded, top, mark = virtually(main())
    assert (folded.count, folded.qty, folded.low, folded.high, folded.last) == (
        3, 6.0, 9.5, 10.5, 9.5,
    )  # fmt: skip
    assert isinstance(top, BookTop)
    assert isinstance(mark, MarkPrice)


@pytest.mark.parametrize(
    ("trade", "band"),
    [(traded(1, 11.0), BAND), (traded(10 * NS_PER_S, 10.0), BAND), (traded(1, 10.0), None)],
)
def test_a_trade_outside_its_band_wakes_the_reader(
    trade: TradeBucket, band: QuietBand | None
) -> None:
    async def main() -> object:
        inbox = Inbox()
        inbox.quiet("A", BAND)
        if band is None:
            inbox.loud()
        async with asyncio.TaskGroup() as group:
            taker = group.create_task(inbox.take())
            await asyncio.sleep(1)
            inbox.put(trade)
            return await taker

    assert virtually(main()) == trade
