"""`breakwater events|health|ack`: what was told, how the process does, that it was read."""

import typer
from rich.console import Console
from rich.markup import escape

from bot.app.cli.commands.questions import put
from bot.app.cli.grid import facts, grid, moment, text, yes
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
    waiting = ", ".join(f"{name} {count}" for name, count in doc["alerts_waiting"].items())
    pairs = [
        ("version", text(doc["version"])),
        ("ready", yes(doc["ready"])),
        ("up", f"{doc['up_s'] / 3600:.1f} h"),
        ("memory", f"{text(doc['rss_mb'])} MB"),
        ("loop late by", f"{text(doc['lag_s'])} s at most"),
        ("inbox", f"{text(doc['inbox'])} wait, {text(doc['inbox_dropped'])} dropped"),
        ("journal", f"{text(doc['journal'])}, {text(doc['journal_lost'])} lost"),
        ("entries held", escape(text(doc["entries_held"] or "no"))),
        ("coverage", f"{text(doc['coverage_passes'])} passes; {doc['blind'] or 'sees the venue'}"),
        ("alerts on their way", escape(waiting or "no channel is set up")),
        ("not acknowledged", escape(", ".join(doc["alerts_open"]) or "none")),
    ]
    show(console, facts("health", pairs))


def acknowledged(doc: Document, console: Console) -> None:
    """Say what was acknowledged."""
    names = ", ".join(doc["acknowledged"])
    console.print(f"acknowledged: {names}" if names else "no alert waits for you", markup=False)
