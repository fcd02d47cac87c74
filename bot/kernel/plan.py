"""From a wanted stop or a wanted quantity to the few orders that bring it about."""

from decimal import ROUND_DOWN, Decimal

import msgspec

from bot.domain.account import PositionState
from bot.domain.instrument import Instrument
from bot.domain.orders import (
    OrderDraft,
    OrderKind,
    OrderStatus,
    Purpose,
    TriggerBy,
)
from bot.domain.units import NS_PER_S, ZERO
from bot.kernel.allowance import held_again_qty, returnable_usd
from bot.kernel.desk import Desk
from bot.kernel.margin import liquidation_price
from bot.kernel.snapshot import Leg, OrderBelief, Trade
from bot.kernel.track import live_orders, settled
from bot.kernel.view import LegView

PARTS_MAX = 20
"""So many market orders at most leave for one word of the operator."""
STOPS_MAX = 4
IN_FLIGHT_NS = 3 * NS_PER_S // 2
FIRING_NS = 3 * NS_PER_S
ANSWER_DUE_NS = 10 * NS_PER_S
GIVE_BACK_MIN_USD = 1.0
CENT = Decimal("0.01")
UNSETTLED_FRAC = 0.9
"""Of released margin: what the cut lost is taken from it, and the wallet has not told that yet."""
DUST_STOP_FRAC = 0.001
FURTHEST_SHARE = 0.95
"""From this share of the largest allowed distance on, a stop counts as placed by the mark alone."""
FURTHEST_REPRICE_FRAC = 0.02
"""How far such a stop may lie from its wanted price, as a share of its distance."""


class EntryWish(msgspec.Struct, frozen=True):
    """An order that adds exposure, with the stop that will guard it."""

    draft: OrderDraft
    stop_price: float
    trade: Trade | None
    cause: str


class ReduceWish(msgspec.Struct, frozen=True):
    """An order that can only shrink a leg: a stop, a target, a cut."""

    draft: OrderDraft
    cause: str


class CancelWish(msgspec.Struct, frozen=True):
    """One of our orders is not needed any more."""

    belief: OrderBelief
    reason: str


class MarginWish(msgspec.Struct, frozen=True):
    """Give back isolated margin that our own cut released."""

    leg: Leg
    amount_usd: Decimal
    reason: str


Wish = EntryWish | ReduceWish | CancelWish | MarginWish


def in_flight(desk: Desk, belief: OrderBelief) -> bool:
    """Whether an order was sent so recently that its answer is still due."""
    young = desk.state.now_ns - belief.sent_ns < IN_FLIGHT_NS and belief.misses == 0
    return young and belief.status in (OrderStatus.PENDING, OrderStatus.UNKNOWN)


def stops_of(desk: Desk, leg: Leg) -> list[OrderBelief]:
    """Return our live protective stops on a leg."""
    return [o for o in live_orders(desk, leg.symbol, leg.side) if o.purpose is Purpose.STOP]


def is_covered(desk: Desk, leg: Leg) -> bool:
    """Whether working stops of ours cover the whole leg at the venue."""
    working = ZERO
    for stop in stops_of(desk, leg):
        if stop.status is OrderStatus.WORKING or is_firing(desk, stop):
            if stop.close_position:
                return True
            working += stop.remaining_qty
    return working >= leg.qty


def is_firing(desk: Desk, stop: OrderBelief) -> bool:
    """Whether a stop was set off moments ago, so that its fill is due."""
    since = desk.state.now_ns - stop.event_ns
    return stop.status is OrderStatus.TRIGGERING and since < FIRING_NS


def stop_wishes(
    desk: Desk, view: LegView, price: Decimal, *, exact: bool, cause: str
) -> list[Wish]:
    """Return what brings one stop of the leg's quantity to `price`: new first, old cancelled after.

    `exact` also trims a stop that is larger than the leg (after a partial close).
    """
    leg, instrument = view.leg, view.market.instrument
    if instrument is not None and leg.qty > instrument.market_qty_max:
        return _stops_in_parts(desk, view, price, instrument, cause)
    stops = stops_of(desk, leg)
    if any(is_firing(desk, stop) and stop.remaining_qty >= leg.qty for stop in stops):
        return []
    if instrument is not None and is_dust(instrument, leg):
        return _close_dust(view, stops, cause)
    tolerance = _tolerance(view, price)
    good = [s for s in stops if _fits(leg, s, price, tolerance, exact=exact)]
    working = [s for s in good if s.status is OrderStatus.WORKING]
    proven = min(working, key=lambda s: (s.remaining_qty - leg.qty, -s.sent_ns), default=None)
    if proven is not None:
        return [
            CancelWish(stop, "replaced by a newer stop")
            for stop in stops
            if stop is not proven and _is_spare(desk, stop)
        ]
    if any(in_flight(desk, stop) for stop in good):
        return []
    if len(stops) >= STOPS_MAX:
        return _clear(desk, leg, stops)
    if any(in_flight(desk, stop) for stop in stops) and is_covered(desk, leg):
        return []
    return [ReduceWish(stop_draft(leg, price, "protective stop"), cause)]


