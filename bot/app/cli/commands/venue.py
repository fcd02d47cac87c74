"""`breakwater venue`: the embedded venue; `venue record|diff`: what a real one says."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bot.app.cli.grid import Column, facts, grid, put, text
from bot.app.cli.home import open_home
from bot.app.cli.output import Document, JsonFlag, leave, show, whisper
from bot.domain.errors import StateLocked
from bot.domain.exchanges import Exchange

UNHEALTHY = 3
group = typer.Typer(
    invoke_without_command=True, help="Serve the embedded venue; record a venue, see what changed."
)


def register(app: typer.Typer) -> None:
    """Add the command and what stands below it to the command line."""
    app.add_typer(group, name="venue")


@group.callback()
def venue(
    context: typer.Context,
    *,
    state: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where its book is kept.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: the last one, or free.")] = 0,
    scenario: Annotated[
        str | None, typer.Option(metavar="NAME|DIR", help="default, live, or recorded data.")
    ] = None,
    speed: Annotated[
        float | None, typer.Option(min=0.1, max=10_000.0, help="Market seconds per second.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the market.")] = None,
    protocol: Annotated[
        Exchange | None, typer.Option(help="Whose protocol; else that of venues.exchange.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Serve an exchange's protocol on 127.0.0.1 until SIGTERM; prints one line when ready."""
    if context.invoked_subcommand is not None:
        return
    del as_json  # its one line is JSON always: the bot that started it reads it
    home = open_home()
    folder = state or home.places.venue
    from bot.app.embedded.main import serve, wish_of
    from bot.app.embedded.process import VenueLock

    lock = VenueLock(folder)
    if not lock.take():
        raise StateLocked(f"{folder}: another venue keeps this book: end it first")
    try:
        wish = wish_of(
            home.settings,
            folder,
            port=port,
            scenario=scenario,
            speed=speed,
            seed=seed,
            protocol=protocol,
        )
        asyncio.run(serve(wish, home.settings.breakwater.paper.source, whisper))
    finally:
        lock.release()
    from bot.runtime.heap import spare_last_search  # the command line loads no daemon for it

    spare_last_search()


@group.command()
def record(
    *,
    into: Annotated[Path, typer.Option(metavar="FILE", help="The fixture, JSON lines.")],
    seconds: Annotated[
        float, typer.Option(min=0.0, max=3_600.0, help="For which streams are heard.")
    ] = 10.0,
    as_json: JsonFlag = False,
) -> None:
    """Ask the venue of the configured mode all that changes nothing, and keep what it says.

    Names, keys and signatures are masked; balances, positions and orders are in the file.
    """
    from bot.app.embedded.truth import record_truth

    home = open_home()
    document = asyncio.run(record_truth(home.settings, home.places, into, seconds))
    show(document, _facts, as_json=as_json)


@group.command()
def diff(
    *,
    fixture: Annotated[Path, typer.Argument(metavar="FILE", help="What `venue record` wrote.")],
    as_json: JsonFlag = False,
) -> None:
    """Replay a recording through this ccxt and these decoders; exit 3 when anything changed."""
    from bot.app.embedded.truth import diff_truth

    document = asyncio.run(diff_truth(fixture))
    show(document, _changes, as_json=as_json)
    if not document["same"]:
        leave(UNHEALTHY)


def _facts(document: Document, console: Console) -> None:
    console.print(facts("recorded", [(key, text(value)) for key, value in document.items()]))


def _changes(document: Document, console: Console) -> None:
    columns: list[Column] = [("at", "where", text), ("then", "then", text), ("now", "now", text)]
    told = {key: value for key, value in document.items() if key != "changes"}
    pairs = [(key, text(value)) for key, value in told.items()]
    put(console, facts("replayed", pairs), grid("changes", document["changes"], columns))
