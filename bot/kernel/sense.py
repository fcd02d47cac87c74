"""Every word about a market through the senses of its symbol, and the judgement of all of it.

All venues are heard here. What the traded venue alone may say (prices that orders go by) is folded
elsewhere; nothing of another venue reaches it.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from bot.domain.market import (
    EventCalendar,
    FeedStatus,
    FundingRate,
    Liquidation,
    LiquidationSum,
    MarkPrice,
    OpenInterest,
    Reading,
    TradeBucket,
    WatchList,
)
from bot.domain.messages import Fill
from bot.domain.orders import PositionSide
from bot.domain.policy import Policy
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.kernel import scenarios
from bot.kernel.assess import judge
from bot.kernel.assess.now import judge_now
from bot.kernel.bars import market_for
from bot.kernel.clusters import map as cluster_map
from bot.kernel.clusters import realised, score
from bot.kernel.clusters.state import PointMass
from bot.kernel.desk import Desk
from bot.kernel.levels import Scene, fold, follow, refresh
from bot.kernel.observe import flows, funding, liquidations, open_interest, path, readings
from bot.kernel.sensed import Senses
from bot.kernel.snapshot import Bar, BotState, Market, Sensed

HOUR_S = NS_PER_H // NS_PER_S
TRADED, MARKET, LIQUIDATIONS = "market", ".market", ".liquidations"
ADL_FLAG, ADL_NS = "auto-deleveraging", NS_PER_H
"""How long a venue that closed a winning position of ours counts as not whole."""
Flow = TypeVar("Flow", FundingRate, OpenInterest)


def sensed_for(state: BotState, symbol: str) -> Sensed:
    """Return the senses of a symbol, made on first use."""
    found = state.sensed.get(symbol)
    if found is None:
        found = state.sensed[symbol] = Sensed(senses=Senses(symbol=symbol))
    return found


def handlers(desk: Desk) -> dict[type, Callable[[Any], None]]:
    """Return what is done with each kind of word that only the senses hear."""
    if not desk.policy.sense_on:
        return {
            FundingRate: lambda e: _flow(desk, e, flows.on_funding),
            OpenInterest: lambda e: _flow(desk, e, flows.on_open_interest),
            **dict.fromkeys(
                (Liquidation, LiquidationSum, Reading, EventCalendar, WatchList), lambda _e: None
            ),
        }
    return {
        FundingRate: lambda e: on_funding(desk, e),
        OpenInterest: lambda e: on_open_interest(desk, e),
        Liquidation: lambda e: on_liquidation(desk, e),
        LiquidationSum: lambda e: on_liquidation_sum(desk, e),
        Reading: lambda e: on_reading(desk, e),
        EventCalendar: lambda e: on_calendar(desk, e),
        WatchList: lambda e: on_watch(desk, e),
    }


def _flow(desk: Desk, event: Flow, fold: Callable[[Market, Flow], None]) -> None:
    """Fold what the traded venue says of what our position pays and of what is open there."""
    if event.venue in ("", desk.policy.venue):
        fold(_market(desk, event.symbol), event)


def _market(desk: Desk, symbol: str) -> Market:
    return market_for(desk.state, desk.policy, symbol)


# ------------------------------------------------------------------ one word of a venue or source


def on_mark(desk: Desk, event: MarkPrice) -> None:
    """Notice a mark that stands apart from its index."""
    sensed = desk.state.sensed.get(event.symbol)
    if sensed is not None:
        judge.on_mark(sensed.senses, event.event_ns, event.mark, event.index)


def on_trade(desk: Desk, event: TradeBucket) -> None:
    """Bound what the traded venue's throttle may hide: no more is forced than is traded."""
    sensed = desk.state.sensed.get(event.symbol)
    if sensed is not None:
        liquidations.on_trade(sensed.senses, desk.policy.venue, event)


def on_fill(desk: Desk, event: Fill) -> None:
    """A venue that deleverages us cannot pay its winners: a flag on every market there."""
    if not event.is_adl or not desk.policy.sense_on:
        return
    for symbol in sorted({event.symbol, *desk.state.sensed}):
        senses = sensed_for(desk.state, symbol).senses
        until_ns = max(senses.flags.get(ADL_FLAG, 0), event.event_ns + ADL_NS)
        judge.raise_flag(senses, ADL_FLAG, until_ns)


