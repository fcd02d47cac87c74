"""Scenario `live`: fills on the embedded venue, prices from a public feed (a dry run)."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Self

from bot.app.embedded.build import VenueWish, venue_frame
from bot.domain.errors import BotError, VenueUnreachable
from bot.domain.market import (
    Candle,
    FeedStatus,
    FundingRate,
    MarkPrice,
    OpenInterest,
    TradeBucket,
)
from bot.domain.messages import Event
from bot.domain.units import NS_PER_DAY, NS_PER_MS
from bot.ports import Clock
from bot.simulator.keeper import Keeper
from bot.simulator.process import VenueProcessConfig, VenueReady, running_venue
from bot.simulator.scenario import Scenario
from bot.simulator.terms import MarketTick
from bot.venue.open import VenueConfig, VenueRoom, open_room

NAME = "live"
FLUSH_S = 0.1
HISTORY_DAYS = 30
HISTORY_BAR_S = 900
OPEN_INTEREST_S = 60.0
Report = Callable[[str], None]


@dataclass
class Prices:
    """What the feed said of one symbol since the last tick."""

    last: float
    mark: float
    index: float
    low: float = 0.0
    high: float = 0.0
    qty: float = 0.0
    buy_qty: float = 0.0
    funding_frac: float | None = None
    open_interest_qty: float | None = None
    fresh: bool = False

    @classmethod
    def at(cls, price: float) -> Self:
        """Begin with one price for all three."""
        return cls(last=price, mark=price, index=price, low=price, high=price)

    def take(self, event: Event) -> None:
        """Fold an event of the feed in."""
        match event:
            case TradeBucket():
                self.low = min(self.low, event.low) if self.qty else event.low
                self.high = max(self.high, event.high) if self.qty else event.high
                self.last, self.fresh = event.last, True
                self.qty += event.qty
                self.buy_qty += event.buy_qty
            case MarkPrice():
                self.mark, self.fresh = event.mark, True
                self.index = event.index if event.index is not None else event.mark
            case FundingRate():
                self.funding_frac = event.rate_frac
            case OpenInterest():
                self.open_interest_qty = event.qty
            case _:
                pass

    def tick(self, symbol: str, now_ns: int) -> MarketTick:
        """Return what happened as one tick, and begin anew."""
        tick = MarketTick(
            symbol=symbol,
            event_ns=now_ns,
            last=self.last,
            mark=self.mark,
            index=self.index,
            qty=self.qty,
            buy_qty=self.buy_qty,
            funding_frac=self.funding_frac,
            open_interest_qty=self.open_interest_qty,
            low=self.low if self.qty else None,
            high=self.high if self.qty else None,
        )
        self.qty = self.buy_qty = 0.0
        self.fresh = False
        return tick


@dataclass
class LiveMarket:
    """Public prices of one venue, folded into ten ticks a second at most."""

    room: VenueRoom
    clock: Clock
    report: Report
    prices: dict[str, Prices] = field(default_factory=dict)

    def emit(self, event: Event) -> None:
        """Take one event of the feed."""
        if isinstance(event, FeedStatus):
            if not event.live:
                self.report(f"live prices: {event.stream} is down: {event.reason}")
            return
        known = self.prices.get(getattr(event, "symbol", ""))
        if known is not None:
            known.take(event)

    async def flow(self, keeper: Keeper) -> None:
        """Hand fresh prices to the exchange until cancelled."""
        while True:
            await self.clock.sleep_s(FLUSH_S)
            for symbol, known in self.prices.items():
                if known.fresh:
                    keeper.feed(known.tick(symbol, self.clock.now_ns()))

    async def interest(self) -> None:
        """Read open interest now and then until cancelled."""
        while True:
            for symbol in self.prices:
                try:
                    self.emit(await self.room.venue.open_interest(symbol))
                except BotError as error:
                    self.report(f"live prices: open interest of {symbol}: {error}")
            await self.clock.sleep_s(OPEN_INTEREST_S)

    async def past(self) -> tuple[Candle, ...]:
        """Read a month of bars and take the newest closes as first prices.

        Raises:
            VenueUnreachable: the public prices cannot be had.
        """
        candles: list[Candle] = []
        since = self.clock.now_ns() - HISTORY_DAYS * NS_PER_DAY
        for symbol in self.prices:
            try:
                bars = await self.room.venue.candles(symbol, HISTORY_BAR_S, since, 4_000)
            except BotError as error:
                raise VenueUnreachable(
                    f"scenario {NAME}: no public prices of {symbol}: {error}: "
                    "check the network, or take --scenario default"
                ) from None
            if not bars:
                raise VenueUnreachable(f"scenario {NAME}: the venue has no bars of {symbol}")
            candles += bars
            self.prices[symbol] = Prices.at(bars[-1].close)
        return tuple(candles)

    def path(self, after_ns: int) -> Iterator[MarketTick]:
        """Return the first prices; all others come through `flow`."""
        now_ns = max(after_ns + NS_PER_MS, self.clock.now_ns())
        return iter([known.tick(symbol, now_ns) for symbol, known in self.prices.items()])


async def serve_live(
    wish: VenueWish,
    source_url: str,
    clock: Clock,
    ready: Callable[[VenueReady], None],
    report: Report,
    stop: asyncio.Event,
) -> None:
    """Run the embedded venue on live public prices until `stop` is set.

    `source_url` empty means the production venue; otherwise a venue on loopback (for tests).

    Raises:
        VenueUnreachable: the public prices cannot be had.
        ConfigInvalid: a symbol that the embedded venue does not list.
    """
    source = VenueConfig(
        mode="paper" if source_url else "live",
        symbols=wish.symbols,
        base_url=source_url,
        ws_url=source_url.replace("http", "ws", 1),
        read_only=True,
    )
    room = await open_room(source, clock)
    try:
        market = LiveMarket(room, clock, report)
        market.prices = {symbol: Prices.at(0.0) for symbol in wish.symbols}
        config = await _config(wish, market, ready, report)
        await _serve(config, market, clock, stop)
    finally:
        await room.close()


async def _config(
    wish: VenueWish, market: LiveMarket, ready: Callable[[VenueReady], None], report: Report
) -> VenueProcessConfig:
    past = await market.past()
    scenario = Scenario(
        name=NAME,
        recorded=True,
        start_ns=market.clock.now_ns(),
        symbols=wish.symbols,
        history=past,
        path=lambda: iter(()),
    )
    frame = venue_frame(scenario, replace(wish, speed=1.0))
    return replace(frame, path=market.path, ready=ready, report=report)


async def _serve(
    config: VenueProcessConfig, market: LiveMarket, clock: Clock, stop: asyncio.Event
) -> None:
    async with running_venue(config, clock) as venue, asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(market.room.public.run(market.emit)),
            group.create_task(market.flow(venue.keeper)),
            group.create_task(market.interest()),
        ]
        config.ready(VenueReady(port=venue.port, url=venue.url, restored=venue.restored))
        await stop.wait()
        for task in tasks:
            task.cancel()
