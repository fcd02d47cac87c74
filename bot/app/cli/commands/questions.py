"""`breakwater status|positions|risk|stress-now|orders|trades|levels|why`: questions to a daemon."""

from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console

from bot.app.cli import pages
from bot.app.cli.home import open_home
from bot.app.cli.output import Document, JsonFlag, show
from bot.app.cli.reach import ask_daemon

SymbolOption = Annotated[str, typer.Option(help="Only this contract, e.g. BTC/USDT:USDT.")]
LimitOption = Annotated[int, typer.Option(min=1, max=1000, help="At most so many rows.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (status, positions, risk, stress_now, orders, trades, levels, why):
        app.command()(command)


def status(*, as_json: JsonFlag = False) -> None:
    """Mode, money, protection and freshness on one page."""
    put("status", {}, pages.status, as_json=as_json)


def positions(*, symbol: SymbolOption = "", as_json: JsonFlag = False) -> None:
    """Every position with its stop and its distance to liquidation."""
    put("positions", {"symbol": symbol}, pages.positions, as_json=as_json)


def risk(*, as_json: JsonFlag = False) -> None:
    """Budgets, caps, rules against their limits, and what happens at which price."""
    put("risk", {}, pages.risk, as_json=as_json)


def stress_now(*, as_json: JsonFlag = False) -> None:
    """What falls, gaps and an outage would leave of the account as it stands."""
    put("stress-now", {}, pages.stress_now, as_json=as_json)


def orders(
    *,
    symbol: SymbolOption = "",
    everything: Annotated[bool, typer.Option("--all", help="Ended orders too.")] = False,
    limit: LimitOption = 50,
    as_json: JsonFlag = False,
) -> None:
    """What may still fill."""
    args = {"symbol": symbol, "all": "true" if everything else "", "limit": str(limit)}
    put("orders", args, pages.orders, as_json=as_json)


def trades(
    *, symbol: SymbolOption = "", limit: LimitOption = 50, as_json: JsonFlag = False
) -> None:
    """What the strategies did, with results in USD and R."""
    put("trades", {"symbol": symbol, "limit": str(limit)}, pages.trades, as_json=as_json)


def levels(*, symbol: SymbolOption = "", as_json: JsonFlag = False) -> None:
    """The level book against the price."""
    put("levels", {"symbol": symbol}, pages.levels, as_json=as_json)


def why(
    *,
    ref: Annotated[str, typer.Argument(metavar="ID", help="Order, decision or command.")] = "",
    limit: LimitOption = 20,
    as_json: JsonFlag = False,
) -> None:
    """Tell the chain of decisions behind ID; without ID, the newest decisions."""
    put("why", {"ref": ref, "limit": str(limit)}, pages.why, as_json=as_json)


def put(
    name: str,
    args: dict[str, str],
    page: Callable[[Document, Console], None],
    *,
    as_json: bool,
) -> None:
    """Ask the running daemon for the answer `name` and show it."""
    given = {key: value for key, value in args.items() if value}
    answer = ask_daemon(open_home().places.socket, name, given)
    show(answer, page, as_json=as_json)
