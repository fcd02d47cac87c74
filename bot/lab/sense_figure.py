"""Panels of the senses under the price: zones, forced orders, map, interest, funding, judgement."""

from typing import Final

from bot.lab.options import ReplayResult
from bot.lab.sense_tape import SensePoint, bin_price
from bot.lab.story import utc_text

POINTS_SHOWN: Final = 3_000
STRIPS_SHOWN: Final = 360
STRIP_REACH_FRAC: Final = 0.10
"""How far beyond the recorded prices the map is drawn."""
PANELS: Final = (
    "forced, M USD", "map, coins", "open interest", "funding 8 h", "pulse, stress", "threat",
)  # fmt: skip
WEIGHTS: Final = (1.0, 2.0, 1.0, 1.0, 1.2, 0.8)
Json = dict[str, object]


def panels(result: ReplayResult, symbol: str, row: int) -> list[Json]:
    """Return the traces of every panel of one symbol; the first lies in axis row `row`."""
    points = _thinned(result.traces.sense.points.get(symbol, []))
    times = [utc_text(point.ns) for point in points]
    found = [point.assessment for point in points]
    return [
        *_forced(result, symbol, row),
        *_strips(result, symbol, row + 1),
        _line("open interest", times, [a.open_interest_qty for a in found], row + 2, "#344054"),
        _line("funding 8 h", times, [a.facts.funding_8h for a in found], row + 3, "#6941c6"),
        _line("pulse", times, [a.pulse for a in found], row + 4, "#087443"),
        _line("stress", times, [a.stress for a in found], row + 4, "#b42318"),
        _steps("threat", times, [a.threat for a in found], row + 5, "#b42318"),
        _steps("threat to shorts", times, [a.threat_short for a in found], row + 5, "#98a2b3"),
    ]


def zones(result: ReplayResult, symbol: str, row: int) -> list[Json]:
    """Return the nearest zones below and above the price, with name and state on hover."""
    points = _thinned(result.traces.sense.points.get(symbol, []))
    times = [utc_text(point.ns) for point in points]
    sides = (
        ("zone below", [point.below for point in points], "#1570ef"),
        ("zone above", [point.above for point in points], "#dc6803"),
    )
    return [
        {
            **_steps(name, times, [edge[0] if edge else None for edge in edges], row, colour),
            "text": [f"{edge[1]}: {edge[2]}" if edge else "" for edge in edges],
            "hoverinfo": "text+y",
            "line": {"shape": "hv", "color": colour, "width": 0.8},
        }
        for name, edges, colour in sides
    ]


def _thinned(points: list[SensePoint]) -> list[SensePoint]:
    """Return at most POINTS_SHOWN points; of each group the one with the highest Threat."""
    step = max(1, -(-len(points) // POINTS_SHOWN))
    groups = (points[start : start + step] for start in range(0, len(points), step))
    return [max(group, key=lambda point: (point.assessment.threat, point.ns)) for group in groups]


def _forced(result: ReplayResult, symbol: str, row: int) -> list[Json]:
    told = result.traces.sense.forced.get(symbol, [])
    told = [each for each in told if result.from_ns <= each[0] <= result.to_ns]
    times = [utc_text(ns) for ns, _, _ in told]
    return [
        _bars("longs forced", times, [-longs / 1e6 for _, longs, _ in told], row, "#b42318"),
        _bars("shorts forced", times, [shorts / 1e6 for _, _, shorts in told], row, "#087443"),
    ]


def _strips(result: ReplayResult, symbol: str, row: int) -> list[Json]:
    strips = result.traces.sense.strips.get(symbol, [])
    strips = strips[:: max(1, -(-len(strips) // STRIPS_SHOWN))]
    bars = result.traces.bars.get(symbol, [])
    if not strips or not bars:
        return []
    low = min(bar.low for bar in bars) * (1.0 - STRIP_REACH_FRAC)
    high = max(bar.high for bar in bars) * (1.0 + STRIP_REACH_FRAC)
    bins = sorted({at for _, strip in strips for at in strip if low <= bin_price(at) <= high})
    return [
        {
            "type": "heatmap",
            "name": "map",
            "x": [utc_text(ns) for ns, _ in strips],
            "y": [round(bin_price(at), 2) for at in bins],
            "z": [[round(strip.get(at, 0.0), 1) for _, strip in strips] for at in bins],
            "colorscale": "YlOrRd",
            "showscale": False,
            **_axes(row),
        },
        {
            "type": "scatter",
            "mode": "lines",
            "name": "price over map",
            "x": [utc_text(bar.event_ns) for bar in bars[:: max(1, len(bars) // POINTS_SHOWN)]],
            "y": [bar.close for bar in bars[:: max(1, len(bars) // POINTS_SHOWN)]],
            "line": {"color": "#1b2733", "width": 1},
            "showlegend": False,
            **_axes(row),
        },
    ]


def _line(name: str, times: list[str], values: list[float | None], row: int, colour: str) -> Json:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": times,
        "y": [None if value is None else round(value, 8) for value in values],
        "line": {"color": colour, "width": 1.2},
        **_axes(row),
    }


def _steps(
    name: str, times: list[str], values: list[int] | list[float | None], row: int, colour: str
) -> Json:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": times,
        "y": values,
        "line": {"shape": "hv", "color": colour, "width": 1.3},
        **_axes(row),
    }


def _bars(name: str, times: list[str], values: list[float], row: int, colour: str) -> Json:
    return {
        "type": "bar",
        "name": name,
        "x": times,
        "y": [round(value, 3) for value in values],
        "marker": {"color": colour},
        **_axes(row),
    }


def _axes(row: int) -> Json:
    return {"xaxis": "x", "yaxis": "y" if row == 1 else f"y{row}"}
