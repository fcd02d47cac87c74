"""How the sources look on a terminal."""

from typing import Any

from rich.console import Console
from rich.markup import escape

from bot.app.cli.grid import grid, moment, percent, price, put, text, yes
from bot.app.cli.output import Document


def ago(value: Any) -> str:  # noqa: ANN401 - JSON value
    """Return an age in minutes, hours or days."""
    if value is None:
        return "never"
    age_s = float(value)
    for span_s, unit in ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min")):
        if age_s >= span_s:
            return f"{age_s / span_s:.1f} {unit}"
    return f"{age_s:.0f} s"


def safe(value: Any) -> str:  # noqa: ANN401 - JSON value
    """Return words of others without letting them colour the page."""
    return "" if value is None else escape(str(value))


HEALTH = [
    ("name", "source", text),
    ("live", "live", yes),
    ("read_age_s", "read", ago),
    ("newest_age_s", "newest", ago),
    ("told", "told", text),
    ("left_out", "left out", text),
    ("origin", "from", safe),
    ("error", "error", safe),
]


def sources(doc: Document, console: Console) -> None:
    """Show health, readings, announced events and watched positions."""
    readings = [
        ("symbol", "symbol", text),
        ("name", "reading", text),
        ("value", "value", price),
        ("age_s", "known", ago),
        ("half_life_s", "half-life", ago),
        ("says_still", "says still", percent),
        ("stands", "stands", yes),
        ("origin", "from", safe),
    ]
    windows = [
        ("symbol", "symbol", text),
        ("title", "event", safe),
        ("start", "from", moment),
        ("end", "to", moment),
        ("floor", "threat at least", text),
        ("open", "now", yes),
    ]
    watched = [
        ("symbol", "symbol", text),
        ("label", "who", safe),
        ("side", "side", text),
        ("liq_price", "liquidated at", price),
        ("distance_frac", "away", percent),
        ("qty", "coins", price),
        ("seen_at", "seen", moment),
    ]
    put(
        console,
        grid("sources in use", doc.get("sources") or [], HEALTH),
        grid("readings", doc["readings"], readings),
        grid("announced events", doc["windows"], windows),
        grid("watched positions", doc["watched"], watched),
    )


def dropped(doc: Document, console: Console) -> None:
    """Show what is wrong in the drop-in folder, a line each."""
    files = ", ".join(doc["files"]) or "no files"
    console.print(f"{doc['folder']}: {files}; {doc['told']} events told", markup=False)
    for line in doc["faults"]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print("[green]sound[/]" if doc["sound"] else "[bold red]NOT sound[/]")
