"""`breakwater doctor`: is everything as it must be before money is at stake?"""

import asyncio
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape

from bot.app.cli.grid import grid, text
from bot.app.cli.home import Home, open_home
from bot.app.cli.output import Document, JsonFlag, leave, show
from bot.app.cli.reach import DaemonAbsent, ask_daemon

UNHEALTHY = 3
SIGNS = {True: "[green]ok[/]", False: "[bold red]WRONG[/]", None: "[yellow]unknown[/]"}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(doctor)


def doctor(*, as_json: JsonFlag = False) -> None:
    """Check configuration, state, database, venue, clock, account, key and stops; 3 if unwell."""
    home = open_home()
    try:
        document = ask_daemon(home.places.socket, "doctor", {})
    except DaemonAbsent:
        document = asyncio.run(_alone(home))
    show(document, _render, as_json=as_json)
    if not document["healthy"]:
        leave(UNHEALTHY)


async def _alone(home: Home) -> dict[str, Any]:
    """Look at what can be seen while no daemon runs."""
    from bot.app.checkup import Check, machine_checks, report
    from bot.app.cli.checks_at_rest import at_rest

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
