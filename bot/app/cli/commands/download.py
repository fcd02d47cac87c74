"""`breakwater download`: bars, funding and open interest of a venue into a data folder."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from bot.app.cli.grid import facts
from bot.app.cli.home import open_home
from bot.app.cli.output import Document, JsonFlag, show, whisper
from bot.domain.errors import ConfigInvalid

if TYPE_CHECKING:
    from bot.app.trying.download import Wish
    from bot.venue.open import VenueConfig

DayOption = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="UTC.")
]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(download)


def download(
    *,
    into: Annotated[Path, typer.Option(metavar="DIR", help="Folder of recorded data.")],
    since: DayOption = None,
    until: DayOption = None,
    symbol: Annotated[
        list[str] | None, typer.Option(help="May be repeated; default: those of risk.toml.")
    ] = None,
    timeframe: Annotated[str, typer.Option(metavar="5m", help="Length of the bars.")] = "5m",
    bars_only: Annotated[
        bool, typer.Option("--bars-only", help="Leave funding and open interest out.")
    ] = False,
    stand_in: Annotated[
        str, typer.Option("--stand-in", hidden=True, help="A venue on this machine (tests).")
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Fetch what DIR lacks, within the venue's rate limit; killed or cut off, run it again."""
    from bot.data.series import frame_s
    from bot.venue.open import VenueConfig

    step_s = frame_s(timeframe)
    if not step_s:
        raise ConfigInvalid(f"--timeframe {timeframe:.20}: write it like 1m, 5m, 1h")
    if since is None:
        raise ConfigInvalid("download: since when? say it with --since 2026-01-15")
    symbols = tuple(symbol or open_home().settings.risk.symbols)
    config = VenueConfig(
        mode="paper" if stand_in else "live", symbols=symbols, read_only=True,
        base_url=stand_in, ws_url=stand_in.replace("http", "ws", 1),
    )  # fmt: skip
    wish = (symbols, step_s, _ns(since), _ns(until), into, not bars_only)
    document = asyncio.run(_fetched(config, wish))
    show(document, _render, as_json=as_json)


def _ns(instant: datetime | None) -> int:
    """Return an instant in ns UTC; 0: now."""
    return round(instant.replace(tzinfo=UTC).timestamp()) * 10**9 if instant else 0


async def _fetched(config: "VenueConfig", asked: tuple[Any, ...]) -> dict[str, Any]:
    from bot.app.clock import SystemClock
    from bot.app.trying.download import Download
    from bot.venue.open import open_room

    clock = SystemClock()
    room = await open_room(config, clock)
    try:
        await room.venue.clock_skew_ns()
        wish = _wish(asked, room.venue_now_ns())
        return await Download(room, wish, clock, whisper).run()
    finally:
        await room.close()


def _wish(asked: tuple[Any, ...], now_ns: int) -> "Wish":
    """Return what to fetch.

    Raises:
        ConfigInvalid: it ends before it begins.
    """
    from bot.app.trying.download import Wish

    symbols, step_s, since_ns, until_ns, into, beside = asked
    until_ns = min(until_ns or now_ns, now_ns)
    if until_ns <= since_ns:
        raise ConfigInvalid("download: --until is not after --since, or --since lies ahead")
    return Wish(
        symbols=symbols, timeframe_s=step_s, since_ns=since_ns, until_ns=until_ns, folder=into,
        beside=beside,
    )  # fmt: skip


def _render(document: Document, console: Console) -> None:
    rows = [(name, f"{count} new rows") for name, count in document["new"].items()]
    console.print(facts(f"{document['venue']} into {document['into']}", rows))
