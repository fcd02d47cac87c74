"""`breakwater venue`: the embedded venue as a process of its own, on this machine only."""

import asyncio
import json
import os
import secrets
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.app.cli.home import Home, open_home
from bot.app.cli.output import JsonFlag, whisper
from bot.domain.errors import StateLocked

if TYPE_CHECKING:
    from bot.simulator.process import VenueReady


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(venue)


def venue(
    *,
    state: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where its book is kept.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: any free one.")] = 0,
    scenario: Annotated[
        str | None, typer.Option(metavar="NAME|DIR", help="default, or recorded data.")
    ] = None,
    speed: Annotated[
        float | None, typer.Option(min=0.1, max=10_000.0, help="Market seconds per second.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the market.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Serve Binance USD-M's protocol on 127.0.0.1 until SIGTERM; prints one line when ready."""
    del as_json  # its one line is JSON always: the bot that started it reads it
    home = open_home()
    folder = state or home.places.venue
    from bot.app.venue_process import VenueLock

    lock = VenueLock(folder)
    if not lock.take():
        raise StateLocked(f"{folder}: another venue keeps this book: end it first")
    try:
        asyncio.run(_serve(home, folder, port, scenario, speed, seed))
    finally:
        lock.release()


async def _serve(
    home: Home,
    folder: Path,
    port: int,
    scenario: str | None,
    speed: float | None,
    seed: int | None,
) -> None:
    from dataclasses import replace

    from bot.app.clock import SystemClock
    from bot.app.embedded import VenueWish, venue_config
    from bot.app.venue_process import Address, last_address, publish
    from bot.simulator.process import serve_venue

    clock = SystemClock()
    paper = home.settings.breakwater.paper
    old = last_address(folder)
    wish = VenueWish(
        scenario=scenario or paper.scenario,
        symbols=home.settings.risk.symbols,
        speed=speed or paper.speed,
        seed=paper.seed if seed is None else seed,
        wallet_usd=Decimal(repr(paper.wallet_usd)),
        folder=folder,
        api_key=old.api_key if old else f"paper-{secrets.token_hex(12)}",
        api_secret=old.api_secret if old else secrets.token_hex(24),
        port=port or (old.port if old else 0),
    )

    def ready(venue: "VenueReady") -> None:
        publish(
            folder,
            Address(
                pid=os.getpid(),
                port=venue.port,
                api_key=wish.api_key,
                api_secret=wish.api_secret,
                wall_ns=clock.now_ns(),
                market_ns=market_ns,
                speed=wish.speed,
            ),
        )
        line = {"ready": True, "port": venue.port, "pid": os.getpid(), "restored": venue.restored}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    config, market_ns = venue_config(wish)
    await serve_venue(replace(config, ready=ready, report=whisper), clock)
