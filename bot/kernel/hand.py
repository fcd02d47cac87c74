"""What the owner wants done with one side of a symbol: the modes of positions opened by hand."""

from decimal import Decimal, InvalidOperation

from bot.domain.orders import OrderDraft, PositionSide
from bot.domain.policy import Policy
from bot.domain.risk import HandMode, Refusal, RefusalReason
from bot.kernel.snapshot import BotState, HandOrder, Leg, leg_key

WITHHELD = (HandMode.MANUAL,)
"""Modes in which the rules behind the loss budget only tell what they would do."""
ALWAYS = ("missing_stop", "close_out")
"""Rules without which the loss budget, or the law, would not be kept: they act in every mode."""


def order_of(state: BotState, policy: Policy, symbol: str, side: PositionSide) -> HandOrder:
    """Return what was last commanded for a side, else what the configuration says."""
    key = leg_key(symbol, side)
    found = state.hand_orders.get(key)
    if found is not None:
        return found
    return HandOrder(policy.limits.hand_modes.get(key, HandMode.NORMAL))


def mode_of(state: BotState, policy: Policy, symbol: str, side: PositionSide) -> HandMode:
    """Return the mode in force on one side of a symbol."""
    if not state.hand_orders and not policy.limits.hand_modes:
        return HandMode.NORMAL
    return order_of(state, policy, symbol, side).mode


def tells_only(state: BotState, policy: Policy, leg: Leg, rule: str) -> bool:
    """Whether a rule may only tell on this leg what it would do."""
    withheld = leg.foreign and mode_of(state, policy, leg.symbol, leg.side) in WITHHELD
    return withheld and rule not in ALWAYS


def refusal(state: BotState, policy: Policy, draft: OrderDraft) -> Refusal | None:
    """Return why nothing may be added on a side: every mode but normal only lets it shrink."""
    mode = mode_of(state, policy, draft.symbol, draft.position_side)
    if mode is HandMode.NORMAL:
        return None
    measured = f"{draft.position_side.value} is in mode {mode.value}"
    return Refusal(RefusalReason.HAND_MODE, draft.symbol, measured, HandMode.NORMAL.value)


def target_price(state: BotState, policy: Policy, leg: Leg) -> Decimal | None:
    """Return where the leg's profit is taken: by its strategy's plan, or by mode tp_only."""
    if leg.trade is not None and not leg.foreign:
        return Decimal(repr(leg.trade.target_price))
    order = order_of(state, policy, leg.symbol, leg.side)
    if order.mode is HandMode.TP_ONLY and order.target_price > 0.0:
        return Decimal(repr(order.target_price))
    return Decimal(repr(leg.trade.target_price)) if leg.trade is not None else None


def on_flat(state: BotState, leg: Leg) -> None:
    """After a panic the side stays shut to strategies until the owner says otherwise."""
    key = leg_key(leg.symbol, leg.side)
    found = state.hand_orders.get(key)
    if found is not None and found.mode is HandMode.PANIC:
        state.hand_orders[key] = HandOrder(HandMode.GRACEFUL_STOP)


def read_price(text: str) -> float | None:
    """Return a finite price above zero; None when the text is none."""
    try:
        price = Decimal(text)
    except InvalidOperation:
        return None
    return float(price) if price.is_finite() and price > 0 else None
