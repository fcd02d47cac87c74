"""Panels of the senses under the price: zones, forced orders, map, interest, funding, judgement."""

from typing import Final

from bot.lab.options import ReplayResult
from bot.lab.sense_tape import SensePoint, ZoneMark, bin_price
from bot.lab.story import utc_text

POINTS_SHOWN: Final = 3_000
STRIPS_SHOWN: Final = 360
STRIP_REACH_FRAC: Final = 0.10
"""How far beyond the recorded prices the map is drawn."""
PANELS: Final = (
    "forced, M USD", "map, coins", "open interest", "funding 8 h", "pulse, stress", "threat",
)  # fmt: skip
WEIGHTS: Final = (1.0, 2.0, 1.0, 1.0, 1.2, 0.8)
STATE_LOOK: Final = {  # state of a zone: (marker, colour)
    "SWEPT": ("triangle-down", "#b54708"),
    "RECLAIMED": ("diamond", "#6941c6"),
    "HELD": ("circle", "#087443"),
    "BROKEN": ("x", "#b42318"),
}
FULL_AT_SHARE: Final = 0.98
Json = dict[str, object]


def panels(result: ReplayResult, symbol: str, row: int) -> list[Json]:
    """Return the traces of every panel of one symbol; the first lies in axis row `row`."""
    points = _thinned(result.traces.sense.points.get(symbol, []))
    times = [utc_text(point.ns) for point in points]
    found = [point.assessment for point in points]
    interest = [each.open_interest_known_qty for each in found]
    return [
        *_forced(result, symbol, row),
        *_strips(result, symbol, row + 1),
        _line("open interest", times, interest, row + 2, "#344054"),
        _line("funding 8 h", times, [a.funding_8h_frac for a in found], row + 3, "#6941c6"),
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
        ("zone below", [point.below(point.price) for point in points], "#1570ef"),
        ("zone above", [point.above(point.price) for point in points], "#dc6803"),
    )
    lines = [
        {
            **_steps(name, times, [_edge(zone, name) for zone in zones], row, colour),
            "text": [f"{zone.name}: {zone.state}" if zone else "" for zone in zones],
            "hoverinfo": "text+y",
            "line": {"shape": "hv", "color": colour, "width": 0.8},
            "opacity": 0.6,
        }
        for name, zones, colour in sides
    ]
    return [*lines, *_changes(points, row)]


def _edge(zone: ZoneMark | None, name: str) -> float | None:
    if zone is None:
        return None
    return zone.high if name == "zone below" else zone.low


def _changes(points: list[SensePoint], row: int) -> list[Json]:
    """Return a mark where a zone near the price entered a state that says something."""
    told: dict[str, list[tuple[int, ZoneMark]]] = {state: [] for state in STATE_LOOK}
    before: dict[str, str] = {}
    for point in points:
        for zone in point.zones:
            was = before.get(zone.name)
            before[zone.name] = zone.state
            if zone.strong and was not in (None, zone.state) and zone.state in told:
                told[zone.state].append((point.ns, zone))
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": state.lower(),
            "x": [utc_text(ns) for ns, _ in marks],
            "y": [round(0.5 * (zone.low + zone.high), 6) for _, zone in marks],
            "text": [f"{zone.name}: {state}" for _, zone in marks],
            "hoverinfo": "text+x",
            "marker": {"symbol": STATE_LOOK[state][0], "color": STATE_LOOK[state][1], "size": 5},
            "opacity": 0.6,
            **_axes(row),
        }
        for state, marks in told.items()
        if marks
    ]


def _thinned(points: list[SensePoint]) -> list[SensePoint]:
    """Return at most POINTS_SHOWN points; of each group the one with the highest Threat."""
    step = max(1, -(-len(points) // POINTS_SHOWN))
    groups = (points[start : start + step] for start in range(0, len(points), step))
    return [max(group, key=lambda point: (point.assessment.threat, point.ns)) for group in groups]


def _forced(result: ReplayResult, symbol: str, row: int) -> list[Json]:
    told = result.traces.sense.forced(symbol)
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
            "colorscale": [[0.0, "#ffffff"], [0.25, "#fdd9b5"], [0.6, "#f2743b"], [1.0, "#7a0b00"]],
            "zmin": 0.0,
            "zmax": _most(strips, bins),
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


def _most(strips: list[tuple[int, dict[int, float]]], bins: list[int]) -> float:
    """Return the mass above which all bins look alike: one huge pool must not pale the rest."""
    masses = sorted(strip.get(at, 0.0) for _, strip in strips for at in bins)
    return max(masses[int(FULL_AT_SHARE * (len(masses) - 1))], 1e-9) if masses else 1.0


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
