"""What a finished replay is worth, in numbers: R, slippage, threat, quality of the cuts, costs."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from bot.domain.units import NS_PER_DAY, NS_PER_H, NS_PER_S
from bot.lab.options import FillMark, ReplayResult, StopMark, StoryLine
from bot.lab.story import utc_text

ADVERSE_FRAC = 0.05
"""A cut is right when the price goes at least this far against the position within a day."""
HORIZON_NS = NS_PER_DAY
R_EDGES = (-3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0)
FLAT = 1e-9
Table = list[dict[str, Any]]


class RoundTrip(NamedTuple):
    """From flat to flat on one symbol; `r` is None where no stop was seen at the entry."""

    symbol: str
    side: str
    opened: str
    closed: str
    qty: float
    entry: float
    exit: float
    result_usd: float
    r: float | None
    left_by: str


class Spans(NamedTuple):
    """A price path by instant, ns and quote."""

    ns: list[int]
    low: list[float]
    high: list[float]


def dossier(result: ReplayResult, stop_slip_bps: float) -> dict[str, Any]:
    """Return every section of the report; money USD before fees in trades, fractions else."""
    trips = round_trips(result.traces.fills, result.traces.stops)
    return {
        "trades": [trip._asdict() for trip in trips],
        "by_exit": by_exit(trips),
        "r_histogram": histogram(_multiples(trips)),
        "stop_slippage": slippage(result.traces.fills, result.traces.stops, stop_slip_bps),
        "threat_time": threat_time(result),
        "ladder": [
            {"time": utc_text(line.event_ns), "what": line.what, "why": line.why}
            for line in result.story
            if line.kind == "ladder"
        ],
        "cuts": cut_quality(result),
        "costs": {
            "fees_usd": result.fees_usd,
            "funding_usd": -result.funding_usd,
            "total_usd": result.fees_usd - result.funding_usd,
        },
        "months": months(result),
    }


class _Stops:
    """Triggers of stops by symbol and time; marks of a flat symbol (trigger 0.0) are left out."""

    def __init__(self, stops: Sequence[StopMark]) -> None:
        self._known: dict[str, tuple[list[int], list[float]]] = {}
        for mark in sorted(stops, key=lambda each: each.event_ns):
            if mark.trigger > 0.0:
                instants, triggers = self._known.setdefault(mark.symbol, ([], []))
                instants.append(mark.event_ns)
                triggers.append(mark.trigger)

    def first_from(self, symbol: str, ns: int) -> float:
        """Return the first trigger from an instant on; 0.0: none came."""
        instants, triggers = self._known.get(symbol, ([], []))
        at = bisect_left(instants, ns)
        return triggers[at] if at < len(triggers) else 0.0

    def last_until(self, symbol: str, ns: int) -> float:
        """Return the last trigger up to an instant; 0.0: there was none."""
        instants, triggers = self._known.get(symbol, ([], []))
        at = bisect_right(instants, ns)
        return triggers[at - 1] if at else 0.0


def round_trips(fills: Sequence[FillMark], stops: Sequence[StopMark]) -> list[RoundTrip]:
    """Return what was opened and closed again, oldest first."""
    known = _Stops(stops)
    open_fills: dict[str, list[FillMark]] = {}
    out: list[RoundTrip] = []
    for fill in fills:
        held = open_fills.setdefault(fill.symbol, [])
        held.append(fill)
        if abs(sum(_signed(each) for each in held)) < FLAT:
            out.append(_trip(held, known))
            open_fills[fill.symbol] = []
    return out


def _signed(fill: FillMark) -> float:
    return fill.qty if fill.side == "BUY" else -fill.qty


def _trip(fills: Sequence[FillMark], stops: _Stops) -> RoundTrip:
    first = fills[0]
    sign = 1.0 if first.side == "BUY" else -1.0
    bought = [f for f in fills if f.side == first.side]
    sold = [f for f in fills if f.side != first.side]
    qty = sum(f.qty for f in bought)
    entry = sum(f.qty * f.price for f in bought) / qty
    left = sum(f.qty * f.price for f in sold) / qty
    result = sign * qty * (left - entry)
    stop = stops.first_from(first.symbol, first.event_ns)
    known = stop > 0.0 and sign * (entry - stop) > 0.0
    return RoundTrip(
        symbol=first.symbol,
        side="LONG" if sign > 0 else "SHORT",
        opened=utc_text(first.event_ns),
        closed=utc_text(fills[-1].event_ns),
        qty=qty,
        entry=entry,
        exit=left,
        result_usd=result,
        r=result / (qty * abs(entry - stop)) if known else None,
        left_by=fills[-1].purpose,
    )


def by_exit(trips: Sequence[RoundTrip]) -> Table:
    """Return what each kind of end brought: trades, won, USD before fees, mean R where known."""
    ends = sorted({trip.left_by for trip in trips})
    groups = [[trip for trip in trips if trip.left_by == end] for end in ends]
    rows = [
        {
            "left_by": group[0].left_by,
            "trades": len(group),
            "won": sum(1 for trip in group if trip.result_usd > 0.0),
            "result_usd": sum(trip.result_usd for trip in group),
            "mean_r": float(np.mean(known)) if (known := _multiples(group)) else None,
        }
        for group in groups
    ]
    return sorted(rows, key=lambda row: -int(row["trades"] or 0))


def _multiples(trips: Sequence[RoundTrip]) -> list[float]:
    return [trip.r for trip in trips if trip.r is not None]


def histogram(values: Sequence[float]) -> Table:
    """Return how many multiples of risk fell between the edges; both ends are open."""
    edges = [-np.inf, *R_EDGES, np.inf]
    return [
        {
            "from_r": None if np.isinf(low) else low,
            "to_r": None if np.isinf(high) else high,
            "trades": sum(1 for value in values if low <= value < high),
        }
        for low, high in pairwise(edges)
    ]


def slippage(
    fills: Sequence[FillMark], stops: Sequence[StopMark], planned_bps: float
) -> dict[str, Any]:
    """Return planned and real loss of stops against their trigger, in basis points."""
    real: list[float] = []
    known = _Stops(stops)
    for fill in fills:
        if fill.purpose != "STOP":
            continue
        before = known.last_until(fill.symbol, fill.event_ns)
        if before > 0.0:
            sign = -1.0 if fill.side == "BUY" else 1.0
            real.append(sign * (before - fill.price) / before * 1e4)
    return {
        "stops": len(real),
        "planned_bps": planned_bps,
        "real_median_bps": float(np.median(real)) if real else None,
        "real_worst_bps": max(real) if real else None,
    }


def threat_time(result: ReplayResult) -> Table:
    """Return the hours at each threat, by symbol; empty when the senses were not kept."""
    out: Table = []
    for symbol, points in sorted(result.traces.sense.points.items()):
        spent: dict[int, float] = {}
        for here, after in pairwise(points):
            level = here.assessment.threat
            spent[level] = spent.get(level, 0.0) + (after.ns - here.ns) / NS_PER_H
        whole = sum(spent.values())
        out += [
            {"symbol": symbol, "threat": level, "hours": hours, "share_frac": hours / whole}
            for level, hours in sorted(spent.items())
        ]
    return out


def cut_quality(result: ReplayResult) -> dict[str, Any]:
    """Return how good the guard's cuts were, judged by what the price did within a day after.

    precision: cuts that were followed by an adverse move; recall: adverse days of which a cut was
    no more than a day old when they began; lead: hours from cut to the worst price; whipsaw: what
    the coins cut would have gained at the best price where no adverse move came.
    """
    sign = -1.0 if result.hold == "short" else 1.0
    cuts = [line for line in result.actions if line.price > 0.0]
    right, leads, whipsaw = 0, [], 0.0
    for line in cuts:
        ahead = _ahead(result, line.symbol, line.event_ns)
        if not ahead.ns:
            continue
        worst, at_ns, best = _extremes(ahead, sign)
        if sign * (line.price - worst) / line.price >= ADVERSE_FRAC:
            right += 1
            leads.append((at_ns - line.event_ns) / NS_PER_H)
        else:
            whipsaw += max(sign * (best - line.price), 0.0) * _qty_cut(result, line)
    falls = _adverse_days(result, sign)
    caught = sum(
        1
        for symbol, ns in falls
        if any(c.symbol == symbol and ns - HORIZON_NS <= c.event_ns <= ns for c in cuts)
    )
    return {
        "cuts": len(cuts),
        "precision": right / len(cuts) if cuts else None,
        "adverse_days": len(falls),
        "recall": caught / len(falls) if falls else None,
        "lead_median_h": float(np.median(leads)) if leads else None,
        "whipsaw_usd": whipsaw,
        "adverse_frac": ADVERSE_FRAC,
    }


def _ahead(result: ReplayResult, symbol: str, ns: int) -> Spans:
    bars = result.traces.bars.get(symbol, [])
    closes = [bar.event_ns for bar in bars]
    begin, end = bisect_right(closes, ns), bisect_right(closes, ns + HORIZON_NS)
    chosen = bars[begin:end]
    return Spans([b.event_ns for b in chosen], [b.low for b in chosen], [b.high for b in chosen])


def _extremes(ahead: Spans, sign: float) -> tuple[float, int, float]:
    """Return the worst price for a side, when it came, and the best one."""
    if sign > 0.0:
        at = int(np.argmin(ahead.low))
        return ahead.low[at], ahead.ns[at], max(ahead.high)
    at = int(np.argmax(ahead.high))
    return ahead.high[at], ahead.ns[at], min(ahead.low)


def _qty_cut(result: ReplayResult, line: StoryLine) -> float:
    """Return the coins that left within a minute after a decision to cut."""
    until_ns = line.event_ns + 60 * NS_PER_S
    return sum(
        fill.qty
        for fill in result.traces.fills
        if fill.symbol == line.symbol
        and line.event_ns <= fill.event_ns <= until_ns
        and fill.purpose in {"CUT", "FLATTEN"}
    )


def _adverse_days(result: ReplayResult, sign: float) -> list[tuple[str, int]]:
    """Return when each adverse move of ADVERSE_FRAC within a day began; they do not overlap."""
    out: list[tuple[str, int]] = []
    for symbol, bars in result.traces.bars.items():
        free_ns = 0
        for bar in bars:
            if bar.event_ns < free_ns:
                continue
            ahead = _ahead(result, symbol, bar.event_ns)
            if ahead.ns and sign * (bar.close - _extremes(ahead, sign)[0]) / bar.close >= (
                ADVERSE_FRAC
            ):
                out.append((symbol, bar.event_ns))
                free_ns = bar.event_ns + HORIZON_NS
    return out


def months(result: ReplayResult) -> Table:
    """Return equity at the end of each UTC month, its return, and its worst drawdown."""
    out: Table = []
    before, peak = result.wallet_usd, result.wallet_usd
    for point in result.traces.equity:
        name = datetime.fromtimestamp(point.event_ns / 1e9, UTC).strftime("%Y-%m")
        if not out or out[-1]["month"] != name:
            before = out[-1]["equity_usd"] if out else result.wallet_usd
            out.append({"month": name, "equity_usd": before, "worst_drawdown_frac": 0.0})
        peak = max(peak, point.equity_usd)
        row = out[-1]
        row["equity_usd"] = point.equity_usd
        row["return_frac"] = point.equity_usd / before - 1.0 if before > 0.0 else 0.0
        fallen = 1.0 - point.worst_usd / peak if peak > 0.0 else 0.0
        row["worst_drawdown_frac"] = max(row["worst_drawdown_frac"], fallen)
    return out
