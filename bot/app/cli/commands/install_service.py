"""`breakwater install-service`: the daemon as a service of systemd."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from bot.app.cli.home import Home, open_home
from bot.app.cli.output import Document, JsonFlag, show, whisper
from bot.domain.errors import ConfigInvalid

if TYPE_CHECKING:
    from bot.app.service.plan import Planned, Wish


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(install_service)


def install_service(
    *,
    user: Annotated[
        bool, typer.Option("--user/--system", help="Of your own account, or of the machine.")
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Do it; without this it is only told.")
    ] = False,
    print_unit: Annotated[
        bool, typer.Option("--print", help="Print the unit and nothing else.")
    ] = False,
    uninstall: Annotated[
        bool, typer.Option("--uninstall", help="End the service and remove its unit.")
    ] = False,
    enforce: Annotated[
        Literal["full", "stop_only", "alert"] | None,
        typer.Option(help="How far the guard may go; must be named in live mode."),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write below DIR and run no command: for packages."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Install, renew or remove the service; says each step, and does nothing without --apply."""
    from bot.app.service.plan import Wish, plan_install, plan_removal

    home = open_home()
    wish = Wish(
        scope="user" if user else "system",
        options=() if uninstall else _options(home, enforce),
        into=into,
    )
    planned = plan_removal(home.places, wish) if uninstall else plan_install(home.places, wish)
    for fault in planned.faults:
        whisper(fault)
    if print_unit and not uninstall:
        sys.stdout.write(planned.unit)
        return
    told = [step.told() for step in planned.steps]
    if apply:
        _apply(planned, wish)
    document = {
        "done": apply,
        "unit": str(planned.unit_path),
        "steps": told,
        "faults": list(planned.faults),
        "next": list(planned.following) if apply else [],
    }
    show(document, _render, as_json=as_json)


def _options(home: Home, enforce: str | None) -> tuple[str, ...]:
    """Return the options of `run`; live mode is never installed without being named."""
    table = home.settings.breakwater
    if table.mode != "live":
        return () if enforce is None else ("--enforce", enforce)
    if not table.live_confirmed:
        raise ConfigInvalid("live mode: set live_confirmed = true in config/breakwater.toml first")
    if enforce is None:
        raise ConfigInvalid("live mode: name --enforce alert, stop_only or full")
    return ("--yes-live", "--enforce", enforce)


def _apply(planned: "Planned", wish: "Wish") -> None:
    if planned.faults:
        raise ConfigInvalid("install-service: nothing was done")
    if wish.scope == "system" and wish.into is None and os.geteuid() != 0:
        raise ConfigInvalid("install-service --apply writes to /etc: use sudo, or take --user")
    for number, step in enumerate(planned.steps, 1):
        whisper(f"{number}/{len(planned.steps)} {step.told()}")
        step.do()


def _render(document: Document, console: Console) -> None:
    if not document["done"]:
        for step in document["steps"]:
            console.print(f"would {step}", markup=False, highlight=False)
        console.print("Nothing was done: add --apply.", markup=False, highlight=False)
    for line in document["next"]:
        console.print(line, markup=False, highlight=False)
