"""Bars become instants in the right order, adverse side first, fast bars by the past alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import DataInvalid
from bot.domain.units import NS_PER_S
from bot.lab.path import (
    FAST_BARS_MIN,
    Phase,
    candle_of,
    fast_flags,
    instants,
    price_at,
    told_candles,
    track_of,
)

BAR_S = 300
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


def make_track(symbol=BTC, *, bars=3, timeframe_s=BAR_S, first_ns=0, is_mark=False):
    open_ns = first_ns + np.arange(bars, dtype=np.int64) * timeframe_s * NS_PER_S
    base = 100.0 + np.arange(bars)
    prices = (base, base + 5.0, base - 7.0, base + 1.0)
    return track_of(symbol, timeframe_s, open_ns, prices, np.full(bars, 8.0), is_mark=is_mark)


def test_a_bar_is_told_only_after_its_last_price_and_before_the_next_open() -> None:
    seen = [
        (ns, Phase(phase), bar) for ns, phase, _, bar in instants([make_track()], [], 0, 10**18)
    ]
    closed = next(i for i, (_, phase, bar) in enumerate(seen) if phase is Phase.BAR_CLOSED)
    assert seen[closed][0] == BAR_S * NS_PER_S
    before = {phase for _, phase, _ in seen[:closed]}
    assert before == {
        Phase.OPEN, Phase.TIMER, Phase.FIRST, Phase.SECOND, Phase.CLOSE, Phase.READ,
    }  # fmt: skip
    assert seen[closed + 1][1:] == (Phase.OPEN, 1)


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=3),
    st.lists(st.integers(0, 10_000), max_size=8),
)
def test_instants_never_go_back_and_none_is_lost(lengths, news_s) -> None:
    tracks = [
        make_track(symbol, bars=bars, timeframe_s=300 * (1 + n))
        for n, (symbol, bars) in enumerate(zip(("A", "B", "C"), lengths, strict=False))
    ]
    news = [s * NS_PER_S for s in news_s]
    seen = list(instants(tracks, news, 0, 10**18))
    assert seen == sorted(seen, key=lambda row: row[:2])
    for number, track in enumerate(tracks):
        for phase in (Phase.OPEN, Phase.FIRST, Phase.SECOND, Phase.CLOSE, Phase.BAR_CLOSED):
            bars = [bar for _, p, n, bar in seen if p == phase and n == number]
            assert bars == list(range(len(track.open_ns)))
    assert sorted(bar for _, p, _, bar in seen if p == Phase.NEWS) == list(range(len(news)))


def test_bars_before_the_start_are_not_walked() -> None:
    start_ns = 2 * BAR_S * NS_PER_S
    assert {bar for _, p, _, bar in instants([make_track()], [], start_ns, 10**18) if p == 2} == {2}


def test_the_extreme_against_what_is_held_comes_first() -> None:
    track = make_track(bars=1)
    for high_first, first, second in ((False, 93.0, 105.0), (True, 105.0, 93.0)):
        assert price_at(track, 0, Phase.OPEN, high_first=high_first) == 100.0
        assert price_at(track, 0, Phase.FIRST, high_first=high_first) == first
        assert price_at(track, 0, Phase.SECOND, high_first=high_first) == second
        assert price_at(track, 0, Phase.CLOSE, high_first=high_first) == 101.0


def test_mark_tracks_have_no_candle_to_tell() -> None:
    seen = instants([make_track(), make_track(is_mark=True)], [], 0, 10**18)
    assert {number for _, phase, number, _ in seen if phase == Phase.BAR_CLOSED} == {0}


def test_a_bar_is_fast_by_the_bars_before_it_only() -> None:
    size = 400
    low = np.full(size, 99.0)
    high = np.full(size, 100.0)
    high[350] = 105.0
    flags = fast_flags(np.full(size, 99.0), high, low)
    assert flags.nonzero()[0].tolist() == [350]
    high[351:] = 300.0
    assert fast_flags(np.full(size, 99.0), high, low)[:351].tolist() == flags[:351].tolist()


def test_the_first_bars_have_no_past_to_be_fast_against() -> None:
    high = np.array([100.0] * FAST_BARS_MIN)
    high[-1] = 900.0
    assert not fast_flags(np.full(FAST_BARS_MIN, 99.0), high, np.full(FAST_BARS_MIN, 99.0)).any()


def test_no_bars_and_unordered_bars_are_refused() -> None:
    empty = np.array([], dtype=np.int64)
    nothing = np.array([])
    with pytest.raises(DataInvalid, match="no candles"):
        track_of(BTC, 300, empty, (nothing,) * 4, nothing)
    ones = np.ones(2)
    with pytest.raises(DataInvalid, match="do not rise"):
        track_of(BTC, 300, np.array([5, 5], dtype=np.int64), (ones,) * 4, ones)


@given(st.sets(st.integers(0, 60), min_size=1), st.sampled_from([60, 120, 300]))
def test_finer_bars_fold_into_the_decision_bar_and_never_early(minutes, bar_s) -> None:
    open_ns = np.array(sorted(minutes), dtype=np.int64) * 60 * NS_PER_S
    base = 100.0 + np.arange(open_ns.size)
    track = track_of(BTC, 60, open_ns, (base, base + 2, base - 2, base + 1), np.ones(base.size))
    told = told_candles(track, bar_s)
    assert len(told) == len(track.open_ns)
    seen = 0
    for bar, candle in enumerate(told):
        if candle is None:
            continue
        assert candle.event_ns <= track.open_ns[bar] + 60 * NS_PER_S
        assert candle.event_ns % (bar_s * NS_PER_S) == 0
        parts = [
            candle_of(track, n)
            for n in range(base.size)
            if candle.event_ns - bar_s * NS_PER_S <= track.open_ns[n] < candle.event_ns
        ]
        assert (candle.open, candle.close) == (parts[0].open, parts[-1].close)
        assert (candle.low, candle.high) == (min(p.low for p in parts), max(p.high for p in parts))
        assert candle.volume == len(parts)
        seen += len(parts)
    unfinished = base.size - seen
    assert 0 <= unfinished <= 2 * bar_s // 60


def test_coarser_bars_are_told_as_they_are() -> None:
    track = make_track(timeframe_s=900)
    assert told_candles(track, 300) == [candle_of(track, bar) for bar in range(3)]
