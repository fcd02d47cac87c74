"""Order, repetition, nonsense and restarts change nothing in what the senses know."""

import math
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.market import (
    Candle,
    FundingRate,
    Liquidation,
    LiquidationSum,
    OpenInterest,
    Reading,
)
from bot.domain.orders import PositionSide
from bot.kernel.assess.judge import Assessment, assess
from bot.kernel.observe import liquidations, totals
from bot.kernel.sensed import WINDOWS_S, Senses
from tests.unit.kernel.sense.tape import POLICY, SYMBOL, MarketEvent, judged, tell, told

S = 10**9
H = 3_600 * S
START = 20_000 * 24 * H
VENUES = ("binance", "bybit", "hyperliquid", "okx")


def tape(moves: list[int]) -> list[MarketEvent]:
    """Hourly news from every venue, and four bars an hour that walk by basis points."""
    events: list[MarketEvent] = []
    price, now = 80_000.0, START
    for step, move in enumerate(moves):
        for at, venue in enumerate(VENUES):
            qty = 1_000.0 * (at + 1) * (1.0 + move / 1e4)
            events.append(OpenInterest(SYMBOL, now, now, venue, qty))
            rate = 1e-5 * ((step + at) % 7 - 2)
            events.append(FundingRate(SYMBOL, now, now, venue, rate, 3_600, True))
            side = PositionSide.LONG if move < 0 else PositionSide.SHORT
            size = 0.5 + abs(move) / 50
            events.append(Liquidation(SYMBOL, now + at, now + at, venue, side, size, price))
        events.append(Reading("mood", "fear_greed", now, now, float(50 + move % 40)))
        for _ in range(4):
            before, price = price, price * (1.0 + move / 1e4)
            now += H // 4
            high, low = max(before, price) * 1.001, min(before, price) * 0.999
            events.append(Candle(SYMBOL, now, now, 900, before, high, low, price, 1.0))
    return events


def words(found: Iterator[Assessment]) -> list[bytes]:
    return [msgspec.msgpack.encode(each) for each in found]


MOVES = st.lists(st.integers(-150, 150), min_size=2, max_size=16)


@settings(max_examples=8, deadline=None)
@given(MOVES, st.randoms(use_true_random=False))
def test_the_order_of_venues_changes_nothing(moves, random) -> None:
    events = tape(moves)
    groups: dict[tuple[int, bool], list[MarketEvent]] = {}
    for event in events:
        is_bar = isinstance(event, Candle)
        groups.setdefault((event.received_ns // S, is_bar), []).append(event)
    mixed = []
    for (_, is_bar), group in sorted(groups.items(), key=lambda item: (item[0][0], not item[0][1])):
        if not is_bar:
            random.shuffle(group)
        mixed += group
    plain = [e for (_, bar), g in sorted(groups.items(), key=lambda i: (i[0][0], not i[0][1]))
             for e in g]  # fmt: skip
    assert words(judged(mixed)) == words(judged(plain))


@settings(max_examples=8, deadline=None)
@given(MOVES, st.randoms(use_true_random=False))
def test_repeated_frames_change_nothing(moves, random) -> None:
    events = tape(moves)
    doubled = [again for event in events for again in (event,) * random.choice((1, 1, 2, 3))]
    senses = Senses(symbol=SYMBOL)
    seen, found = 0, []
    for event in doubled:
        fresh = tell(senses, event)
        if isinstance(event, Candle) and fresh:
            seen += 1
            found.append(msgspec.msgpack.encode(assess(senses, event.event_ns, POLICY)))
    assert found == words(judged(events))


@settings(max_examples=6, deadline=None)
@given(MOVES)
def test_a_restart_at_any_event_changes_nothing(moves) -> None:
    events = tape(moves)

    def again(senses: Senses) -> Senses:
        return msgspec.msgpack.decode(msgspec.msgpack.encode(senses), type=Senses)

    assert words(judged(events, between=again)) == words(judged(events))


BAD = [math.nan, math.inf, -math.inf, 0.0, -1.0]
BAD_FUNDING = [math.nan, math.inf, -math.inf, 0.51, -0.51]


def nonsense(now: int, ahead: int) -> Iterator[MarketEvent]:
    """Every kind of event that must not be believed, at an instant."""
    late = now - 60 * 24 * H
    for x in BAD:
        yield OpenInterest(SYMBOL, now, now, "binance", x)
        yield Liquidation(SYMBOL, now, now, "binance", PositionSide.LONG, x, 80_000.0)
        yield Liquidation(SYMBOL, now, now, "binance", PositionSide.LONG, 1.0, x)
        for at in range(4):
            prices = [80_000.0] * 4
            prices[at] = x
            yield Candle(SYMBOL, now, now, 900, *prices, 1.0)
    for x in BAD_FUNDING:
        yield FundingRate(SYMBOL, now, now, "binance", x, 28_800, True)
    for x in (math.nan, math.inf, -1.0):
        yield LiquidationSum(SYMBOL, now, now, "all", 3_600, x, 0.0)
        yield LiquidationSum(SYMBOL, now, now, "all", 3_600, 0.0, x)
        yield Reading("mood", "fear_greed", now, now, x)
    yield FundingRate(SYMBOL, now, now, "binance", 1e-4, 0, True)
    yield LiquidationSum(SYMBOL, now, now, "all", 0, 1.0, 1.0)
    yield Reading("mood", "moon_phase", now, now, 1.0)
    for ns, received in ((late, now), (now + ahead, now)):
        yield OpenInterest(SYMBOL, ns, received, "binance", 5_000.0)
        yield FundingRate(SYMBOL, ns, received, "binance", 1e-3, 28_800, True)
        yield Liquidation(SYMBOL, ns, received, "binance", PositionSide.LONG, 1.0, 80_000.0)
        yield Reading("mood", "fear_greed", ns, received, 1.0)
    yield Candle(SYMBOL, late, now, 900, 80_000.0, 80_000.0, 1.0, 1.0, 1.0)
    yield Candle(SYMBOL, now, now, 900, 80_000.0, 79_000.0, 81_000.0, 80_000.0, 1.0)


@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(-150, 150), min_size=2, max_size=8), st.integers(2, 10**6))
def test_nonsense_late_and_from_the_future_changes_nothing(moves, minutes) -> None:
    events = tape(moves)
    plain = words(judged(events))
    senses, found = Senses(symbol=SYMBOL), []
    for event in events:
        if senses.price.close_ns:
            for junk in nonsense(event.received_ns, minutes * 60 * S):
                assert not tell(senses, junk), junk
        tell(senses, event)
        if isinstance(event, Candle):
            found.append(msgspec.msgpack.encode(assess(senses, event.event_ns, POLICY)))
    assert found == plain