def _tolerance(view: LegView, price: Decimal) -> Decimal:
    """Return how far a stop may lie from where it is wanted, in price.

    One that is as far away as a stop may be is placed by the mark alone: no budget hangs on it,
    and following every move of the mark would only burn requests.
    """
    guard = view.policy.guard
    distance = abs(float(price) - view.mark)
    furthest = distance >= FURTHEST_SHARE * guard.stop_distance_max_frac * view.mark
    near = guard.reprice_frac * view.mark
    return Decimal(repr(max(near, FURTHEST_REPRICE_FRAC * distance) if furthest else near))


def is_dust(instrument: Instrument, leg: Leg) -> bool:
    """Whether so little is left that no plain order can close it."""
    return leg.qty < instrument.qty_min


def _close_dust(view: LegView, stops: list[OrderBelief], cause: str) -> list[Wish]:
    """Close what is too small for an order of its own: a stop just off the mark that takes all."""
    leg, instrument = view.leg, view.market.instrument
    if instrument is None or any(stop.close_position for stop in stops):
        return []
    price = Decimal(repr(view.mark * (1.0 - leg.side.sign * DUST_STOP_FRAC)))
    draft = stop_draft(leg, instrument.stop_price_away(price, leg.side), "dust: closes all")
    return [ReduceWish(msgspec.structs.replace(draft, qty=ZERO, close_position=True), cause)]


def _is_spare(desk: Desk, stop: OrderBelief) -> bool:
    """Whether a stop may be cancelled now: it works, is unknown, or hangs while triggering."""
    hangs = stop.status is OrderStatus.TRIGGERING and not is_firing(desk, stop)
    known = stop.status in (OrderStatus.WORKING, OrderStatus.UNKNOWN)
    return (known or hangs) and may_cancel(desk, stop)


def _clear(desk: Desk, leg: Leg, stops: list[OrderBelief]) -> list[Wish]:
    """Make room for a new stop: keep the one working stop that covers most, cancel the others."""
    working = [s for s in stops if s.status is OrderStatus.WORKING]
    best = max(working, key=lambda s: (min(s.remaining_qty, leg.qty), s.sent_ns), default=None)
    return [
        CancelWish(stop, "too many stops on this leg")
        for stop in stops
        if stop is not best and _is_spare(desk, stop)
    ]


def _stops_in_parts(
    desk: Desk, view: LegView, price: Decimal, instrument: Instrument, cause: str
) -> list[Wish]:
    """Cover a leg that is larger than one market order may be with several stops."""
    leg = view.leg
    stops = stops_of(desk, leg)
    tolerance = _tolerance(view, price)
    good = [s for s in stops if s.trigger_price and abs(s.trigger_price - price) <= tolerance]
    working = sum((s.remaining_qty for s in good if s.status is OrderStatus.WORKING), ZERO)
    if working >= leg.qty:
        spare = [s for s in stops if s not in good and may_cancel(desk, s)]
        return [CancelWish(stop, "replaced by newer stops") for stop in spare]
    coming = sum((s.remaining_qty for s in good if in_flight(desk, s)), ZERO)
    missing = leg.qty - working - coming
    wishes: list[Wish] = []
    while missing > ZERO and len(stops) + len(wishes) < instrument.stops_max:
        part = one_order(instrument, missing)
        draft = stop_draft(leg, price, "protective stop, in parts")
        wishes.append(ReduceWish(msgspec.structs.replace(draft, qty=part), cause))
        missing -= part
    return wishes


def _fits(leg: Leg, stop: OrderBelief, price: Decimal, tolerance: Decimal, *, exact: bool) -> bool:
    if stop.trigger_price is None or abs(stop.trigger_price - price) > tolerance:
        return False
    return stop.remaining_qty == leg.qty if exact else stop.remaining_qty >= leg.qty


def may_cancel(desk: Desk, belief: OrderBelief) -> bool:
    """Whether a cancel may be asked: at most every five seconds."""
    return desk.state.now_ns - belief.cancel_ns > 5 * NS_PER_S


