"""Break-even and trailing: a trade's stop follows the price by rule, and never back."""

from bot.domain.policy import StopPolicy
from bot.domain.strategy import Exits
from bot.kernel.snapshot import Trade
from bot.kernel.stops.placement import Span, beyond
from bot.kernel.view import LegView

BAND_FRAC = 5e-4
ROOM_FRAC = 0.001
"""A stop that follows keeps at least this distance from the mark."""


def break_even_price(sign: int, entry: float, costs_frac: float) -> float:
    """Return where closing pays back the entry and `costs_frac` of it (fees and slippage)."""
    return entry * (1.0 + sign * costs_frac)


def followed_price(
    sign: int,
    prices: tuple[float, float, float, float],
    atr: float,
    costs_frac: float,
    rule: StopPolicy | Exits,
) -> float | None:
    """Return where the rules want the stop; None when they do not speak yet.

    `prices` are (entry, first stop, best close so far, mark). Gains are counted in the distance
    between entry and first stop.
    """
    entry, first, best, mark = prices
    risk = sign * (entry - first)
    if risk <= 0.0:
        return None
    gain_r = sign * (best - entry) / risk
    wanted = []
    if rule.break_even_r > 0.0 and gain_r >= rule.break_even_r:
        wanted.append(break_even_price(sign, entry, costs_frac))
    if rule.trail_atr > 0.0 and gain_r >= rule.trail_from_r and atr > 0.0:
        wanted.append(best - sign * rule.trail_atr * atr)
    if not wanted:
        return None
    nearest = max(wanted) if sign > 0 else min(wanted)
    limit = mark * (1.0 - sign * ROOM_FRAC)
    return min(nearest, limit) if sign > 0 else max(nearest, limit)


def advance(view: LegView, trade: Trade) -> float | None:
    """Remember the best close of a trade; return its stop when a rule moves it, else None.

    The owner's rules and those the trade was planned with: the nearer stop holds.
    """
    sign, market = view.leg.side.sign, view.market
    trade.first_stop_price = trade.first_stop_price or trade.stop_price
    best = trade.best_price or view.entry
    trade.best_price = max(best, view.mark) if sign > 0 else min(best, view.mark)
    instrument = market.instrument
    fee = instrument.taker_fee_frac if instrument is not None else 0.0
    costs = 2.0 * fee + view.policy.sizing.stop_slip_bps * 1e-4
    prices = (view.entry, trade.first_stop_price, trade.best_price, view.mark)
    atr = market.atr_1h if market.atr_1h_count else 0.0
    rules = (view.policy.stops, trade.exits)
    each = [followed_price(sign, prices, atr, costs, rule) for rule in rules]
    spoken = [price for price in each if price is not None]
    if not spoken:
        return None
    wanted = max(spoken) if sign > 0 else min(spoken)
    zones: list[Span] = [(zone.low, zone.high) for zone in market.zones if zone.state != "NEW"]
    placed = beyond(wanted, sign, zones, BAND_FRAC)
    if sign * (placed - trade.stop_price) <= 0.0:
        return None
    trade.stop_price = placed
    return placed
