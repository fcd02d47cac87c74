"""The child that draws: {"kind", "document"} as JSON on stdin, a PNG on stdout."""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.telegram.labels import spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, PAPER, GRID, DIM = "#d7dde5", "#171c23", "#2a313b", "#8b95a3"
UP, DOWN, STOP, LIQ, ZONE = "#4caf7d", "#ef5350", "#ffb300", "#ff3d71", "#4d7cc3"
SIZE_IN = (8.0, 4.5)
DPI = 120
ZONES_MAX = 10
NAME_MAX = 30
PRICE_DIGITS = 4
TAG_BOX = {"boxstyle": "square,pad=0.15", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.85}
ROOM_FRAC = 0.2
"""Room for words to the right of the newest bar, as a share of the bars' time."""
TAG_PT, TAG_FRAC = 7, 0.036
"""Size of the words at lines, and the share of the height that one of them takes."""
REACH = 1.5
"""How many times the bars' own span the picture may reach beyond them for a mark."""
Document = dict[str, Any]
Mark = tuple[float, str, str]


def main() -> None:
    """Draw what stdin asks for."""
    from matplotlib.figure import Figure

    asked = json.load(sys.stdin)
    figure = Figure(figsize=SIZE_IN, dpi=DPI, layout="constrained", facecolor=PAPER)
    {"equity": equity, "chart": chart}[asked["kind"]](figure, asked["document"])
    figure.savefig(sys.stdout.buffer, format="png")


def equity(figure: "Figure", doc: Document) -> None:
    """Draw equity over time under its peak."""
    axes = _axes(figure.subplots(), f"Equity, {doc['days']} days, USD")
    times: list[Any] = [_time(point["at"]) for point in doc["points"]]
    values = [point["equity_usd"] for point in doc["points"]]
    axes.plot(times, values, color=INK, linewidth=1.4, marker="o" if len(values) < 3 else None)
    if values:
        axes.fill_between(times, values, min(values), color=ZONE, alpha=0.15)
    if doc["high_water_usd"]:
        axes.axhline(doc["high_water_usd"], color=UP, linewidth=0.8, linestyle="--")
        bottom, top = axes.get_ylim()
        _tags(axes, [(float(doc["high_water_usd"]), "peak", UP)], bottom, top)
    if len(times) == 1:
        axes.set_xlim(times[0] - timedelta(minutes=5), times[0] + timedelta(minutes=5))
    _dates(axes)


def chart(figure: "Figure", doc: Document) -> None:
    """Draw bars, zones, stops and liquidation prices, and beside them the cluster strip."""
    axes, strip = figure.subplots(1, 2, width_ratios=(8, 1), sharey=True)
    seconds = doc["bar_s"]
    length = f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"
    _axes(axes, f"{doc['symbol']}, bars of {length}")
    times: list[Any] = [_time(bar["at"]) for bar in doc["bars"]]
    lows, highs = ([bar[name] for bar in doc["bars"]] for name in ("low", "high"))
    axes.vlines(times, lows, highs, color=DIM, linewidth=0.7)
    axes.plot(times, [bar["close"] for bar in doc["bars"]], color=INK, linewidth=1.2)
    marks = _marks(doc)
    bottom, top = _range(lows, highs, marks)
    seen = [mark for mark in marks if bottom <= mark[0] <= top]
    for place, _, colour in seen:
        axes.axhline(place, color=colour, linewidth=1.2, linestyle="--")
    _tags(axes, seen, bottom, top)
    _beyond(axes, bottom, top, marks)
    near = [zone for zone in _zones(doc) if bottom <= zone["low"] <= top][:ZONES_MAX]
    for zone in near:
        axes.axhspan(zone["low"], max(zone["high"], zone["low"]), color=ZONE, alpha=0.25)
        axes.axhline(zone["low"], color=ZONE, linewidth=0.6)
    _tags(axes, _named(near), bottom, top, left=True)
    axes.set_ylim(bottom, top)
    if len(times) > 1:
        axes.set_xlim(times[0], times[-1] + ROOM_FRAC * (times[-1] - times[0]))
    _dates(axes)
    _strip(_axes(strip, "forced"), doc, bottom, top)