PRINT = st.tuples(
    st.sampled_from(VENUES), st.integers(0, 3 * 24 * 3_600), st.booleans(), st.integers(1, 10**7)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PRINT, max_size=60, unique=True), st.integers(0, 24 * 3_600))
def test_rolling_sums_equal_the_sums_from_scratch(prints, wait) -> None:
    senses = Senses(symbol=SYMBOL)
    now = START + 3 * 24 * H + wait * S
    for venue, second, is_long, cents in prints:
        side = PositionSide.LONG if is_long else PositionSide.SHORT
        ns = START + second * S
        liquidations.on_liquidation(
            senses, Liquidation(SYMBOL, ns, now, venue, side, cents / 100.0, 1.0), POLICY
        )
    liquidations.roll(senses.liquidations, now, POLICY)
    for kind, window_s in enumerate(WINDOWS_S):
        found = totals.window_total(senses, window_s, now)
        grain = (5, 60, 900)[kind // 2] * S
        first = now // grain - window_s * S // grain + 1
        wanted = {True: 0, False: 0}
        for _, second, is_long, cents in prints:
            if (START + second * S) // grain >= first:
                wanted[is_long] += cents
        if found is not None:
            assert round(found.long_usd * 100) == wanted[True]
            assert round(found.short_usd * 100) == wanted[False]
            assert found.estimated_usd >= found.usd - 0.01
        else:
            assert all(START + second * S < now - 48 * H for _, second, _, _ in prints)


@given(st.lists(st.integers(-150, 150), min_size=40, max_size=40))
@settings(max_examples=3, deadline=None)
def test_history_beyond_its_span_is_forgotten(moves) -> None:
    long_ago = tape(moves)
    size = len(msgspec.msgpack.encode(told(long_ago)))
    assert size < 200_000
    assert len(msgspec.msgpack.encode(told(tape(moves * 2)))) < 1.6 * size


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_a_venue_that_drops_out_is_no_flush(cut: int) -> None:
    events = tape([5, -5] * 40)
    gone = VENUES[cut]
    half = START + 40 * H
    kept = [
        e for e in events
        if not (isinstance(e, OpenInterest) and e.venue == gone and e.event_ns >= half)
    ]  # fmt: skip
    for each in judged(kept, every=4):
        change = each.facts.oi_change
        assert change is None or abs(change) < 0.01
        assert each.flush.state == "NONE"
        assert each.severities.get("oi", 0.0) == 0.0
