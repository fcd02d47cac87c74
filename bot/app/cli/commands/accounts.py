"""`breakwater accounts`: every account of the running daemon, and all of them as one."""

import typer
from rich.console import Console

from bot.app.cli.commands.questions import put as ask_and_show
from bot.app.cli.grid import Column, facts, grid, money, percent, put, text, yes
from bot.app.cli.output import Document, JsonFlag

COLUMNS: list[Column] = [
    ("account", "account", text),
    ("venue", "venue", text),
    ("seen", "seen", yes),
    ("mode", "mode", text),
    ("equity_usd", "equity", money),
    ("drawdown_frac", "drawdown", percent),
    ("floor_usd", "floor", money),
    ("positions", "positions", text),
    ("unprotected", "unprotected", lambda bare: ", ".join(bare or ()) or "none"),
]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(accounts)


def accounts(*, as_json: JsonFlag = False) -> None:
    """Every account of this daemon; what they hold, and would lose, together."""
    ask_and_show("accounts", {}, _page, as_json=as_json)


def _page(doc: Document, console: Console) -> None:
    unseen = ", ".join(doc["unseen"])
    net = ", ".join(f"{asset} {money(usd)}" for asset, usd in sorted(doc["net_usd"].items()))
    shares = ", ".join(f"{v} {percent(s)}" for v, s in sorted(doc["venue_share_frac"].items()))
    pairs = [
        ("equity", f"{money(doc['equity_usd'])} USD, peak {money(doc['peak_usd'])}"),
        ("not seen now", f"[bold red]{unseen}[/]" if unseen else "[green]none[/]"),
        ("at least", f"{money(doc['at_least_usd'])} USD (floors in place of what is not seen)"),
        ("joint budget", percent(doc["loss_budget_frac"]) if doc["loss_budget_frac"] else "none"),
        ("net", net or "flat"),
        ("by venue", shares or "nothing held"),
        *(
            (f"all prices {each['move_frac']:+.0%}", f"{money(each['equity_usd'])} USD")
            for each in doc["shocks"]
        ),
    ]
    put(console, grid("accounts", doc["accounts"], COLUMNS), facts("together", pairs))
