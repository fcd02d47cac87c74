"""Generated cascades: seeded bars in which everything that hurt at recorded lows happens again."""

from dataclasses import replace
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from bot.domain.market import FundingRate
from bot.domain.messages import Event
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.lab.bench.authored import START_NS, authored_material
from bot.lab.material import Material
from bot.lab.news import FundingPlan
from bot.lab.options import Adl
from bot.lab.path import Track, track_of
from bot.lab.synthetic.hazard import Hazard, drawn_jumps

Floats = npt.NDArray[np.float64]
MARKETS: Final = (
    "jumps", "self_exciting", "gap", "outage", "thin_depth", "frozen_feed", "v_recovery",
    "funding_cap",
)  # fmt: skip
"""Seed n is of kind n modulo their number."""
HEDGE: Final = "adl_hedge"
KINDS: Final = (*MARKETS, HEDGE)
HEDGES_FROM: Final = 1_000_000
"""Seeds from here on are hedges whose winning leg is taken away."""
BAR_S: Final = 300
CALM_BARS: Final = 288
STORM_BARS: Final = 288
FIRST_PRICE: Final = 80_000.0
GAP_FRAC: Final = 0.10
DEPTH_FRAC: Final = 0.02
SLIP_FAST_BPS: Final = 30.0
DEAF_S: Final = 1_800
FUNDING_CAP_FRAC: Final = 0.02
FUNDING_STEP_S: Final = 8 * 3_600
RECOVERED_FRAC: Final = 0.8
ADL_FALLEN: Final = 0.5
"""Share of the whole fall after which the winning leg of a hedge is taken away."""
ADL_WORSE_FRAC: Final = 0.01


class Cascade(NamedTuple):
    """One generated market and what fails in it; times are ns UTC, zero where nothing does."""

    seed: int
    kind: str
    material: Material
    fall_frac: float
    """From the first price to the lowest."""
    gap_frac: float
    """The largest fall between one close and the next open."""
    deaf_from_ns: int = 0
    deaf_until_ns: int = 0
    all_deaf: bool = False
    """Whether the venue is out of reach, not the prices alone."""
    slip_fast_bps: float = SLIP_FAST_BPS
    adl: Adl | None = None
    """When the winning leg of a hedge is auto-deleveraged; None: nothing is hedged."""


def cascade(seed: int, hazard: Hazard, symbol: str, *, sign: int = 1) -> Cascade:
    """Return cascade number `seed`: the same for the same laws; `sign` -1 turns it upside down.

    A calm day comes first. Half of the jumps happen between a close and the next open.
    """
    dice = np.random.Generator(np.random.PCG64(seed % HEDGES_FROM))
    kind = HEDGE if seed >= HEDGES_FROM else MARKETS[seed % len(MARKETS)]
    if kind == "jumps":
        alone = max(1.0 - hazard.branching, 0.1)
        hazard = msgspec.structs.replace(
            hazard,
            branching=0.0,
            base_rate=hazard.base_rate / alone,
            storm_rate=hazard.storm_rate / alone,
        )
    closes, gaps, wick = _logs(hazard, kind, dice)
    track, low_bar = _bars(symbol, sign * closes, sign * gaps, wick)
    prices = np.array(track.low if sign > 0 else track.high)
    deaf = kind in ("outage", "frozen_feed")
    middle_ns = track.open_ns[low_bar]
    half = DEAF_S // 2 * NS_PER_S
    return Cascade(
        seed=seed,
        kind=kind,
        material=_material(track, kind, sign),
        fall_frac=float(abs(1.0 - (prices.min() if sign > 0 else prices.max()) / FIRST_PRICE)),
        gap_frac=float(1.0 - np.exp(-max(gaps.min() * -1.0, 0.0))),
        deaf_from_ns=middle_ns - half if deaf else 0,
        deaf_until_ns=middle_ns + half if deaf else 0,
        all_deaf=kind == "outage",
        slip_fast_bps=SLIP_FAST_BPS / DEPTH_FRAC**0.5 if kind == "thin_depth" else SLIP_FAST_BPS,
        adl=Adl(_fallen_ns(track, sign), ADL_WORSE_FRAC) if kind == HEDGE else None,
    )


def seeds_of(count: int) -> list[int]:
    """Return the seeds of the first `count` cascades, all kinds by turns."""
    every = len(KINDS)
    return [
        HEDGES_FROM + number if number % every == every - 1 else number - number // every
        for number in range(count)
    ]


def _fallen_ns(track: Track, sign: int) -> int:
    """Return the start of the first bar that opens when the fall is half done, in logarithms."""
    fallen = -sign * np.log(np.array(track.open) / FIRST_PRICE)
    return track.open_ns[int(np.argmax(fallen >= ADL_FALLEN * fallen.max()))]


def _logs(hazard: Hazard, kind: str, dice: np.random.Generator) -> tuple[Floats, ...]:
    """Return per bar: log price of the close, the jump before its open, and a wick length."""
    bars = CALM_BARS + STORM_BARS
    trigger = CALM_BARS + int(dice.integers(6, STORM_BARS // 2))
    jumps = -drawn_jumps(hazard, bars, trigger, dice)
    jumps[:CALM_BARS] = 0.0
    between = dice.random(bars) < 0.5
    gaps = np.where(between, jumps, 0.0)
    if kind == "gap":
        gaps[trigger] += np.log(1.0 - GAP_FRAC)
    storm = np.arange(bars) >= trigger
    scale = np.where(storm, hazard.storm_sigma_bar, hazard.sigma_bar)
    drift = np.where(storm, -hazard.storm_drift_bar, 0.0)
    inside = np.where(between, 0.0, jumps) + drift + scale * dice.standard_normal(bars)
    closes = np.cumsum(gaps + inside)
    if kind == "v_recovery":
        low = int(closes.argmin())
        way = np.clip((np.arange(bars) - low) / 24.0, 0.0, 1.0)
        closes = closes - RECOVERED_FRAC * closes[low] * way
    return closes, gaps, np.abs(scale * dice.standard_normal(bars))


def _bars(
    symbol: str,
    closes: Floats,
    gaps: Floats,
    wick: Floats,
) -> tuple[Track, int]:
    before = np.concatenate(([0.0], closes[:-1]))
    first = before + gaps
    top, bottom = np.maximum(first, closes) + wick, np.minimum(first, closes) - wick
    size = closes.size
    open_ns = START_NS + np.arange(size, dtype=np.int64) * BAR_S * NS_PER_S
    prices = [FIRST_PRICE * np.exp(column) for column in (first, top, bottom, closes)]
    track = track_of(
        symbol, BAR_S, open_ns, (prices[0], prices[1], prices[2], prices[3]), np.full(size, 500.0)
    )
    return track, int(np.abs(closes).argmax())


def _material(track: Track, kind: str, sign: int) -> Material:
    material = authored_material([track])
    if kind != "funding_cap":
        return material
    step = FUNDING_STEP_S * NS_PER_S
    due = range(START_NS + step, material.end_ns + NS_PER_H, step)
    rate = sign * FUNDING_CAP_FRAC
    plan = FundingPlan("", FUNDING_STEP_S, dict.fromkeys(due, rate), "authored: funding at its cap")
    told: list[tuple[int, Event]] = [
        (ns, FundingRate(track.symbol, ns, ns, "", rate, FUNDING_STEP_S, False, ns + step))
        for ns in range(START_NS, material.end_ns, step)
    ]
    return replace(material, funding={track.symbol: plan}, news=told)
