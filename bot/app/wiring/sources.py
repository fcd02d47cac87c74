"""Turns the table [sources] into sources: secrets looked up, instants into nanoseconds."""

from contextlib import AsyncExitStack
from pathlib import Path

from bot.app.config.credentials import require_secret
from bot.app.config.places import Places
from bot.app.config.policy import instant_ns
from bot.app.config.settings import Settings
from bot.app.config.source_tables import (
    CoinglassTable,
    DaysTable,
    LaidOutTable,
    SourcesTable,
    WebTable,
)
from bot.app.scrub import Scrubber
from bot.domain.market import EventWindow, WatchedPosition
from bot.domain.orders import PositionSide
from bot.ports import Clock, Source
from bot.sources.daily import Layout
from bot.sources.open import CoinglassConfig, SourcesConfig, WebConfig, open_sources
from bot.venue.deribit import OptionSkew

_WEB = (
    "fear_greed", "btc_etf_net_flow_usd", "spx_return", "exchange_netflow", "event_calendar",
    "whales",
)  # fmt: skip


def drop_folder(settings: Settings, places: Places) -> Path:
    """Return where files are dropped."""
    return places.state / settings.sources.drop_dir


def sources_config(
    settings: Settings, places: Places, scrubber: Scrubber | None = None
) -> SourcesConfig:
    """Return what is switched on; keys are learned by `scrubber` before anybody can log them.

    Raises:
        ConfigInvalid: a named secret is not there.
    """
    table = settings.sources
    keys = _Keys(places, scrubber)
    return SourcesConfig(
        symbols=settings.risk.symbols,
        drop_folder=drop_folder(settings, places),
        web={name: _web(found, keys) for name in _WEB if (found := _table(table, name)).enabled},
        coinglass=_coinglass(table.coinglass, keys) if table.coinglass.enabled else None,
        windows=_windows(table),
        positions=_positions(table),
        deadline_s=table.deadline_s,
        answer_bytes_max=table.answer_bytes_max,
    )


async def open_outside(
    settings: Settings, asked: SourcesConfig, clock: Clock, stack: AsyncExitStack
) -> tuple[Source, ...]:
    """Open everything that is read from outside; `stack` closes it.

    Raises:
        ConfigInvalid: an address that may not be spoken to.
    """
    room = open_sources(asked, clock)
    stack.push_async_callback(room.close)
    table = settings.sources.option_skew
    if not table.enabled:
        return room.sources
    skew = OptionSkew(table.assets, clock, every_s=table.every_s)
    stack.push_async_callback(skew.close)
    return (*room.sources, skew)


class _Keys:
    """Secrets by name, told to the scrubber as they are found."""

    def __init__(self, places: Places, scrubber: Scrubber | None) -> None:
        self._places = places
        self._scrubber = scrubber

    def find(self, name: str) -> str:
        secret = require_secret(name, self._places.state)
        if self._scrubber is not None:
            self._scrubber.learn(secret)
        return secret


def _table(table: SourcesTable, name: str) -> WebTable:
    found: WebTable = getattr(table, name)
    return found


def _web(table: WebTable, keys: _Keys) -> WebConfig:
    return WebConfig(
        url=table.url,
        every_s=table.every_s,
        layout=_layout(table),
        headers={table.key_header: keys.find(table.key)} if table.key else {},
        asset=getattr(table, "asset", ""),
    )


def _layout(table: WebTable) -> Layout:
    if isinstance(table, DaysTable):
        return Layout(
            kind=table.format,
            rows_at=table.rows_at,
            date_column=table.date_column,
            value_column=table.value_column,
            scale=table.scale,
        )
    if isinstance(table, LaidOutTable):
        return Layout(kind=table.format, rows_at=table.rows_at)
    return Layout()


def _coinglass(table: CoinglassTable, keys: _Keys) -> CoinglassConfig:
    return CoinglassConfig(
        key=keys.find(table.key),
        url=table.url,
        every_s=table.every_s,
        interval=table.interval,
        exchanges=table.exchanges,
        liquidations=table.liquidations,
        etf_flow=table.etf_flow,
    )


def _windows(table: SourcesTable) -> tuple[EventWindow, ...]:
    return tuple(
        EventWindow(w.title, instant_ns(w.start), instant_ns(w.end), w.floor, w.symbol)
        for w in table.event_calendar.windows
    )


def _positions(table: SourcesTable) -> tuple[tuple[str, WatchedPosition], ...]:
    return tuple(
        (
            p.symbol,
            WatchedPosition(
                label=p.address,
                side=PositionSide.LONG if p.side == "long" else PositionSide.SHORT,
                liq_price=p.liq_price,
                qty=p.qty,
                known_ns=instant_ns(p.as_of),
                entry_price=p.entry_price,
            ),
        )
        for p in table.whales.positions
    )
