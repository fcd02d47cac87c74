"""The embedded venue's own program: which market, which book, and the line it says when ready."""

import asyncio
import json
import os
import secrets
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from bot.app.clock import SystemClock
from bot.app.config.settings import Settings
from bot.app.embedded.build import VenueWish, venue_config
from bot.app.embedded.process import Address, last_address, publish
from bot.domain.exchanges import Exchange, check_embedded
from bot.simulator.process import VenueReady, serve_venue

LIVE = "live"
Report = Callable[[str], None]


def wish_of(
    settings: Settings,
    folder: Path,
    *,
    port: int,
    scenario: str | None,
    speed: float | None,
    seed: int | None,
    protocol: Exchange | None,
) -> VenueWish:
    """Return the venue of `folder`: what was asked, else the configuration's.

    Port and key are those of the last venue of this book, so that a bot finds it again.
    """
    paper = settings.breakwater.paper
    spoken = protocol or settings.venues.exchange
    check_embedded(spoken)
    name = scenario or paper.scenario
    old = last_address(folder)
    key, secret = (old.api_key, old.api_secret) if old else fresh_key(spoken)
    return VenueWish(
        scenario=name,
        symbols=settings.risk.symbols,
        speed=1.0 if name == LIVE else speed or paper.speed,
        seed=paper.seed if seed is None else seed,
        wallet_usd=Decimal(repr(paper.wallet_usd)),
        folder=folder,
        api_key=key,
        api_secret=secret,
        port=port or (old.port if old else 0),
        protocol=spoken,
    )


def fresh_key(protocol: Exchange) -> tuple[str, str]:
    """Return key and secret of a new book: at Hyperliquid an account's address and its agent's."""
    if protocol == "hyperliquid":
        return f"0x{secrets.token_hex(20)}", f"0x{secrets.token_hex(32)}"
    return f"paper-{secrets.token_hex(12)}", secrets.token_hex(24)


async def serve(wish: VenueWish, source_url: str, report: Report) -> None:
    """Serve until SIGTERM or SIGINT; publish the address and say one JSON line when ready.

    Raises:
        ConfigInvalid, DataInvalid, VenueUnreachable: it cannot be served as wished.
    """
    clock = SystemClock()
    if wish.scenario == LIVE:
        from bot.app.embedded.live_prices import serve_live

        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        ready = _announcer(wish, clock.now_ns(), clock)
        await serve_live(wish, source_url, clock, ready, report, stop)
        return
    config, market_ns = venue_config(wish)
    ready = _announcer(wish, market_ns, clock)
    await serve_venue(replace(config, ready=ready, report=report), clock)


def _announcer(wish: VenueWish, market_ns: int, clock: SystemClock) -> Callable[[VenueReady], None]:
    def announce(venue: VenueReady) -> None:
        address = Address(
            pid=os.getpid(),
            port=venue.port,
            api_key=wish.api_key,
            api_secret=wish.api_secret,
            wall_ns=clock.now_ns(),
            market_ns=market_ns,
            speed=wish.speed,
            protocol=wish.protocol,
        )
        publish(wish.folder, address)
        line = {"ready": True, "port": venue.port, "pid": os.getpid(), "restored": venue.restored}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    return announce
