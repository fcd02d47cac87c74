"""Market paths from bars, and the authored default scenario."""

import math
from collections.abc import Callable
from datetime import datetime
from itertools import islice, pairwise

import pytest

from bot.domain.errors import DataInvalid
from bot.domain.market import Candle, FundingRate, OpenInterest
from bot.domain.units import NS_PER_H, NS_PER_MIN, NS_PER_S
from bot.simulator import default_path
from bot.simulator.barwalk import Ranges
from bot.simulator.default_path import START_NS, default_scenario
from bot.simulator.scenario import likely_first, live_path, ticks_from_candles

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
T0 = 1_769_904_000 * NS_PER_S


def bar(
    i: int, o: float, h: float, low: float, c: float, *, span_s: int = 300, symbol: str = BTC
) -> Candle:
    end = T0 + (i + 1) * span_s * NS_PER_S
    return Candle(symbol, end, end, span_s, o, h, low, c, 100.0)


BARS = [
    bar(0, 100.0, 110.0, 90.0, 105.0),
    bar(1, 106.0, 107.0, 101.0, 102.0),
    bar(2, 102.0, 102.0, 102.0, 102.0),
]


def test_four_points_visit_open_low_high_close() -> None:
    ticks = list(ticks_from_candles(BARS, seed=1, points_per_bar=4))
    assert [t.last for t in ticks[:4]] == [100.0, 90.0, 110.0, 105.0]
    assert [t.gap for t in ticks[:8]] == [True, False, False, False] * 2
    assert [t.event_ns - T0 for t in ticks[:5]] == [i * 75 * NS_PER_S for i in range(5)]
    assert all(t.mark == t.index == t.last for t in ticks)
    assert sum(t.qty for t in ticks[:4]) == pytest.approx(100.0)
    assert all(0.0 <= t.buy_qty <= t.qty for t in ticks)


def test_the_order_of_extremes_is_asked_when_the_bar_begins() -> None:
    asked: list[int] = []

    def order(candle: Candle) -> str:
        asked.append(candle.event_ns)
        return "high_first"

    walk = ticks_from_candles(BARS, seed=1, points_per_bar=4, order=order)  # type: ignore[arg-type]
    assert [t.last for t in islice(walk, 4)] == [100.0, 110.0, 90.0, 105.0]
    assert len(asked) == 1


@pytest.mark.parametrize("points", [4, 7, 40])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_walk_stays_in_its_bar_and_visits_all_four_prices(points: int, seed: int) -> None:
    ticks = list(ticks_from_candles(BARS, seed=seed, points_per_bar=points))
    assert len(ticks) == points * len(BARS)
    for i, b in enumerate(BARS):
        part = [t.last for t in ticks[i * points : (i + 1) * points]]
        assert (part[0], part[-1], min(part), max(part)) == (b.open, b.close, b.low, b.high)
    times = [t.event_ns for t in ticks]
    assert times == sorted(times)
    assert times[-1] < BARS[-1].event_ns


def test_symbols_are_merged_in_time() -> None:
    other = [bar(i, 10.0, 11.0, 9.0, 10.0, symbol=ETH, span_s=60) for i in range(15)]
    ticks = list(ticks_from_candles([*BARS, *other], seed=1))
    assert {t.symbol for t in ticks} == {BTC, ETH}
    times = [t.event_ns for t in ticks]
    assert times == sorted(times)
    assert len(ticks) == 4 * 18


def test_mark_candles_are_followed() -> None:
    twin = [bar(0, 100.5, 108.0, 92.0, 104.0)]
    ticks = list(ticks_from_candles(BARS[:1], twin, seed=1))
    assert [t.mark for t in ticks] == [100.5, 92.0, 108.0, 104.0]
    coarse = [bar(0, 1.0, 120.0, 80.0, 100.0, span_s=600), bar(1, 1.0, 1.0, 1.0, 110.0, span_s=600)]
    later = bar(2, 102.0, 103.0, 101.0, 102.0)
    ticks = list(ticks_from_candles([later], coarse, seed=1))
    assert [t.mark for t in ticks] == pytest.approx([100.0, 101.25, 102.5, 103.75])
    assert [t.mark for t in ticks_from_candles([bar(8, 5.0, 6.0, 4.0, 5.0)], coarse)] == [
        5.0, 4.0, 6.0, 5.0,
    ]  # fmt: skip


