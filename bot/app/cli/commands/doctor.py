"""`breakwater doctor`: is everything as it must be before money is at stake?"""

import asyncio
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape

from bot.app.cli.grid import grid, text
from bot.app.cli.home import Home, open_home
from bot.app.cli.output import Document, JsonFlag, leave, show
from bot.app.cli.reach import DaemonAbsent, ask_daemon
from bot.domain.errors import ConfigInvalid

UNHEALTHY = 3
SIGNS = {True: "[green]ok[/]", False: "[bold red]WRONG[/]", None: "[yellow]unknown[/]"}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(doctor)


def doctor(
    *,
    contract: Annotated[
        bool, typer.Option("--contract", help="Try the venue itself, with smallest orders.")
    ] = False,
    mode: Annotated[
        Literal["paper", "testnet"] | None, typer.Option(help="Of the contract.")
    ] = None,
    symbol: Annotated[
        str | None, typer.Option(help="Of the contract; else the first of risk.symbols.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check configuration, state, database, venue, clock, account, key and stops; 3 if unwell."""
    home = open_home()
    if contract:
        _contract(home, mode, symbol, as_json=as_json)
        return
    if mode is not None or symbol is not None:
        raise ConfigInvalid("--mode and --symbol belong to doctor --contract")
    try:
        document = ask_daemon(home.places.socket, "doctor", {})
    except DaemonAbsent:
        document = asyncio.run(_alone(home))
    show(document, _render, as_json=as_json)
    if not document["healthy"]:
        leave(UNHEALTHY)


def _contract(
    home: Home, mode: Literal["paper", "testnet"] | None, symbol: str | None, *, as_json: bool
) -> None:
    """Run the venue contract instead."""
    from bot.app.cli import contract_page

    document = contract_page.contract(home, mode, symbol)
    show(document, contract_page.render, as_json=as_json)
    if not document["healthy"]:
        leave(UNHEALTHY)


async def _alone(home: Home) -> dict[str, Any]:
    """Look at what can be seen while no daemon runs."""
    from bot.app.cli.checks_at_rest import at_rest
    from bot.app.telling.checkup import Check, machine_checks, report

    running = Check(name="daemon", ok=None, found="none runs here: start one with ./run")
    return report([running, *machine_checks(home.places), *await at_rest(home)])


def _render(document: Document, console: Console) -> None:
    columns = [
        ("name", "check", text),
        ("ok", "", lambda ok: SIGNS[ok]),
        ("found", "found", lambda found: escape(str(found))),
        ("remedy", "if wrong", lambda remedy: escape(str(remedy))),
    ]
    rows = [
        {**check, "remedy": check["remedy"] if check["ok"] is False else ""}
        for check in document["checks"]
    ]
    console.print(grid("healthy" if document["healthy"] else "NOT healthy", rows, columns))
