"""Made-up bars for benches and tests: a seeded walk with a fall in the middle, nothing recorded."""

import math
from collections.abc import Sequence

import numpy as np

from bot.domain.units import NS_PER_S
from bot.lab.material import Material
from bot.lab.news import FundingPlan
from bot.lab.path import Track, told_candles, track_of
from bot.simulator.contracts import contract
from bot.simulator.dice import Dice

START_NS = 1_767_225_600 * NS_PER_S
"""1 January 2026, 00:00 UTC."""


def authored_track(
    symbol: str,
    *,
    bars: int,
    seed: int = 1,
    timeframe_s: int = 300,
    first: float = 80_000.0,
    sigma_bar: float = 0.0015,
    fall_frac: float = 0.15,
) -> Track:
    """Return `bars` bars that walk by `sigma_bar` and lose `fall_frac` in their middle tenth."""
    dice = Dice(seed)
    closes = [first]
    falling = range(int(bars * 0.45), max(int(bars * 0.55), int(bars * 0.45) + 1))
    drift = math.log(1.0 - fall_frac) / len(falling)
    for n in range(bars):
        move = sigma_bar * dice.normal() + (drift if n in falling else 0.0)
        closes.append(closes[-1] * math.exp(move))
    close = np.array(closes[1:])
    begin = np.array(closes[:-1])
    wick = np.array([sigma_bar * dice.roll() for _ in range(bars)])
    high = np.maximum(begin, close) * (1.0 + wick)
    low = np.minimum(begin, close) * (1.0 - wick[::-1])
    open_ns = START_NS + np.arange(bars, dtype=np.int64) * timeframe_s * NS_PER_S
    return track_of(symbol, timeframe_s, open_ns, (begin, high, low, close), np.full(bars, 50.0))


def authored_material(tracks: Sequence[Track]) -> Material:
    """Return material of made-up tracks, without news and without funding."""
    symbols = tuple(dict.fromkeys(track.symbol for track in tracks if not track.is_mark))
    bar_s = min(track.timeframe_s for track in tracks)
    return Material(
        symbols=symbols,
        instruments=tuple(contract(symbol) for symbol in symbols),
        tracks=list(tracks),
        news=[],
        before=[],
        start_ns=min(track.open_ns[0] for track in tracks),
        end_ns=max(track.open_ns[-1] for track in tracks) + 1,
        bar_s=bar_s,
        funding={symbol: FundingPlan("", 28_800, {}, "no funding") for symbol in symbols},
        told=[told_candles(track, bar_s) for track in tracks],
        caveats=["authored: a seeded walk, nothing recorded"],
        marks={track.symbol: track for track in tracks if track.is_mark},
    )
