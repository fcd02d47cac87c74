"""Judges from one account reading whether a leg is stopped: pure, and independent of belief."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

import msgspec

from bot.domain.account import PositionState
from bot.domain.orders import OrderKind, OrderState, OrderStatus, PositionSide, TriggerBy
from bot.domain.units import NS_PER_S, ZERO

GRACE_NS = NS_PER_S
"""The kernel's own stop may be on its way: this long a bare leg is only watched."""
STUCK_NS = 3 * NS_PER_S
"""A stop that triggered, or was passed by the mark, must have worked by then."""
PATIENCE_NS = 3 * NS_PER_S
"""A kernel that keeps sending stops which never work is waited for no longer than this."""
BARE_MAX_NS = 10 * NS_PER_S
"""After this long without a working stop the leg is closed."""
FAILURES_MAX = 2
FAR_SLACK = 1.05
"""A stop at the furthest distance allowed is not replaced each time the mark moves away a little:
from 0.60 of the price it is left behind so far when the mark has gone up by 8 percent. The kernel
moves it at the next bar after 3 percent, so that coverage steps in where it does not.
"""
IMMEDIATE_TRIGGER = "-2021"
LOOK_MAX_NS = 2 * NS_PER_S
"""What one pass may add to a leg's bare time: blind time does not count against it."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one reading shows of one leg; `ending` are stops that fired or should have."""

    covered: bool
    ending: tuple[str, ...]
    missing_qty: Decimal


class Act(StrEnum):
    """What coverage does about a leg."""

    WATCH = "watch"
    RESCUE = "rescue"
    FLATTEN = "flatten"


class Watch(msgspec.Struct):
    """What coverage remembers of one leg; `bare_ns` is the time between bare readings in a row."""

    bare: bool = False
    bare_ns: int = 0
    failures: int = 0
    hopeless: str = ""
    ending_since_ns: dict[str, int] = {}
    acting: bool = False
    told: str = ""
    told_ns: int = 0
    warned: str = ""


def stops_leg(order: OrderState, position: PositionState) -> bool:
    """Tell whether `order` is a stop that can only shrink this leg."""
    if order.symbol != position.symbol or order.kind is not OrderKind.STOP_MARKET:
        return False
    if order.side is not position.side.exit:
        return False
    if order.position_side is not None:
        return order.position_side is position.side
    return order.reduce_only or order.close_position


def is_sane(
    order: OrderState, position: PositionState, mark: float | None, distance_max_frac: float
) -> bool:
    """Tell whether the trigger can save the leg: not behind liquidation, not absurdly far."""
    trigger = order.trigger_price
    if trigger is None or trigger <= ZERO:
        return False
    liq = position.venue_liq_price
    if liq is not None and liq > ZERO and (trigger - liq) * position.side.sign <= ZERO:
        gains_there = mark is not None and (float(liq) - mark) * position.side.sign > 0.0
        if not (position.hedged and gains_there):
            return False
    if mark is None:
        return True
    return abs(float(trigger) - mark) <= FAR_SLACK * distance_max_frac * mark


def is_passed(order: OrderState, side: PositionSide, mark: float | None) -> bool:
    """Tell whether the mark lies beyond a stop that goes by the mark."""
    if mark is None or order.trigger_price is None:
        return False
    if order.trigger_by not in (None, TriggerBy.MARK):
        return False
    return (mark - float(order.trigger_price)) * side.sign <= 0.0


def judge(
    position: PositionState,
    orders: Sequence[OrderState],
    mark: float | None,
    distance_max_frac: float,
) -> Verdict:
    """Return whether working stops cover the whole leg. `mark` None: no fresh mark is known."""
    covered, ending = ZERO, []
    for order in orders:
        if not stops_leg(order, position):
            continue
        fired = order.status is OrderStatus.TRIGGERING
        if not fired and order.status is not OrderStatus.WORKING:
            continue
        if fired or is_passed(order, position.side, mark):
            ending.append(order.client_order_id or order.venue_order_id)
        elif not is_sane(order, position, mark, distance_max_frac):
            continue
        covered += position.qty if order.close_position else order.remaining_qty
    missing_qty = max(position.qty - covered, ZERO)
    return Verdict(covered=missing_qty == ZERO, ending=tuple(ending), missing_qty=missing_qty)


def learn(watch: Watch, verdict: Verdict, now_ns: int, since_look_ns: int) -> None:
    """Fold a verdict into what is remembered of the leg."""
    watch.ending_since_ns = {
        order_id: watch.ending_since_ns.get(order_id, now_ns) for order_id in verdict.ending
    }
    if verdict.covered:
        watch.bare, watch.bare_ns = False, 0
        if not verdict.ending:
            watch.failures, watch.hopeless = 0, ""
    elif watch.bare:
        watch.bare_ns += min(since_look_ns, LOOK_MAX_NS)
    else:
        watch.bare = True


def decide(watch: Watch, verdict: Verdict, now_ns: int, *, kernel_acts: bool) -> tuple[Act, str]:
    """Return what to do about a leg, and why."""
    stuck = [i for i, since in watch.ending_since_ns.items() if now_ns - since > STUCK_NS]
    if stuck:
        return Act.FLATTEN, f"stop {stuck[0]} fired or was passed and the position is still open"
    if verdict.covered:
        return Act.WATCH, ""
    if watch.hopeless:
        return Act.FLATTEN, watch.hopeless
    if watch.failures >= FAILURES_MAX:
        return Act.FLATTEN, f"{watch.failures} attempts to place a stop failed"
    if watch.bare_ns > BARE_MAX_NS:
        return Act.FLATTEN, f"no working stop for {watch.bare_ns // NS_PER_S} s"
    if watch.bare_ns < (PATIENCE_NS if kernel_acts else GRACE_NS):
        return Act.WATCH, "no working stop yet"
    return Act.RESCUE, f"no working stop for {verdict.missing_qty}"
