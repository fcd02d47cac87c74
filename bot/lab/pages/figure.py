"""The chart of a replay as plain Plotly data: price, levels, fills, stops, equity, drawdown."""

from collections.abc import Sequence
from typing import Final

from bot.domain.market import Candle
from bot.lab.options import EquityPoint, FillMark, ReplayResult, StopMark
from bot.lab.pages import sense_figure
from bot.lab.story import utc_text

BARS_SHOWN: Final = 2_500
"""Longer recordings are folded to at most this many bars, so that the page stays light."""
POINTS_SHOWN: Final = 4_000
_LOOK: Final = {  # purpose: (marker, colour, words)
    "hand": ("diamond", "#344054", "by hand"),
    "ENTRY": ("triangle-up", "#1570ef", "entry"),
    "STOP": ("x", "#b42318", "stop filled"),
    "TARGET": ("star", "#087443", "target"),
    "CUT": ("triangle-down", "#dc6803", "cut"),
    "FLATTEN": ("square", "#b42318", "closed"),
    "liquidation": ("x-thin-open", "#7a0b00", "LIQUIDATED"),
}
Json = dict[str, object]


def figure(result: ReplayResult) -> Json:
    """Return {"data", "layout"} with one price row per symbol, then equity and drawdown."""
    data: list[Json] = []
    shapes: list[Json] = []
    for row, symbol in enumerate(result.symbols, start=1):
        data += _price_row(result, symbol, row)
        shapes += _levels(result, symbol, row)
        data += sense_figure.zones(result, symbol, row)
    rows = len(result.symbols)
    data += _equity_rows(result.traces.equity, rows + 1)
    if result.traces.sense.points:
        for number, symbol in enumerate(result.symbols):
            first = rows + 3 + number * len(sense_figure.PANELS)
            data += sense_figure.panels(result, symbol, first)
    return {"data": data, "layout": _layout(result, shapes, rows)}


