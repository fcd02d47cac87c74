"""Liquidations by the minute, simulated: recorded hours are told in prints where price moved."""

from collections.abc import Iterable

import numpy as np

from bot.domain.market import Candle, Liquidation, LiquidationSum
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_H, NS_PER_MIN, NS_PER_S
from tests.unit.kernel.sense.tape import MarketEvent

VENUE = "simulated"
HOUR_S = 3_600
Totals = dict[int, tuple[float, float]]
"""Start of an hour, ns -> USD of longs and of shorts forced in it."""
Fit = tuple[tuple[float, float], tuple[float, float]]
"""For longs and shorts: log USD = a + b * log(excursion of the hour)."""


def hourly_totals(events: Iterable[MarketEvent]) -> Totals:
    """Return the recorded hours."""
    return {
        each.event_ns - NS_PER_H: (each.long_usd, each.short_usd)
        for each in events
        if isinstance(each, LiquidationSum) and each.window_s == HOUR_S
    }


def excursions(candles: Iterable[Candle]) -> dict[int, list[tuple[Candle, float, float]]]:
    """Return, by hour, each bar with its fall and rise from the close before, as fractions."""
    hours: dict[int, list[tuple[Candle, float, float]]] = {}
    before = None
    for bar in candles:
        since = before if before is not None else bar.open
        fall, rise = max(1.0 - bar.low / since, 0.0), max(bar.high / since - 1.0, 0.0)
        hours.setdefault((bar.event_ns - 1) // NS_PER_H * NS_PER_H, []).append((bar, fall, rise))
        before = bar.close
    return hours


def fitted(events: list[MarketEvent]) -> Fit:
    """Return how forced USD of an hour grew with its excursion where both are recorded."""
    totals = hourly_totals(events)
    hours = excursions(event for event in events if isinstance(event, Candle))
    sides = []
    for side in (0, 1):
        rows = [
            (np.log(sum(row[1 + side] for row in bars)), np.log(totals[hour][side]))
            for hour, bars in hours.items()
            if hour in totals and totals[hour][side] > 0.0 and sum(r[1 + side] for r in bars) > 0.0
        ]
        x, y = np.array(rows).T
        slope, at_zero = np.polyfit(x, y, 1)
        sides.append((float(at_zero), float(slope)))
    return sides[0], sides[1]


def guessed(candles: list[Candle], fit: Fit) -> Totals:
    """Return hours made up from price alone."""
    out: Totals = {}
    for hour, bars in excursions(candles).items():
        sums = [sum(row[1 + side] for row in bars) for side in (0, 1)]
        longs, shorts = (
            float(np.exp(a + b * np.log(x))) if x > 0.0 else 0.0
            for (a, b), x in zip(fit, sums, strict=True)
        )
        out[hour] = (longs, shorts)
    return out


def with_prints(events: list[MarketEvent], totals: Totals) -> list[MarketEvent]:
    """Return the tape with each hour's totals told as prints, a minute each, as the bars fell."""
    hours = excursions(event for event in events if isinstance(event, Candle))
    prints: dict[int, list[Liquidation]] = {}
    for hour, bars in hours.items():
        whole = totals.get(hour)
        if whole is None:
            continue
        for side, kind in ((0, PositionSide.LONG), (1, PositionSide.SHORT)):
            moved = sum(row[1 + side] for row in bars)
            for row in bars:
                share = row[1 + side] / moved if moved > 0.0 else 1.0 / len(bars)
                prints.setdefault(row[0].event_ns, []).extend(
                    _of_bar(row[0], kind, whole[side] * share)
                )
    out: list[MarketEvent] = []
    for event in events:
        if isinstance(event, Candle):
            out += sorted(prints.get(event.event_ns, ()), key=lambda each: each.event_ns)
        out.append(event)
    return out


def _of_bar(bar: Candle, side: PositionSide, usd: float) -> list[Liquidation]:
    if usd <= 0.0:
        return []
    minutes = bar.timeframe_s // 60
    price = bar.low if side is PositionSide.LONG else bar.high
    open_ns = bar.event_ns - bar.timeframe_s * NS_PER_S
    return [
        Liquidation(
            bar.symbol, open_ns + minute * NS_PER_MIN, bar.event_ns, VENUE, side,
            usd / minutes / price, price,
        )
        for minute in range(minutes)
    ]  # fmt: skip
