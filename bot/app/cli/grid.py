"""Tables for people: rows of an answer, chosen columns, numbers as they are read aloud."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from bot.app.cli.narrow import Fitting

Say = Callable[[Any], str]
Column = tuple[str, str, Say]
UNKNOWN = "?"


def text(value: object) -> str:
    """Return a value as text; unknown as a question mark."""
    return UNKNOWN if value is None else str(value)


def money(value: Any) -> str:  # noqa: ANN401 - JSON value
    """Return USD with two decimals."""
    return UNKNOWN if value is None else f"{float(value):,.2f}"


def signed(value: Any) -> str:  # noqa: ANN401 - JSON value
    """Return USD with its sign, coloured."""
    if value is None:
        return UNKNOWN
    number = float(value)
    colour = "green" if number > 0 else "red" if number < 0 else ""
    return f"[{colour}]{number:+,.2f}[/]" if colour else f"{number:+,.2f}"


def price(value: Any) -> str:  # noqa: ANN401 - JSON value
    """Return a price without needless zeros."""
    return "-" if value is None else f"{float(value):,.8g}"


def percent(value: Any) -> str:  # noqa: ANN401 - JSON value
    """Return a fraction as percent."""
    return UNKNOWN if value is None else f"{float(value):.2%}"


def millions(value: Any) -> str:  # noqa: ANN401 - JSON value
    """Return USD in millions."""
    return UNKNOWN if value is None else f"{float(value) / 1e6:,.2f}M"


def bps(value: Any) -> str:  # noqa: ANN401 - JSON value
    """Return a small fraction in percent with four decimals."""
    return UNKNOWN if value is None else f"{float(value):.4%}"


def lines(value: Any) -> str:  # noqa: ANN401 - JSON value
    """Return a list as lines."""
    return "\n".join(str(each) for each in value or ())


def seconds(value: Any) -> str:  # noqa: ANN401 - JSON value
    """Return an age in seconds."""
    return "never" if value is None else f"{float(value):.1f} s"


def moment(value: Any) -> str:  # noqa: ANN401 - JSON value
    """Return an instant to the second."""
    return "-" if value is None else str(value)[:19].replace("T", " ")


def yes(value: Any) -> str:  # noqa: ANN401 - JSON value
    """Return yes or a loud no."""
    return UNKNOWN if value is None else "[green]yes[/]" if value else "[bold red]NO[/]"


def grid(title: str, rows: Iterable[Mapping[str, Any]], columns: Iterable[Column]) -> Fitting:
    """Return a table of `rows` with one column for each (key, heading, words)."""
    chosen = list(columns)
    cells = [[say(row.get(key)) for key, _, say in chosen] for row in rows]
    return Fitting(title, [heading for _, heading, _ in chosen], cells)


def facts(title: str, pairs: Iterable[tuple[str, str]]) -> Table:
    """Return a table of two columns without headings."""
    table = Table(title=title, title_justify="left", title_style="bold", show_header=False)
    for label, value in pairs:
        table.add_row(label, value)
    return table


def put(console: Console, *parts: object) -> None:
    """Print parts one below the other."""
    for part in parts:
        console.print(part)
