"""`breakwater watch`: the bot, live on a terminal."""

from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from bot.app.cli.home import open_home
from bot.app.cli.output import Document, JsonFlag, print_json, wants_json
from bot.app.cli.reach import ask_daemon
from bot.domain.errors import BotError

LINES = "60"
"""Newest decisions that are asked for: the terminal shows as many as it has room for."""


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(watch)


def watch(
    *,
    every: Annotated[float, typer.Option(min=0.2, max=60.0, help="Seconds between looks.")] = 1.0,
    as_json: JsonFlag = False,
) -> None:
    """Show status, positions and the newest decisions until Ctrl-C; piped: once, as JSON."""
    path = open_home().places.socket

    def look() -> Document:
        return {
            "status": ask_daemon(path, "status", {}),
            "positions": ask_daemon(path, "positions", {}),
            "why": ask_daemon(path, "why", {"limit": LINES}),
        }

    if wants_json(as_json):
        print_json(look())
        return
    from bot.app.cli.live_page import LivePage
    from bot.app.clock import pause_s

    console, page, newest = Console(), LivePage(), look()
    with (
        suppress(KeyboardInterrupt),
        Live(console=console, screen=True, auto_refresh=False) as live,
    ):
        while True:
            live.update(page.draw(newest, console), refresh=True)
            pause_s(every)
            try:
                newest = look()
            except BotError as error:
                live.update(f"no answer, asked again: {error}", refresh=True)
                pause_s(every)
