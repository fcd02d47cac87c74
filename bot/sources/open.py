"""Opening the sources: what the owner switched on, each behind the one door, and the folder."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from bot.domain.market import EventWindow, WatchedPosition
from bot.domain.messages import Event
from bot.ports import Clock, Source, SourceAnswer
from bot.sources import (
    coinglass,
    equity,
    etf_flow,
    event_calendar,
    fear_greed,
    netflow,
    option_skew,
    whales,
)
from bot.sources.addresses import host_of
from bot.sources.daily import Layout
from bot.sources.declared import Declared
from bot.sources.door import Door
from bot.sources.drop import DropFolder, Kind
from bot.sources.told import Look
from bot.sources.web import Page, Read, WebSource

DROP_EVERY_S: Final = 30.0
ROWS_ASKED: Final = {"1h": 30 * 24, "4h": 30 * 6, "1d": 30}
"""Thirty days of windows: the past that an ordinary day is judged by."""


class WebConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One source on the web, switched on."""

    url: str
    every_s: float
    layout: Layout = Layout()
    headers: dict[str, str] = {}
    """May hold a key: never logged, never shown."""
    asset: str = ""
    """Exchange flows: whose."""


class CoinglassConfig(msgspec.Struct, frozen=True, kw_only=True):
    """CoinGlass, switched on."""

    key: str
    url: str
    every_s: float
    interval: str
    exchanges: tuple[str, ...]
    liquidations: bool
    etf_flow: bool


class SourcesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What is switched on: `web` by the name of the source."""

    symbols: tuple[str, ...]
    drop_folder: Path
    web: dict[str, WebConfig] = {}
    coinglass: CoinglassConfig | None = None
    windows: tuple[EventWindow, ...] = ()
    positions: tuple[tuple[str, WatchedPosition], ...] = ()
    deadline_s: float = 10.0
    answer_bytes_max: int = 2_000_000
    drop_every_s: float = DROP_EVERY_S


class SourceRoom:
    """All sources that are switched on, and the folder."""

    def __init__(self, sources: Sequence[Source], door: Door) -> None:
        self.sources = tuple(sources)
        self._door = door

    async def close(self) -> None:
        """Release every socket."""
        await self._door.close()


def open_sources(config: SourcesConfig, clock: Clock) -> SourceRoom:
    """Build the sources; nothing is asked, and no socket is opened, before a first look.

    Raises:
        ConfigInvalid: an address that may not be spoken to.
    """
    urls = {name: web.url for name, web in config.web.items()}
    if config.coinglass is not None:
        urls[coinglass.NAME] = config.coinglass.url
    hosts = {host_of(url, f"sources.{name}.url") for name, url in urls.items()}
    door = Door(hosts, deadline_s=config.deadline_s, bytes_max=config.answer_bytes_max)
    found: list[Source] = [Declared(config.windows, config.positions, config.symbols, clock)]
    for name, web in sorted(config.web.items()):
        page = Page(web.url, _reader(name, web, config.symbols))
        found.append(WebSource(name, [page], door, clock, every_s=web.every_s, headers=web.headers))
    if config.coinglass is not None:
        found.append(_coinglass(config.coinglass, config.symbols, door, clock))
    kinds = drop_kinds(config.symbols)
    found.append(DropFolder(config.drop_folder, kinds, clock, every_s=config.drop_every_s))
    return SourceRoom(found, door)


def _reader(name: str, web: WebConfig, symbols: Sequence[str]) -> Read:
    """Return what reads the answer of a source."""
    readers: dict[str, Read] = {
        fear_greed.NAME: fear_greed.from_web,
        etf_flow.NAME: partial(etf_flow.from_web, layout=web.layout),
        equity.NAME: partial(equity.from_web, layout=web.layout),
        netflow.NAME: partial(netflow.from_web, layout=web.layout, asset=web.asset),
        event_calendar.NAME: partial(_calendar, layout=web.layout),
        whales.NAME: partial(_whales, layout=web.layout, symbols=symbols),
    }
    return readers[name]


def _calendar(body: bytes, look: Look, layout: Layout) -> SourceAnswer:
    return event_calendar.from_rows(layout.raw(body, look.origin), look)


def _whales(body: bytes, look: Look, layout: Layout, symbols: Sequence[str]) -> SourceAnswer:
    return whales.from_rows(layout.raw(body, look.origin), look, symbols)


def _coinglass(
    asked: CoinglassConfig, symbols: Sequence[str], door: Door, clock: Clock
) -> WebSource:
    """Return CoinGlass with a page for each thing that is wanted of it."""
    root = asked.url.rstrip("/")
    pages: list[Page] = []
    if asked.liquidations:
        names, rows = ",".join(asked.exchanges), ROWS_ASKED[asked.interval]
        pages = [
            Page(
                root + coinglass.liquidations_path(symbol, asked.interval, names, rows),
                partial(coinglass.liquidations, symbol=symbol, interval=asked.interval),
            )
            for symbol in symbols
        ]
    if asked.etf_flow:
        pages.append(Page(root + coinglass.FLOWS_PATH, coinglass.flows))
    return WebSource(
        coinglass.NAME,
        pages,
        door,
        clock,
        every_s=asked.every_s,
        headers={coinglass.KEY_HEADER: asked.key},
    )


def drop_kinds(symbols: Sequence[str]) -> dict[str, Kind]:
    """Return what may lie in the folder: name of the file without .csv -> how it is read."""

    def no_windows(look: Look) -> tuple[Event, ...]:
        return (event_calendar.calendar([], look),)

    def no_positions(look: Look) -> tuple[Event, ...]:
        return tuple(whales.watch_list(symbol, [], look) for symbol in symbols)

    return {
        fear_greed.NAME: Kind(fear_greed.from_file),
        etf_flow.NAME: Kind(etf_flow.from_file),
        equity.NAME: Kind(equity.from_file),
        netflow.NAME: Kind(netflow.from_file),
        option_skew.NAME: Kind(option_skew.from_file),
        coinglass.NAME: Kind(coinglass.from_file),
        event_calendar.NAME: Kind(event_calendar.from_rows, no_windows),
        whales.NAME: Kind(partial(whales.from_rows, symbols=symbols), no_positions),
    }
