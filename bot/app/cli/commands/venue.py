"""`breakwater venue`: the embedded venue as a process of its own, on this machine only."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bot.app.cli.home import open_home
from bot.app.cli.output import JsonFlag, whisper
from bot.domain.errors import StateLocked
from bot.venue.exchanges import Exchange


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(venue)


def venue(
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
    del as_json  # its one line is JSON always: the bot that started it reads it
    home = open_home()
    folder = state or home.places.venue
    from bot.app.venue_main import serve, wish_of
    from bot.app.venue_process import VenueLock

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