def test_funding_and_open_interest_are_known_from_their_instant_on() -> None:
    at = T0 + 150 * NS_PER_S
    rate = FundingRate(BTC, at, at, "x", 0.0003, 28_800, False)
    held = OpenInterest(BTC, at, at, "x", 5.0)
    ticks = list(ticks_from_candles(BARS[:1], (), [rate], [held], seed=1))
    assert [t.funding_frac for t in ticks] == [None, None, 0.0003, 0.0003]
    assert [t.open_interest_qty for t in ticks] == [None, None, 5.0, 5.0]


def test_a_bar_is_fast_against_the_bars_before_it() -> None:
    ranges = Ranges()
    calm = [bar(i, 100.0, 100.5, 99.5, 100.0) for i in range(400)]
    assert not any(ranges.is_fast(b) for b in calm)
    assert ranges.is_fast(bar(400, 100.0, 102.0, 98.0, 100.0))
    assert not ranges.is_fast(bar(401, 100.0, 101.0, 99.0, 100.0))


@pytest.mark.parametrize(
    "bad",
    [
        bar(0, 100.0, 99.0, 90.0, 95.0),
        bar(0, 100.0, 110.0, 101.0, 105.0),
        bar(0, 100.0, 110.0, -1.0, 105.0),
        bar(0, math.nan, 110.0, 90.0, 105.0),
    ],
)
def test_a_bar_that_is_none_is_named(bad: Candle) -> None:
    with pytest.raises(DataInvalid, match="BTC/USDT:USDT: the bar that closed"):
        list(ticks_from_candles([bad]))


# ---------------------------------------------------------------------- live


@pytest.mark.parametrize("speed", [0.5, 1.0, 20.0, 300.0, 5_000.0])
def test_a_live_path_ticks_two_to_five_times_in_a_second_of_wall_time(speed: float) -> None:
    bars = (
        bar(i, 100.0, 101.0, 99.0, 100.0, span_s=60, symbol=s) for i in range(4_000)
        for s in (BTC, ETH)
    )  # fmt: skip
    ticks = list(islice(live_path(bars, speed=speed), 2_000))
    mine = [t for t in ticks if t.symbol == BTC]
    wall_s = (mine[-1].event_ns - mine[0].event_ns) / NS_PER_S / speed
    assert 2.0 <= len(mine) / wall_s <= 5.0
    times = [t.event_ns for t in ticks]
    assert times == sorted(times)


def test_folding_keeps_the_extremes() -> None:
    bars = [bar(i, 100.0, 101.0 + (i == 7), 99.0 - (i == 3), 100.0, span_s=60) for i in range(20)]
    prices = [t.last for t in live_path(bars, speed=600.0)]
    assert (min(prices), max(prices)) == (98.0, 102.0)
    assert sum(t.qty for t in live_path(bars, speed=600.0)) == pytest.approx(2_000.0)


def test_a_live_mark_trails_but_never_strays() -> None:
    bars = [bar(0, 100.0, 130.0, 70.0, 100.0), bar(1, 150.0, 150.0, 140.0, 145.0)]
    ticks = list(live_path(bars, speed=100.0))
    assert any(t.mark != t.last for t in ticks)
    assert all(abs(t.mark / t.last - 1.0) <= 0.002 + 1e-9 for t in ticks)
    assert not any(t.gap for t in ticks)


def test_a_senseless_speed_is_refused() -> None:
    with pytest.raises(DataInvalid, match="speed"):
        next(live_path(BARS, speed=0.0))


def test_likely_first_follows_the_colour() -> None:
    assert likely_first(bar(0, 1.0, 3.0, 0.5, 2.0)) == "low_first"
    assert likely_first(bar(0, 2.0, 3.0, 0.5, 1.0)) == "high_first"


# ---------------------------------------------------------------------- the authored default


def opening(seed: int) -> list[tuple[float, float]]:
    """Return (minutes, price) of bitcoin's first two hours, at the default speed."""
    ticks = islice(live_path(default_path.path(seed=seed), seed=seed, speed=60.0), 2_300)
    return [((t.event_ns - START_NS) / NS_PER_MIN, t.last) for t in ticks if t.symbol == BTC]


