"""`breakwater events|health|ack`: what was told, how the process does, that it was read."""

import typer
from rich.console import Console
from rich.markup import escape

from bot.app.cli.commands.questions import put
from bot.app.cli.grid import facts, grid, moment, text
from bot.app.cli.grid import put as show
from bot.app.cli.output import Document, JsonFlag


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (events, health, ack):
        app.command()(command)


def events(*, as_json: JsonFlag = False) -> None:
    """The newest notices of this run, the newest first."""
    put("events", {}, told, as_json=as_json)


def health(*, as_json: JsonFlag = False) -> None:
    """How the process does: memory, lag, journal, coverage, alerts that wait."""
    put("health", {}, doing, as_json=as_json)


def ack(*, as_json: JsonFlag = False) -> None:
    """Acknowledge critical alerts: they are not told again."""
    put("ack", {}, acknowledged, as_json=as_json)


def told(doc: Document, console: Console) -> None:
    """Show notices."""
    columns = [
        ("at", "at", moment),
        ("severity", "severity", text),
        ("kind", "kind", text),
        ("text", "what", lambda value: escape(text(value))),
    ]
    show(console, grid("events", doc["events"], columns))


def doing(doc: Document, console: Console) -> None:
    """Show every figure of the process."""
    show(console, facts("health", [(key, escape(text(value))) for key, value in doc.items()]))


def acknowledged(doc: Document, console: Console) -> None:
    """Say what was acknowledged."""
    names = ", ".join(doc["acknowledged"])
    console.print(f"acknowledged: {names}" if names else "no alert waits for you", markup=False)
