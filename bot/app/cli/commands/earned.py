"""`breakwater pnl|equity|digest`: what was earned when, the curve, and the last day in words."""

from typing import Annotated, Literal

import typer
from rich.console import Console

from bot.app.cli.commands.questions import put
from bot.app.cli.grid import facts, grid, moment, money, percent, signed, text
from bot.app.cli.grid import put as show
from bot.app.cli.output import Document, JsonFlag
from bot.app.cli.pages import ends

POINTS_SHOWN = 30


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (pnl, equity, digest):
        app.command()(command)


def pnl(
    *,
    by: Annotated[Literal["day", "week"], typer.Option(help="Periods, UTC.")] = "day",
    as_json: JsonFlag = False,
) -> None:
    """Results of account and strategies by day or week."""
    put("pnl", {"by": by}, earned, as_json=as_json)


def equity(
    *,
    days: Annotated[int, typer.Option(min=1, max=400, help="So many days back.")] = 7,
    as_json: JsonFlag = False,
) -> None:
    """The curve of equity, thinned; a point is written every minute."""
    put("equity", {"days": str(days)}, curve, as_json=as_json)


def digest(*, as_json: JsonFlag = False) -> None:
    """The last 24 hours in a few lines, as the daily message tells them."""
    from bot.answers.digest_words import words

    put("digest", {}, lambda doc, console: console.print(words(doc)), as_json=as_json)


def earned(doc: Document, console: Console) -> None:
    """Show totals and a row a period."""
    pairs = [
        ("equity", f"{money(doc['equity_usd'])} USD, today {signed(doc['day_result_usd'])}"),
        ("strategies today", f"{signed(doc['own_day_result_usd'])} USD"),
        ("trades", f"{doc['trades']}, won {doc['wins']}"),
        ("fees, funding", f"{money(doc['fees_usd'])} paid, {signed(doc['funding_usd'])} USD"),
    ]
    columns = [
        ("period", doc["by"], text),
        ("end_usd", "equity", money),
        ("change_usd", "change", signed),
        ("change_frac", "share", percent),
        ("trades", "trades", text),
        ("trades_result_usd", "their result", signed),
    ]
    periods = grid("periods", doc["periods"], columns)
    show(console, facts("earned", pairs), periods, ends(doc))
    show(console, f"[dim]{doc['note']}[/]")


def curve(doc: Document, console: Console) -> None:
    """Show the newest points of the curve."""
    columns = [
        ("at", "at", moment),
        ("equity_usd", "equity", money),
        ("wallet_usd", "wallet", money),
    ]
    title = f"{doc['days']} days: {money(doc['lowest_usd'])} to {money(doc['highest_usd'])} USD"
    show(console, grid(title, doc["points"][-POINTS_SHOWN:], columns))
