"""One held leg with its stop and its prices of consequence, as several answers tell it."""

from decimal import Decimal

from bot.answers.question import rounded
from bot.domain.orders import OrderKind, OrderStatus, Purpose
from bot.domain.policy import Policy
from bot.domain.units import ZERO
from bot.kernel.snapshot import BotState, Leg, OrderBelief
from bot.kernel.stops.audit import audit
from bot.kernel.view import LegView


def legs_of(state: BotState, symbol: str = "") -> list[Leg]:
    """Return every held leg, by symbol and side."""
    legs = [leg for leg in state.legs.values() if leg.qty > ZERO and symbol in ("", leg.symbol)]
    return sorted(legs, key=lambda leg: (leg.symbol, leg.side.value))


def view_of(state: BotState, policy: Policy, leg: Leg) -> LegView | None:
    """Return the leg with its market; None while its mark price is unknown."""
    market = state.markets.get(leg.symbol)
    if market is None or market.mark <= 0.0:
        return None
    return LegView(state, policy, leg, market)


def working_stops(state: BotState, leg: Leg) -> list[OrderBelief]:
    """Return the reduce-only stops that rest at the venue for a leg, nearest trigger first."""
    stops = [
        order
        for order in state.orders.values()
        if order.symbol == leg.symbol
        and order.position_side is leg.side
        and order.kind is OrderKind.STOP_MARKET
        and order.status is OrderStatus.WORKING
        and (order.reduce_only or order.close_position)
        and order.trigger_price is not None
    ]
    sign = leg.side.sign
    return sorted(stops, key=lambda order: -sign * (order.trigger_price or ZERO))


def covered_qty(leg: Leg, stops: list[OrderBelief]) -> Decimal:
    """Return how much of a leg its working stops close."""
    if any(stop.close_position for stop in stops):
        return leg.qty
    return min(leg.qty, sum((stop.remaining_qty for stop in stops), ZERO))


def target_price(state: BotState, leg: Leg) -> Decimal | None:
    """Return the trigger of the leg's working take-profit."""
    for order in state.orders.values():
        same = order.symbol == leg.symbol and order.position_side is leg.side
        if same and order.purpose is Purpose.TARGET and order.status is OrderStatus.WORKING:
            return order.trigger_price
    return None


def own_liq_price(view: LegView) -> float | None:
    """Return the liquidation price by our own arithmetic; None when unknown or none exists."""
    return view.own_liq_price()


def result_at(leg: Leg, price: float) -> float:
    """Return the leg's result in USD if all of it closes at `price`, costs apart."""
    return leg.side.sign * float(leg.qty) * (price - float(leg.entry_price))


def stop_flaws(
    state: BotState, policy: Policy, leg: Leg, trigger: Decimal | None
) -> list[dict[str, object]] | None:
    """Return what speaks against the place of a leg's stop; None without a stop or a mark."""
    view = view_of(state, policy, leg)
    if view is None or trigger is None:
        return None
    return [
        {
            "kind": flaw.kind,
            "words": flaw.words,
            "low": rounded(flaw.low, 2),
            "high": rounded(flaw.high, 2),
            "usd": rounded(flaw.usd, 0),
        }
        for flaw in audit(view, float(trigger))
    ]


def owner(leg: Leg) -> str:
    """Return who opened a leg: a strategy by name, or a human."""
    return leg.trade.strategy if leg.trade is not None else "by hand"
