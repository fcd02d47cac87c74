"""`breakwater sources`: what is read from outside the venues; are dropped files sound?"""

from typing import Annotated

import typer

from bot.app.cli import source_pages
from bot.app.cli.commands.questions import SymbolOption, put
from bot.app.cli.dropped import checked
from bot.app.cli.output import JsonFlag, leave, show

FAULTY = 3


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(sources)


def sources(
    *,
    symbol: SymbolOption = "",
    check: Annotated[
        bool, typer.Option("--check", help="Only read the dropped files, without a daemon.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Readings from outside with origin and age; --check names every bad row of dropped files."""
    if not check:
        put("sources", {"symbol": symbol}, source_pages.sources, as_json=as_json)
        return
    document = checked()
    show(document, source_pages.dropped, as_json=as_json)
    if not document["sound"]:
        leave(FAULTY)