def on_funding(desk: Desk, event: FundingRate) -> None:
    """Fold a funding rate; the traded venue's is also what our position pays."""
    _flow(desk, event, flows.on_funding)
    funding.on_funding(sensed_for(desk.state, event.symbol).senses, event)


def on_open_interest(desk: Desk, event: OpenInterest) -> None:
    """Fold open interest; the traded venue's (or else the first heard) moves the cluster map."""
    _flow(desk, event, flows.on_open_interest)
    sensed = sensed_for(desk.state, event.symbol)
    if not open_interest.on_open_interest(sensed.senses, event):
        return
    if event.venue == desk.policy.venue or not sensed.map_venue:
        sensed.map_venue = event.venue
    if event.venue == sensed.map_venue:
        cluster_map.on_open_interest(sensed.clusters, event.qty, event.event_ns, sensed.traded_qty)
        sensed.traded_qty = 0.0


def on_liquidation(desk: Desk, event: Liquidation) -> None:
    """Fold one public forced order into sums, map and realised density; a repeated one is none."""
    sensed = sensed_for(desk.state, event.symbol)
    if not liquidations.on_liquidation(sensed.senses, event, desk.policy.sense):
        return
    flows.on_liquidation(_market(desk, event.symbol), event)
    is_long = event.side is PositionSide.LONG
    cluster_map.on_liquidation(sensed.clusters, is_long=is_long, price=event.price, qty=event.qty)
    usd = event.price * event.qty
    realised.add(sensed.spent, is_long=is_long, price=event.price, usd=usd, ns=event.event_ns)


def on_liquidation_sum(desk: Desk, event: LiquidationSum) -> None:
    """Fold a vendor's total; the first vendor heard also judges the cluster map, hour by hour."""
    sensed = sensed_for(desk.state, event.symbol)
    if not liquidations.on_liquidation_sum(sensed.senses, event):
        return
    sensed.sum_venue = sensed.sum_venue or event.venue
    if event.venue != sensed.sum_venue:
        return
    flows.on_liquidation_sum(_market(desk, event.symbol), event)
    if event.window_s == HOUR_S:
        hour_ns = event.event_ns - NS_PER_H
        score.on_realised(sensed.score, hour_ns, event.long_usd, event.short_usd)


def on_reading(desk: Desk, event: Reading) -> None:
    """Let the senses of every symbol take what concerns them."""
    for symbol in _symbols(desk.state):
        readings.on_reading(sensed_for(desk.state, symbol).senses, event)


def on_calendar(desk: Desk, event: EventCalendar) -> None:
    """Let every symbol know of announced events before they come."""
    for symbol in _symbols(desk.state):
        judge.on_calendar(sensed_for(desk.state, symbol).senses, event)


def on_watch(desk: Desk, event: WatchList) -> None:
    """Put the positions somebody else is known to hold into the cluster map."""
    points = [
        PointMass(
            label=each.label, is_long=each.side is PositionSide.LONG, price=each.liq_price,
            qty=each.qty, source=event.source, known_ns=each.known_ns,
            entry_price=each.entry_price, origin=event.origin,
        )
        for each in event.positions
    ]  # fmt: skip
    cluster_map.watch(sensed_for(desk.state, event.symbol).clusters, points, event.source)


def _symbols(state: BotState) -> list[str]:
    return sorted({*state.sensed, *state.markets})


def on_status(desk: Desk, event: FeedStatus) -> None:
    """A venue whose liquidations went silent is missing, not calm.

    A line that falls takes its liquidations along. When it is back the venue says by itself what
    they are worth; the traded venue's come with its prices.
    """
    if event.stream == TRADED:
        venue = desk.policy.venue
    elif event.stream.endswith(LIQUIDATIONS):
        venue = event.stream.removesuffix(LIQUIDATIONS)
    elif event.stream.endswith(MARKET) and not event.live:
        venue = event.stream.removesuffix(MARKET)
    else:
        return
    for symbol in [event.symbol] if event.symbol else sorted(desk.state.sensed):
        sensed = desk.state.sensed.get(symbol)
        if sensed is not None:
            liquidations.on_venue(sensed.senses, venue, live=event.live)


