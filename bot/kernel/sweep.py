"""Takes away our conditional orders that guard nothing: one that triggers later could open."""

from bot.domain.orders import OrderStatus, Purpose
from bot.domain.units import NS_PER_S, ZERO
from bot.kernel.desk import Desk
from bot.kernel.plan import CancelWish, Wish
from bot.kernel.snapshot import Leg, OrderBelief, leg_key
from bot.kernel.track import live_orders

ABSENT_NS = 15 * NS_PER_S
"""How long a leg must be missing from every reading before what guarded it is cancelled."""
AGAIN_NS = 5 * NS_PER_S
"""How long an order, or its cancel, is given to be told."""


def is_absent_lately(desk: Desk, leg: Leg | None) -> bool:
    """Whether a leg is missing from readings alone, and has not been for long.

    A venue that shows an empty account for a moment must not talk us out of a stop; one that
    reduces only and waits a little longer over nothing does no harm.
    """
    return leg is not None and leg.absent_ns > 0 and desk.state.now_ns - leg.absent_ns < ABSENT_NS


def sweep(desk: Desk, leg: Leg) -> list[Wish]:
    """Cancel our conditional orders of a leg that is gone, so that none can trigger later."""
    if is_absent_lately(desk, leg):
        return []
    return [
        CancelWish(order, "its position is closed")
        for order in live_orders(desk, leg.symbol, leg.side)
        if order.kind.is_conditional
        and order.status is not OrderStatus.PENDING
        and desk.state.now_ns - order.cancel_ns > AGAIN_NS
    ]


def orphans(desk: Desk) -> list[Wish]:
    """Cancel our conditional orders that guard nothing: one that triggers later could open."""
    state = desk.state
    guarded = {leg_key(leg.symbol, leg.side) for leg in state.legs.values() if leg.qty > ZERO}
    return [
        CancelWish(belief, "it guards no position")
        for belief in state.orders.values()
        if belief.status.is_live
        and belief.ours
        and belief.kind.is_conditional
        and leg_key(belief.symbol, belief.position_side) not in guarded
        and state.now_ns - max(belief.sent_ns, belief.cancel_ns) > AGAIN_NS
        and not is_absent_lately(desk, state.legs.get(leg_key(belief.symbol, belief.position_side)))
        and not _may_guard_an_entry(desk, belief)
    ]


def _may_guard_an_entry(desk: Desk, belief: OrderBelief) -> bool:
    """Whether an entry that may have filled unseen was sent before this order, not after it."""
    return any(
        entry.purpose is Purpose.ENTRY
        and entry.status.is_live
        and entry.symbol == belief.symbol
        and entry.position_side is belief.position_side
        and entry.sent_ns <= belief.sent_ns
        for entry in desk.state.orders.values()
    )