def _strip(axes: "Axes", doc: Document, bottom: float, top: float) -> None:
    """Draw what is estimated to be forced at each price."""
    axes.set_xticks([])
    height = (top - bottom) / 60
    for cluster in doc["estimated"]:
        colour = DOWN if cluster["side"] == "longs" else UP
        axes.barh(cluster["price"], cluster["usd"], height=height, color=colour, alpha=0.8)


def _marks(doc: Document) -> list[Mark]:
    """Return (price, words, colour) of the mark, entries, stops and liquidations."""
    found = [(doc["mark"], "mark", INK)]
    for leg in doc["positions"]:
        side = str(leg["side"]).lower()
        found += [
            (leg["entry_price"], f"{side} entry", UP),
            (leg["stop_price"], f"{side} stop", STOP),
            (leg["liq_price_own"], f"{side} liquidation", LIQ),
        ]
    return [(float(place), word, colour) for place, word, colour in found if place is not None]


def _named(zones: list[Document]) -> list[Mark]:
    """Return a label a price: zones of one price share it, the strongest name first."""
    found: dict[float, list[str]] = {}
    for zone in zones:
        found.setdefault(float(zone["low"]), []).append(_short(str(zone["name"])))
    return [
        (place, " + ".join(dict.fromkeys(names))[:NAME_MAX], ZONE) for place, names in found.items()
    ]


def _short(name: str) -> str:
    """Return a zone's name without the price that its label tells anyhow."""
    words = [word for word in name.split() if not _is_price(word)]
    return " ".join(words) or name


def _is_price(word: str) -> bool:
    digits = word.replace(",", "").replace(".", "")
    return digits.isdigit() and len(digits) >= PRICE_DIGITS


def _zones(doc: Document) -> list[Document]:
    rows = [*doc["levels"], *(zone for zone in doc["zones"] if zone["strength"] is not None)]
    mark = doc["mark"] or 0.0
    return sorted(rows, key=lambda row: abs(row["low"] - mark))


def _range(lows: list[float], highs: list[float], marks: list[Mark]) -> tuple[float, float]:
    """Return the prices the picture spans: all bars, and marks that are not too far from them."""
    low, high = min(lows), max(highs)
    reach = max((high - low) * REACH, high * 0.01)
    near = [place for place, _, _ in marks if low - reach <= place <= high + reach]
    bottom, top = min([low, *near]), max([high, *near])
    air = max((top - bottom) * 0.06, top * 0.002)
    return bottom - air, top + air


def _beyond(axes: "Axes", bottom: float, top: float, marks: list[Mark]) -> None:
    """Name marks that lie outside the picture at the edge they lie behind."""
    below = sorted((mark for mark in marks if mark[0] < bottom), reverse=True)
    above = sorted(mark for mark in marks if mark[0] > top)
    for edge, step, arrow, found in ((0.02, 0.045, "v", below), (0.95, -0.045, "^", above)):
        for number, (place, word, colour) in enumerate(reversed(found)):
            axes.annotate(
                f"{arrow} {word} {place:,.8g}",
                (0.99, edge + step * number),
                xycoords="axes fraction",
                color=colour,
                fontsize=8,
                ha="right",
            )


def _axes(axes: "Axes", title: str) -> "Axes":
    axes.set_facecolor(PAPER)
    axes.set_title(title, color=INK, fontsize=10, loc="left")
    axes.tick_params(colors=DIM, labelsize=8)
    axes.grid(visible=True, color=GRID, linewidth=0.5)
    for spine in axes.spines.values():
        spine.set_color(GRID)
    return axes


def _tags(
    axes: "Axes", marks: list[Mark], bottom: float, top: float, *, left: bool = False
) -> None:
    """Write words at lines of one edge, each at its line or as near as the others let it."""
    height = top - bottom
    gap, edge = TAG_FRAC * height, TAG_FRAC * height / 2
    places = spread([place for place, _, _ in marks], gap, bottom + edge, top - edge)
    for (place, word, colour), at in zip(marks, places, strict=True):
        axes.annotate(
            f"{word} {place:,.8g}",
            (0.01 if left else 0.99, at),
            xycoords=("axes fraction", "data"),
            color=colour,
            fontsize=TAG_PT,
            ha="left" if left else "right",
            va="center",
            bbox={
                "boxstyle": "square,pad=0.15",
                "facecolor": PAPER,
                "edgecolor": "none",
                "alpha": 0.75,
            },
            zorder=5 if left else 6,
        )


def _dates(axes: "Axes") -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


if __name__ == "__main__":
    main()
