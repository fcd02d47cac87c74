"""`breakwater db check|backup|restore|upgrade`: care of the journal."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from bot.app.cli.grid import facts, text
from bot.app.cli.home import Home, open_home
from bot.app.cli.output import Document, JsonFlag, leave, show
from bot.app.cli.reach import DaemonAbsent, ask_daemon

if TYPE_CHECKING:
    from bot.journal.server import Server

UNHEALTHY = 3
group = typer.Typer(help="Check, copy and migrate the journal.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group, name="db")


@group.command()
def check(*, as_json: JsonFlag = False) -> None:
    """Examine every page and key; exit 3 when something is wrong."""
    home = open_home()
    document = _through_daemon(home, "db_check")
    if document is None:
        from bot.journal import care, postgres

        server = _server(home)
        document = care.check(home.places.journal) if server is None else postgres.check(server)
    show(document, _render, as_json=as_json)
    if not document.get("ok"):
        leave(UNHEALTHY)


@group.command()
def backup(*, as_json: JsonFlag = False) -> None:
    """Copy the journal into state/backups; safe while the daemon runs."""
    home = open_home()
    document = _through_daemon(home, "db_backup")
    if document is None:
        from bot.app.clock import SystemClock
        from bot.journal import care, postgres

        server = _server(home)
        if server is not None:
            raise postgres.no_backup(server)
        document = care.backup(home.places.journal, SystemClock())
    show(document, _render, as_json=as_json)


@group.command()
def restore(
    backup_file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A file of state/backups.")
    ] = None,
    *,
    as_json: JsonFlag = False,
) -> None:
    """Put a backup in the journal's place, the bot being stopped; without FILE: list them."""
    from bot.app.clock import SystemClock
    from bot.journal import backups, care, postgres

    home = open_home()
    if backup_file is None:
        kept = sorted((home.places.state / backups.FOLDER).glob("*.db"), reverse=True)
        document: Document = {"backups": [str(each) for each in kept]}
    else:
        if (server := _server(home)) is not None:
            raise postgres.no_backup(server)
        document = care.restore(home.places.journal, backup_file, SystemClock())
    show(document, _render, as_json=as_json)


@group.command()
def upgrade(*, as_json: JsonFlag = False) -> None:
    """Migrate the journal to this program's schema, after a backup."""
    from bot.app.clock import SystemClock
    from bot.journal import care, postgres

    home = open_home()
    server = _server(home)
    if server is None:
        document = care.upgrade(home.places.journal, SystemClock())
    else:
        document = postgres.upgrade(server)
    show(document, _render, as_json=as_json)


def _server(home: Home) -> "Server | None":
    from bot.app.config.server import server_of

    return server_of(home.settings, home.places)


def _through_daemon(home: Home, name: str) -> dict[str, Any] | None:
    """Return the daemon's answer; None when no daemon holds the journal."""
    try:
        return ask_daemon(home.places.socket, name, {})
    except DaemonAbsent:
        return None


def _render(document: Document, console: Console) -> None:
    console.print(facts("journal", [(key, text(value)) for key, value in document.items()]))
