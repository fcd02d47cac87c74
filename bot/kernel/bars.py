"""One closed bar through the senses: short history, hourly range, volatility, zones."""

import math

from bot.domain.market import Candle
from bot.domain.policy import Policy
from bot.kernel import levels
from bot.kernel.desk import Desk
from bot.kernel.observe import prices, volatility
from bot.kernel.snapshot import Bar, BotState, Market, Zone

NOTABLE = ("SWEPT", "BROKEN", "RECLAIMED", "HELD")
HOUR_S = 3_600.0


def market_for(state: BotState, policy: Policy, symbol: str) -> Market:
    """Return the sensed market of a symbol, made with its level book on first use."""
    market = state.markets.get(symbol)
    if market is None:
        zones = [
            Zone(name=s.name, low=s.low, high=s.high, known_from_ns=s.known_from_ns)
            for s in policy.levels.book
            if s.symbol == symbol
        ]
        zones.sort(key=lambda z: (z.low, z.high, z.name))
        market = state.markets[symbol] = Market(symbol=symbol, zones=zones)
    return market


def fold_history(market: Market, candle: Candle, policy: Policy) -> Bar:
    """Learn from a bar before the start: ranges and volatility only, nothing is decided on it."""
    bar = prices.bar_of(candle)
    if candle.timeframe_s == policy.bar_s:
        prices.keep(market, bar)
    prices.fold_hour(market, bar)
    volatility.on_close(market, bar.close, candle.event_ns, policy.guard)
    return bar


def fold_bar(desk: Desk, market: Market, bar: Bar, close_ns: int) -> None:
    """Fold a closed bar of the decision timeframe; notable changes of zones enter the story."""
    policy = desk.policy
    prices.keep(market, bar)
    prices.fold_hour(market, bar)
    volatility.on_close(market, bar.close, close_ns, policy.guard)
    atr = market.atr_1h * math.sqrt(policy.bar_s / HOUR_S)
    for zone in market.zones:
        if zone.known_from_ns <= close_ns:
            levels.advance(zone, bar, policy.levels, atr)
            if zone.changed and zone.state in NOTABLE:
                _tell(desk, market, zone, bar.close)


def _tell(desk: Desk, market: Market, zone: Zone, close: float) -> None:
    what = "support" if zone.side > 0 else "resistance"
    desk.record(
        "level",
        market.symbol,
        f"{zone.name} ({zone.low:.8g}-{zone.high:.8g}) is {zone.state}, now {what}",
        f"closed at {close:.8g}; extreme {zone.extreme:.8g}",
    )
