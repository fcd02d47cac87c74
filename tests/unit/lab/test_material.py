"""A folder becomes tracks and news that know nothing before its time."""

from pathlib import Path

import numpy as np
import pytest

from bot.data.arrays import (
    CandleArrays,
    FundingArrays,
    LiquidationArrays,
    OpenInterestArrays,
    SentimentArrays,
)
from bot.data.folder import Folder
from bot.domain.errors import ConfigInvalid, DataInvalid
from bot.domain.market import Candle, FundingRate, LiquidationSum, OpenInterest, Reading
from bot.domain.policy import LimitPolicy, Policy
from bot.domain.units import NS_PER_DAY, NS_PER_H, NS_PER_S
from bot.lab.material import _before, material_of
from bot.lab.options import ReplayOptions

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
DAY = 20_000 * NS_PER_DAY


def candles(symbol=BTC, *, venue="binance", timeframe_s=300, bars=576, price=100.0):
    open_ns = DAY + np.arange(bars, dtype=np.int64) * timeframe_s * NS_PER_S
    flat = np.full(bars, price)
    return CandleArrays(symbol, venue, timeframe_s, open_ns, flat, flat + 1, flat - 1, flat, flat)


def folder(*series: CandleArrays, **more) -> Folder:
    keyed = {(s.symbol, s.timeframe_s, s.venue): s for s in series or (candles(),)}
    return Folder(Path("made"), keyed, **more)


def options(**more) -> ReplayOptions:
    return ReplayOptions(data=Path("made"), **more)


def hours(*numbers: float):
    return np.array([DAY + int(n * NS_PER_H) for n in numbers], dtype=np.int64)


def test_windows_are_news_when_they_have_closed() -> None:
    sums = LiquidationArrays(BTC, "all", 3_600, hours(1, 2), np.array([5.0, 6]), np.array([7.0, 8]))
    interest = OpenInterestArrays(BTC, "binance", 3_600, hours(1), np.array([5_000.0]))
    mood = SentimentArrays(
        np.array([DAY], dtype=np.int64), np.array([14.0]), np.array([np.nan]), np.array([0.01])
    )
    made = material_of(
        folder(
            liquidations={(BTC, 3_600, "all"): sums},
            open_interest={(BTC, "binance"): interest},
            sentiment=mood,
        ),
        options(),
    )
    told = [(ns - DAY, event) for ns, event in made.news]
    liquidated = [(ns, e.long_usd) for ns, e in told if isinstance(e, LiquidationSum)]
    assert liquidated == [(2 * NS_PER_H, 5.0), (3 * NS_PER_H, 6.0)]
    assert [(ns, e.qty) for ns, e in told if isinstance(e, OpenInterest)] == [(2 * NS_PER_H, 50.0)]
    readings = [(ns, e.name, e.value) for ns, e in told if isinstance(e, Reading)]
    assert readings == [(NS_PER_DAY, "fear_greed", 14.0), (NS_PER_DAY, "spx_return", 0.01)]


def test_every_event_carries_the_time_at_which_it_is_told() -> None:
    sums = LiquidationArrays(BTC, "all", 3_600, hours(1), np.array([5.0]), np.array([7.0]))
    made = material_of(folder(liquidations={(BTC, 3_600, "all"): sums}), options())
    assert all(event.event_ns == ns for ns, event in made.news)
    assert [ns for ns, _ in made.news] == sorted(ns for ns, _ in made.news)


def test_funding_follows_the_venue_of_the_candles_and_its_interval() -> None:
    def rows(venue, interval_s, rate):
        times = hours(0, 8, 16)
        return FundingArrays(
            BTC, venue, times, np.full(3, rate), np.full(3, interval_s, dtype=np.int64)
        )

    made = material_of(
        folder(
            candles(venue="bybit"),
            funding={
                (BTC, "binance"): rows("binance", 28_800, 0.1),
                (BTC, "bybit"): rows("bybit", 28_800, 0.2),
            },
        ),
        options(),
    )
    plan = made.funding[BTC]
    assert plan.venue == "bybit"
    assert plan.next_after(DAY) == 0.2
    assert plan.next_after(DAY + 17 * NS_PER_H) == 0.0
    told = [e for _, e in made.news if isinstance(e, FundingRate)]
    assert {e.venue for e in told} == {"binance", "bybit"}, "the senses hear both"
    settled = [e for e in told if e.venue == plan.venue]
    assert [e.event_ns - DAY for e in settled] == [0, 8 * NS_PER_H, 16 * NS_PER_H]
    assert any("3 settlements are not recorded" in line for line in made.caveats)


