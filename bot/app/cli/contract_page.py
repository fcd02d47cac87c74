"""`doctor --contract`: the venue contract against the configured account, as a table."""

import asyncio
from typing import Literal

from rich.console import Console
from rich.markup import escape

from bot.app.cli.grid import grid, text
from bot.app.cli.home import Home
from bot.app.cli.output import Document
from bot.domain.errors import ConfigInvalid

SIGNS = {True: "[green]held[/]", False: "[bold red]BROKEN[/]", None: "[yellow]not tried[/]"}
Mode = Literal["paper", "testnet"]


def contract(home: Home, mode: Mode | None, symbol: str | None) -> Document:
    """Run the contract and return its document.

    Raises:
        BotError: it could not be begun; nothing was sent then.
    """
    from bot.app.accounts.lock import hold_account
    from bot.app.clock import SystemClock
    from bot.app.config.mode import RunWish, settled
    from bot.app.contract.run import run_contract
    from bot.app.wiring.opening import paper_venue, venue_config
    from bot.venue.open import open_room

    if home.settings.breakwater.mode == "live" and mode is None:
        raise ConfigInvalid("the contract places orders: name --mode testnet or paper")
    settings = settled(home.settings, RunWish(mode=mode))
    chosen = symbol or settings.risk.symbols[0]
    if chosen not in settings.risk.symbols:
        raise ConfigInvalid(f"--symbol {chosen}: risk.symbols has not got it")
    clock = SystemClock()
    with paper_venue(settings, home.places, clock) as paper:
        config = venue_config(settings, home.places, paper)
        if paper is not None:
            paper.another = True  # a venue that ran before goes on

        async def run() -> Document:
            room = await open_room(config, clock)
            try:
                return await run_contract(room, config, chosen, clock)
            finally:
                await room.close()

        with hold_account(config.mode, config.api_key):
            return asyncio.run(run())


def render(document: Document, console: Console) -> None:
    """Print the table, and what is left behind."""
    columns = [
        ("scenario", "scenario", text),
        ("ok", "", lambda ok: SIGNS[ok]),
        ("found", "found", lambda found: escape(str(found))),
    ]
    title = f"{document['exchange']} {document['mode']}, {document['symbol']}"
    console.print(grid(title, document["scenarios"], columns))
    left = document["left_behind"]
    console.print("nothing is left behind" if not left else f"LEFT BEHIND: {', '.join(left)}")
    console.print(f"in the suite alone: {', '.join(document['not_tried_here'])}")