def stop_draft(leg: Leg, price: Decimal, reason: str) -> OrderDraft:
    """Return a reduce-only stop-market over the whole leg, triggered by the mark."""
    return OrderDraft(
        symbol=leg.symbol,
        side=leg.side.exit,
        position_side=leg.side,
        kind=OrderKind.STOP_MARKET,
        purpose=Purpose.STOP,
        qty=leg.qty,
        trigger_price=price,
        trigger_by=TriggerBy.MARK,
        reason=reason,
    )


def cut_draft(leg: Leg, qty: Decimal, purpose: Purpose, reason: str) -> OrderDraft:
    """Return a reduce-only market order over `qty` of a leg."""
    return OrderDraft(
        symbol=leg.symbol,
        side=leg.side.exit,
        position_side=leg.side,
        kind=OrderKind.MARKET,
        purpose=purpose,
        qty=min(qty, leg.qty),
        reason=reason,
    )


def cut_qty(instrument: Instrument, leg: Leg, target: float) -> Decimal:
    """Return how much to close so that no more than `target` is left; dust goes whole."""
    keep = instrument.qty_down(Decimal(repr(max(target, 0.0))))
    if keep < instrument.qty_min:
        return leg.qty
    return max(leg.qty - keep, ZERO)


def one_order(instrument: Instrument, qty: Decimal) -> Decimal:
    """Return as much of `qty` as one market order may carry."""
    return min(qty, instrument.market_qty_max)


def market_orders(instrument: Instrument, qty: Decimal) -> list[Decimal]:
    """Return quantities of market orders that together close `qty`, as far as PARTS_MAX go."""
    parts: list[Decimal] = []
    while qty > ZERO and len(parts) < PARTS_MAX:
        parts.append(one_order(instrument, qty))
        qty -= parts[-1]
    return parts


def give_back(view: LegView, stop_price: float) -> MarginWish | None:
    """Return released margin to the leg until liquidation lies well behind its stop.

    Isolated margin is released pro rata when a leg is cut, which leaves its liquidation price
    where it was; only what our own cuts released is ever given back. Liquidation comes to lie
    outside the first step of its rule as well, for a leg that was cut by it at the size that is
    bought back, which needs what is left of the margin. One cut for its ratio gets all of it.
    """
    leg, instrument = view.leg, view.market.instrument
    if leg.margin_asked_ns and view.state.now_ns - leg.margin_asked_ns < ANSWER_DUE_NS:
        return None
    if leg.released_usd <= ZERO or leg.isolated_margin_usd is None or instrument is None:
        return None
    known = settled(view.state)
    if known:
        leg.released_usd = min(leg.released_usd, Decimal(repr(returnable_usd(view))))
    sign = leg.side.sign
    wanted_distance = view.policy.guard.liq_to_stop_min * sign * (view.mark - stop_price)
    wanted_price = view.mark - sign * max(wanted_distance, _calm_distance(view))
    current = float(leg.isolated_margin_usd)
    most = float(leg.released_usd) * (1.0 if known else UNSETTLED_FRAC)
    low, high = current, current + most
    qty = held_again_qty(view) if view.before("liquidation_distance") < 1.0 else view.qty
    now_at = liquidation_price(sign, qty, view.entry, current, instrument.tiers)
    if now_at is None or sign * (wanted_price - now_at) >= 0.0:
        high = current
    for _ in range(40 if high > low else 0):
        middle = 0.5 * (low + high)
        price = liquidation_price(sign, qty, view.entry, middle, instrument.tiers)
        if price is None or sign * (wanted_price - price) >= 0.0:
            high = middle
        else:
            low = middle
    if view.before("margin_ratio") < 1.0:
        high = current + most
    amount = high - current
    if amount < max(GIVE_BACK_MIN_USD, 0.002 * current):
        return None
    exact = min(Decimal(repr(amount)), leg.released_usd).quantize(CENT, ROUND_DOWN)
    return MarginWish(leg, exact, "margin released by our own cut goes back to the leg")


def _calm_distance(view: LegView) -> float:
    """Return how far from the mark liquidation must lie for no step by distance to be entered."""
    leaves = [step.leave for step in view.policy.rules.liq_distance_atr]
    return max(leaves, default=0.0) * (view.atr_day or 0.0)


def rescue_stop_price(
    position: PositionState, mark: float, instrument: Instrument, distance_frac: float
) -> Decimal:
    """Return a trigger `distance_frac` from the mark, on the loss side, rounded to the market."""
    raw = Decimal(repr(mark * (1.0 - position.side.sign * distance_frac)))
    return instrument.stop_price_near(raw, position.side)