def test_every_series_is_told_under_its_own_name() -> None:
    fine = OpenInterestArrays(BTC, "lighter", 3_600, hours(1), np.array([100.0]))
    coarse = OpenInterestArrays(BTC, "all-market", 86_400, hours(0), np.array([9e9]))
    made = material_of(
        folder(open_interest={(BTC, "lighter"): fine, (BTC, "all-market"): coarse}), options()
    )
    told = [e.venue for _, e in made.news if isinstance(e, OpenInterest)]
    assert sorted(told) == ["all-market", "lighter"]


def test_the_finest_candles_are_walked_and_symbols_follow_the_policy() -> None:
    made = material_of(
        folder(candles(timeframe_s=900, bars=192), candles(venue="bybit"), candles(ETH)), options()
    )
    assert made.symbols == (BTC,)
    assert [t.timeframe_s for t in made.tracks] == [300]
    assert made.bar_s == 300
    both = Policy(limits=LimitPolicy(symbols=(ETH, BTC, "XRP/USDT:USDT")))
    assert material_of(folder(candles(), candles(ETH)), options(policy=both)).symbols == (ETH, BTC)


def test_a_later_start_knows_the_bars_before_it_as_history() -> None:
    made = material_of(folder(), options(start="12h"))
    assert made.start_ns == DAY + 12 * NS_PER_H
    bars = [e for e in made.before if isinstance(e, Candle)]
    assert len(bars) == 144
    assert all(bar.history and bar.event_ns <= made.start_ns for bar in bars)
    assert material_of(folder(), options()).before == []


def test_minute_bars_are_decided_on_in_bars_of_the_policy() -> None:
    made = material_of(folder(candles(timeframe_s=60, bars=600)), options())
    assert made.bar_s == 300
    assert made.tracks[0].timeframe_s == 60
    assert [c.timeframe_s for c in made.told[0] if c is not None] == [300] * 120
    odd = options(policy=Policy(bar_s=90))
    assert material_of(folder(candles(timeframe_s=60, bars=600)), odd).bar_s == 60


def test_mark_candles_are_used_only_when_fine_enough() -> None:
    def made(timeframe_s):
        marks = candles(timeframe_s=timeframe_s, bars=24, price=101.0)
        keyed = {(BTC, timeframe_s, "binance"): marks}
        return material_of(folder(mark_candles=keyed), options())

    assert made(3_600).marks == {}
    fine = made(300)
    assert fine.has_mark(BTC, DAY)
    assert not fine.has_mark(BTC, DAY + 24 * 300 * NS_PER_S)
    assert [t.is_mark for t in fine.tracks] == [False, True]


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"symbols": ("XRP/USDT:USDT",)}, ConfigInvalid, "--symbol XRP/USDT:USDT"),
        ({"start": "48h"}, ConfigInvalid, "ends before"),
        ({"start": "noon"}, ConfigInvalid, "--start noon"),
        ({"policy": Policy(limits=LimitPolicy(symbols=("A",)))}, ConfigInvalid, "--symbol from"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(more, error, words) -> None:
    with pytest.raises(error, match=words) as caught:
        material_of(folder(), options(**more))
    assert "\n" not in str(caught.value)


def test_a_folder_of_unlisted_contracts_cannot_be_replayed() -> None:
    with pytest.raises(DataInvalid, match="no candles of a contract"):
        material_of(folder(candles("DOGE/USDT:USDT")), options())


def test_what_was_known_at_the_start_is_told_in_order_of_time() -> None:
    hour_ns = 3_600 * 10**9
    start_ns = 200 * 24 * hour_ns
    bars = [
        Candle(BTC, start_ns - hours * hour_ns, start_ns, 3_600, 1.0, 1.0, 1.0, 1.0, 1.0)
        for hours in (2, 1, -1)
    ]
    news = [
        (ns, FundingRate(BTC, ns, ns, "binance", 1e-4, 28_800, True))
        for ns in (start_ns - hours * hour_ns for hours in (91 * 24, 30 * 24, 1, 0))
    ]
    known = _before([list(bars)], news, start_ns)
    assert [(type(each), (start_ns - each.event_ns) // hour_ns) for each in known] == [
        (FundingRate, 720), (Candle, 2), (FundingRate, 1), (Candle, 1),
    ]  # fmt: skip
    assert all(each.history for each in known if isinstance(each, Candle))