def folded(bars: Sequence[Candle], most: int) -> list[Candle]:
    """Return at most `most` bars, several folded into one: no high or low is lost."""
    step = max(1, -(-len(bars) // most))
    out = []
    for start in range(0, len(bars), step):
        part = bars[start : start + step]
        out.append(
            Candle(
                part[0].symbol,
                part[-1].event_ns,
                part[-1].received_ns,
                sum(bar.timeframe_s for bar in part),
                part[0].open,
                max(bar.high for bar in part),
                min(bar.low for bar in part),
                part[-1].close,
                sum(bar.volume for bar in part),
            )
        )
    return out


def thinned(points: Sequence[EquityPoint], most: int) -> list[EquityPoint]:
    """Return at most `most` points; each keeps the worst equity of those it stands for."""
    step = max(1, -(-len(points) // most))
    out = []
    for start in range(0, len(points), step):
        part = points[start : start + step]
        worst = min(point.worst_usd for point in part)
        out.append(EquityPoint(part[-1].event_ns, part[-1].equity_usd, worst))
    return out


def _price_row(result: ReplayResult, symbol: str, row: int) -> list[Json]:
    traces = result.traces
    bars = folded(traces.bars[symbol], BARS_SHOWN)
    opens = [utc_text(bar.event_ns - bar.timeframe_s * 1_000_000_000) for bar in bars]
    name = symbol.split("/", 1)[0]
    out: list[Json] = [
        {
            "type": "candlestick",
            "name": name,
            "x": opens,
            "open": [bar.open for bar in bars],
            "high": [bar.high for bar in bars],
            "low": [bar.low for bar in bars],
            "close": [bar.close for bar in bars],
            "increasing": {"line": {"color": "#6ba583", "width": 1}},
            "decreasing": {"line": {"color": "#c0766c", "width": 1}},
            **_axes(row),
        }
    ]
    out += _stop_line([s for s in traces.stops if s.symbol == symbol], result.to_ns, name, row)
    fills = [fill for fill in traces.fills if fill.symbol == symbol]
    for purpose in dict.fromkeys(fill.purpose for fill in fills):
        out.append(_markers([f for f in fills if f.purpose == purpose], purpose, row))
    return out


def _stop_line(stops: list[StopMark], end_ns: int, name: str, row: int) -> list[Json]:
    if not stops:
        return []
    times: list[str] = []
    levels: list[float | None] = []
    for stop in stops:
        at = utc_text(stop.event_ns)
        if stop.trigger <= 0.0 and levels:
            times.append(at)
            levels.append(levels[-1])
        times.append(at)
        levels.append(stop.trigger if stop.trigger > 0.0 else None)
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": f"{name} stop",
            "x": [*times, utc_text(end_ns)],
            "y": [*levels, levels[-1]],
            "line": {"shape": "hv", "color": "#b42318", "width": 1.3, "dash": "dot"},
            **_axes(row),
        }
    ]


def _markers(fills: list[FillMark], purpose: str, row: int) -> Json:
    symbol, colour, words = _LOOK.get(purpose, ("circle", "#344054", purpose.lower()))
    return {
        "type": "scatter",
        "mode": "markers",
        "name": words,
        "x": [utc_text(fill.event_ns) for fill in fills],
        "y": [fill.price for fill in fills],
        "text": [f"{words}: {fill.side} {fill.qty:g} at {fill.price:,.8g}" for fill in fills],
        "hoverinfo": "text+x",
        "marker": {"symbol": symbol, "color": colour, "size": 10, "line": {"width": 1.5}},
        **_axes(row),
    }


def _levels(result: ReplayResult, symbol: str, row: int) -> list[Json]:
    """Return named zones within the price range, each drawn from when it was known."""
    bars = result.traces.bars[symbol]
    if not bars:
        return []
    low, high = min(bar.low for bar in bars), max(bar.high for bar in bars)
    suffix = "" if row == 1 else str(row)
    return [
        {
            "type": "rect",
            "xref": "x",
            "yref": f"y{suffix}",
            "x0": utc_text(max(level.known_from_ns, result.from_ns)),
            "x1": utc_text(result.to_ns),
            "y0": level.low,
            "y1": level.high,
            "line": {"color": "#1570ef", "width": 1},
            "fillcolor": "#1570ef",
            "opacity": 0.25,
            "layer": "below",
            "label": {"text": level.name, "textposition": "middle right", "font": {"size": 10}},
        }
        for level in result.traces.levels
        if level.symbol == symbol
        and level.known_from_ns < result.to_ns
        and level.high >= low
        and level.low <= high
    ]


def _equity_rows(points: Sequence[EquityPoint], row: int) -> list[Json]:
    peak, drawdown = 0.0, []
    for point in points:
        fall = 1.0 - point.worst_usd / peak if peak > 0.0 else 0.0
        peak = max(peak, point.equity_usd)
        drawdown.append(EquityPoint(point.event_ns, 0.0, -max(fall, 0.0)))
    shown, lost = thinned(points, POINTS_SHOWN), thinned(drawdown, POINTS_SHOWN)
    times = [utc_text(point.event_ns) for point in shown]
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "equity",
            "x": times,
            "y": [round(point.equity_usd, 2) for point in shown],
            "line": {"color": "#344054", "width": 1.3},
            **_axes(row),
        },
        {
            "type": "scatter",
            "mode": "lines",
            "name": "drawdown",
            "x": times,
            "y": [round(point.worst_usd, 5) for point in lost],
            "fill": "tozeroy",
            "line": {"color": "#b42318", "width": 1},
            **_axes(row + 1),
        },
    ]


def _axes(row: int) -> Json:
    return {"xaxis": "x", "yaxis": "y" if row == 1 else f"y{row}"}


def _layout(result: ReplayResult, shapes: list[Json], price_rows: int) -> Json:
    sensed = price_rows if result.traces.sense.points else 0
    weights = [3.0] * price_rows + [1.2, 1.0] + [*sense_figure.WEIGHTS] * sensed
    rows = len(weights)
    gap = 0.03 if sensed == 0 else 0.012
    unit = (1.0 - gap * (rows - 1)) / sum(weights)
    layout: Json = {
        "height": 340 * price_rows + 300 + 900 * sensed,
        "barmode": "relative",
        "margin": {"l": 70, "r": 20, "t": 20, "b": 40},
        "shapes": shapes,
        "hovermode": "x",
        "legend": {"orientation": "h", "y": 1.04},
        "paper_bgcolor": "#fff",
        "plot_bgcolor": "#fff",
        "xaxis": {
            "anchor": "y" if rows == 1 else f"y{rows}",
            "rangeslider": {"visible": False},
            "gridcolor": "#eef1f4",
            "type": "date",
            "range": [utc_text(result.from_ns), utc_text(result.to_ns)],
        },
    }
    titles = [symbol.split("/", 1)[0] for symbol in result.symbols] + ["equity, USD", "drawdown"]
    titles += [*sense_figure.PANELS] * sensed
    top = 1.0
    for row, (weight, title) in enumerate(zip(weights, titles, strict=True), start=1):
        bottom = max(0.0, top - weight * unit)
        axis: Json = {"domain": [bottom, top], "title": {"text": title}, "gridcolor": "#eef1f4"}
        if title == "drawdown":
            axis["tickformat"] = ".0%"
        layout["yaxis" if row == 1 else f"yaxis{row}"] = axis
        top = bottom - gap
    return layout
