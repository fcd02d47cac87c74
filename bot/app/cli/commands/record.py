"""`breakwater record`: the live feeds into Parquet by kind, symbol and day, until stopped."""

import asyncio
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from bot.app.cli.grid import facts
from bot.app.cli.home import open_home
from bot.app.cli.output import Document, JsonFlag, show, whisper

if TYPE_CHECKING:
    from bot.venue.open import VenueConfig
    from bot.venue.senses import SenseConfig


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(record)


def record(
    *,
    into: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the recording.")],
    symbol: Annotated[
        list[str] | None, typer.Option(help="May be repeated; default: those of risk.toml.")
    ] = None,
    senses: Annotated[
        str, typer.Option(metavar="A,B", help="Venues heard beside: bybit, okx, hyperliquid.")
    ] = "",
    minutes: Annotated[
        float, typer.Option(min=0.0, help="End after so long; 0: when stopped.")
    ] = 0.0,
    flush_s: Annotated[
        float, typer.Option("--flush", metavar="S", min=0.1, help="Seconds between writes.")
    ] = 10.0,
    stand_in: Annotated[
        str, typer.Option("--stand-in", hidden=True, help="A venue on this machine (tests).")
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Record trades, marks, book, funding, open interest and forced orders; no key is needed."""
    from bot.venue.open import VenueConfig
    from bot.venue.senses import SenseConfig

    symbols = tuple(symbol or open_home().settings.risk.symbols)
    venue = VenueConfig(
        mode="paper" if stand_in else "live", symbols=symbols, read_only=True,
        base_url=stand_in, ws_url=stand_in.replace("http", "ws", 1),
    )  # fmt: skip
    names = tuple(name.strip() for name in senses.split(",") if name.strip())
    beside = SenseConfig(symbols=symbols, venues=names) if names else None
    document = asyncio.run(_recorded(into, venue, beside, minutes * 60.0, flush_s))
    show({"into": str(into), **document}, _render, as_json=as_json)


async def _recorded(
    into: Path,
    venue: "VenueConfig",
    senses: "SenseConfig | None",
    length_s: float,
    flush_s: float,
) -> dict[str, Any]:
    from bot.app.clock import SystemClock
    from bot.app.trying.recording import record as listen
    from bot.data.recorder import Recorder

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    if length_s:
        loop.call_later(length_s, stop.set)
    whisper(f"record: {', '.join(venue.symbols)} into {into}; Ctrl-C ends it")
    recorder = Recorder(into, venue.exchange)
    with suppress(asyncio.CancelledError):
        return await listen(
            venue, senses, recorder, SystemClock(), flush_s=flush_s, stop=stop, told=whisper
        )
    return {"events": recorder.written, "files": recorder.files}


def _render(document: Document, console: Console) -> None:
    rows = [(name, str(document[name])) for name in ("events", "files")]
    console.print(facts(f"recorded into {document['into']}", rows))