def on_started(desk: Desk) -> None:
    """Begin a run in which no venue was heard yet: what a snapshot remembers is not live."""
    for sensed in desk.state.sensed.values():
        for venue in sensed.senses.liquidations.venues.values():
            venue.live = False


# ------------------------------------------------------------------ one closed bar


def on_history(desk: Desk, market: Market, bar: Bar, close_ns: int) -> None:
    """Learn from a bar before the start; nothing is told and nothing is judged."""
    if not desk.policy.sense_on:
        return
    sensed = sensed_for(desk.state, market.symbol)
    if path.on_bar(sensed.senses, bar, close_ns, desk.policy.sense):
        if fold(sensed.book, bar, (close_ns - bar.open_ns) // NS_PER_S, market.atr_1h):
            sensed.book.stale = True
        _fold_map(sensed, bar, close_ns)


def on_bar(desk: Desk, market: Market, bar: Bar, close_ns: int) -> None:
    """Fold a closed bar of the decision timeframe and judge the market as it now stands."""
    if not desk.policy.sense_on:
        return
    sensed, policy = sensed_for(desk.state, market.symbol), desk.policy
    if path.on_bar(sensed.senses, bar, close_ns, policy.sense):
        bar_s = (close_ns - bar.open_ns) // NS_PER_S
        if fold(sensed.book, bar, bar_s, market.atr_1h) or sensed.book.stale:
            _renew_level_book(policy, market, sensed)
        follow(sensed.book, bar, policy.bar_s, policy.levels, _atr(market, policy.bar_s))
        specs = tuple(spec for spec in policy.scenarios if spec.symbol == market.symbol)
        for name, happened in scenarios.follow(
            sensed.scenarios, specs, bar, policy.bar_s, policy.levels, market.atr_1h
        ):
            desk.record(
                "scenario", market.symbol, f"{name} is {happened}", "declared in levels.toml"
            )
        _fold_clusters(sensed, bar, close_ns)
    judge_now(desk, sensed, close_ns)


def on_second(desk: Desk) -> None:
    """Judge again what was not judged for a minute; make the zones of a history just read."""
    now_ns = desk.state.now_ns
    for symbol in sorted(desk.state.sensed):
        sensed = desk.state.sensed[symbol]
        market = desk.state.markets.get(symbol)
        if sensed.book.stale and market is not None:
            _renew_level_book(desk.policy, market, sensed)
        if judge.due(sensed.senses, now_ns):
            judge_now(desk, sensed, now_ns)


def _renew_level_book(policy: Policy, market: Market, sensed: Sensed) -> None:
    instrument, price = market.instrument, sensed.senses.price
    sensed.book.stale = False
    refresh(
        Scene(
            book=sensed.book,
            symbol=market.symbol,
            now_ns=price.close_ns,
            price=price.close,
            atr_1h=market.atr_1h,
            tick=float(instrument.tick) if instrument is not None else 0.0,
            manual=tuple(spec for spec in policy.levels.book if spec.symbol == market.symbol),
        )
    )


def _fold_clusters(sensed: Sensed, bar: Bar, close_ns: int) -> None:
    """Fold the map after its score has seen the bar: the map must not know what it is judged by."""
    samples = len(sensed.score.longs)
    score.fold(sensed.score, sensed.clusters, open_ns=bar.open_ns, high=bar.high, low=bar.low)
    _fold_map(sensed, bar, close_ns)
    if len(sensed.score.longs) != samples or close_ns % (24 * NS_PER_H) == 0:
        both = score.score(sensed.score)
        sensed.weights = (both.weight(is_long=True), both.weight(is_long=False))


def _fold_map(sensed: Sensed, bar: Bar, close_ns: int) -> None:
    cluster_map.fold(
        sensed.clusters, close_ns=close_ns, high=bar.high, low=bar.low, close=bar.close,
        volume=bar.volume,
    )  # fmt: skip
    sensed.traded_qty += bar.volume


def _atr(market: Market, bar_s: int) -> float:
    scale: float = (bar_s / HOUR_S) ** 0.5
    return market.atr_1h * scale
