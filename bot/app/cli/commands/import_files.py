"""`breakwater import`: files of other programs and vendors into a folder of recorded data."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from bot.app.cli.grid import grid, text
from bot.app.cli.output import Document, JsonFlag, show, whisper
from bot.domain.errors import ConfigInvalid

ROWS = (
    ("file", "file", text),
    ("symbol", "symbol", text),
    ("venue", "venue", text),
    ("rows", "rows", text),
    ("from", "from", text),
    ("to", "to", text),
)
Kind = Literal[
    "candles", "mark_candles", "funding", "open_interest", "liquidations", "trades",
    "liquidation_events",
]  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(name="import")(import_files)


def import_files(
    *,
    sources: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Files, or folders of files.")
    ],
    into: Annotated[Path, typer.Option(metavar="DIR", help="Folder of recorded data.")],
    format_name: Annotated[
        str, typer.Option("--format", metavar="NAME", help="See `data formats`; default: found.")
    ] = "",
    symbol: Annotated[
        str, typer.Option(metavar="SYMBOL", help="As BTC/USDT:USDT; default: the file says it.")
    ] = "",
    venue: Annotated[str, typer.Option(metavar="NAME", help="Whose data they are.")] = "",
    kind: Annotated[
        Kind | None, typer.Option(help="What they are, where the file cannot say it.")
    ] = None,
    timeframe: Annotated[
        str, typer.Option(metavar="5m", help="Length of bars or windows, likewise.")
    ] = "",
    bars: Annotated[
        str, typer.Option(metavar="1m", help="Make bars of this length from the trades.")
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Read FILEs and put their rows into DIR; a row that cannot be believed stops it all."""
    from bot.data.format import Given
    from bot.data.imports import import_files as read_in

    if symbol and "/" not in symbol:
        raise ConfigInvalid(f"--symbol {symbol:.30}: write it as BTC/USDT:USDT")
    given = Given(symbol, venue, kind or "", timeframe)
    document = read_in(sources, into, given, named=format_name, bars_s=_seconds(bars), told=whisper)
    show(document, _render, as_json=as_json)


def _seconds(bars: str) -> int:
    """Return the seconds of a length such as 1m; 0 of nothing.

    Raises:
        ConfigInvalid: it is none.
    """
    from bot.data.series import frame_s

    if not bars:
        return 0
    found = frame_s(bars)
    if not found:
        raise ConfigInvalid(f"--bars {bars:.20}: write it like 1m, 5m, 1h")
    return found


def _render(document: Document, console: Console) -> None:
    rows = [{"file": file["file"], **one} for file in document["files"] for one in file["series"]]
    console.print(grid(f"{document['into']}: {document['read']} files read", rows, ROWS))
    for file in document["files"]:
        if file["repeats"]:
            console.print(f"{file['file']}: {file['repeats']} rows were there already")