@pytest.mark.parametrize("seed", [1, 2, 3, 42, 2026])
def test_the_opening_sweeps_78k_comes_back_and_holds(seed: int) -> None:
    walk = opening(seed)
    assert 78_300 < walk[0][1] < 78_400
    assert walk[-1][0] > 90.0
    below = [at for at, p in walk if p < 78_000.0 and at < 50]
    assert 9.0 < below[0] < 15.0
    assert below[-1] - below[0] < 9.5  # never three closes of five minutes in a row
    lowest = min(p for at, p in walk if at < 50)
    assert 77_860 < lowest < 77_900
    assert all(p > 78_080 for at, p in walk if 25.0 <= at <= 59.0)
    again = [at for at, p in walk if p < 78_000.0 and 50 < at < 90]
    assert again[0] > 62.0
    assert again[-1] < 71.0


def test_the_history_passes_its_public_marks() -> None:
    bars = [b for b in default_scenario(seed=1).history if b.symbol == BTC]
    first = {
        price: next(b.event_ns for b in bars if b.low < price) for price in (80_000, 76_000, 75_000)
    }
    marks = {80_000: "31T17:05", 76_000: "31T18:40", 75_000: "02T03:30"}
    for price, told in marks.items():
        month = "01" if told.startswith("31") else "02"
        at = datetime.fromisoformat(f"2026-{month}-{told}:00+00:00").timestamp() * NS_PER_S
        assert abs(first[price] - at) < 30 * NS_PER_MIN
    assert 74_000 < min(b.low for b in bars) < 74_700


def test_the_path_bounces_to_the_next_level_and_falls() -> None:
    bars = [b for b in islice(default_path.path(seed=1), 3 * 1_600) if b.symbol == BTC]

    def first(hit: Callable[[Candle], bool]) -> float:
        return next((b.event_ns - START_NS) / NS_PER_MIN for b in bars if hit(b))

    bounce = first(lambda b: b.high >= 80_000)
    lost_78 = first(lambda b: b.close < 77_800 and b.event_ns > START_NS + 150 * NS_PER_MIN)
    lost_75 = first(lambda b: b.low < 75_000)
    assert 130 < bounce < 200 < lost_78 < lost_75 < 350
    assert 73_900 < min(b.low for b in bars) < 74_800


def test_the_history_is_thirty_days_and_leads_to_the_start() -> None:
    scenario = default_scenario(seed=1)
    assert not scenario.recorded
    for symbol in scenario.symbols:
        bars = [b for b in scenario.history if b.symbol == symbol]
        assert len(bars) == 30 * 1_440
        assert bars[-1].event_ns == START_NS
        assert bars[0].event_ns == START_NS - 30 * 24 * NS_PER_H + NS_PER_MIN
        assert all(b.history for b in bars)
        assert all(a.close == b.open for a, b in pairwise(bars))
        first = next(b for b in scenario.path() if b.symbol == symbol)
        assert first.open == bars[-1].close
    closes = [b.close for b in scenario.history if b.symbol == BTC]
    assert min(closes) > 74_000
    assert max(closes) < 97_000


def test_the_path_never_ends_and_stays_sane() -> None:
    far = default_path.bars(default_path.COINS[0], 1, 60 * 24 * 60.0, 200, 60)
    assert all(60_000 < b.low <= b.high < 100_000 for b in far)
    assert all(b.volume > 0 for b in far)


def test_the_path_is_the_seeds_and_coarse_bars_fold_from_fine_ones() -> None:
    one, two = (list(islice(default_path.path(seed=s), 90)) for s in (5, 5))
    assert one == two
    assert one != list(islice(default_path.path(seed=6), 90))
    coin = default_path.COINS[1]
    fine = default_path.bars(coin, 1, 30.0, 10, 60)
    (coarse,) = default_path.bars(coin, 1, 30.0, 1, 600)
    assert (fine[0].open, fine[-1].close) == (coarse.open, coarse.close)


def test_funding_and_open_interest_cover_history_and_path() -> None:
    scenario = default_scenario(seed=1)
    assert scenario.funding[0].event_ns <= START_NS - 29 * 24 * NS_PER_H
    assert scenario.open_interest[-1].event_ns >= START_NS + 29 * 24 * NS_PER_H
    settled = [f for f in scenario.funding if f.settled and f.symbol == BTC]
    assert all(f.event_ns % (8 * NS_PER_H) == 0 for f in settled)
    assert any(f.rate_frac < 0 for f in settled)
    (tick,) = islice(
        live_path(scenario.path(), funding=scenario.funding, open_interest=scenario.open_interest),
        1,
    )
    assert tick.funding_frac is not None
    assert tick.open_interest_qty is not None
