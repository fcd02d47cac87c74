"""`breakwater run`: the bot itself, on paper unless told otherwise."""

import faulthandler
import gc
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bot.app.cli.home import open_home
from bot.app.cli.output import JsonFlag, leave, print_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.app.config.mode import RunWish
    from bot.app.config.places import Places
    from bot.app.config.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(run)


def run(
    *,
    mode: Annotated[
        Literal["paper", "testnet", "live"] | None, typer.Option(help="Else the configuration's.")
    ] = None,
    scenario: Annotated[
        str | None, typer.Option(metavar="NAME|DIR", help="Paper: default, or recorded data.")
    ] = None,
    speed: Annotated[
        float | None, typer.Option(min=0.1, max=10_000.0, help="Paper: market seconds per second.")
    ] = None,
    enforce: Annotated[
        Literal["full", "stop_only", "alert"] | None,
        typer.Option(help="How far the guard may go; must be named in live mode."),
    ] = None,
    read_only: Annotated[
        bool | None, typer.Option("--read-only", help="Watch and warn, send nothing.")
    ] = None,
    yes_live: Annotated[
        bool, typer.Option("--yes-live", help="Live mode: yes, real money.")
    ] = False,
    standby: Annotated[
        bool | None, typer.Option("--standby", help="Wait until nobody drives the account.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Guard and trade until stopped; logs go to stderr and logs/. Stops stay at the venue."""
    from bot.app.config.mode import RunWish

    wish = RunWish(
        mode=mode,
        scenario=scenario,
        speed=speed,
        enforce=enforce,
        read_only=read_only,
        yes_live=yes_live,
        standby=standby,
    )
    home = open_home()
    code = _runner()(home.settings, home.places, wish)
    from bot.runtime.heap import spare_last_search  # the command line loads no daemon for it

    spare_last_search()
    if as_json:
        print_json({"exit_code": code})
    leave(code)


def _runner() -> "Callable[[Settings, Places, RunWish], int]":
    """Load the program without collecting garbage: there is none, and the search costs a fifth.

    What was loaded stays for the whole run, so later collections need not look at it either.
    """
    gc.disable()
    from bot.app.wiring.graph import run_bot

    if sys.__stderr__ is not None:
        # a crash inside a library is silent: where it happened goes to stderr, names only
        faulthandler.enable(sys.__stderr__)
    gc.freeze()
    gc.enable()
    return run_bot
