"""The command `mode`: what is done with one side of one symbol from now on."""

from bot.domain.messages import Command
from bot.domain.orders import PositionSide, Purpose
from bot.domain.risk import HandMode, Severity
from bot.domain.units import ZERO
from bot.kernel import hand
from bot.kernel.desk import Desk
from bot.kernel.plan import CancelWish, ReduceWish, Wish, cut_draft, one_order
from bot.kernel.snapshot import HandOrder, Leg, leg_key
from bot.kernel.track import live_orders

SIDES = {side.value: side for side in PositionSide}
SAYS = {
    HandMode.NORMAL: "guarded by every rule that acts on positions opened by hand",
    HandMode.GRACEFUL_STOP: "guarded, never made larger; strategies open nothing here",
    HandMode.TP_ONLY: "guarded, never made larger, closed whole at its target",
    HandMode.PANIC: "closed now at the market; then graceful_stop",
    HandMode.MANUAL: "only the loss budget acts, other rules only tell; strategies open nothing",
}


def set_mode(desk: Desk, command: Command) -> tuple[bool, str, list[Wish]]:
    """Set the mode of one side of a symbol; it is kept over restarts.

    Arguments: symbol, side (long, short), mode, and for tp_only the target price.
    """
    args = command.args
    symbol, wanted = args.get("symbol", ""), args.get("mode", "").lower()
    side = SIDES.get(args.get("side", "").upper())
    known = sorted({*desk.policy.limits.symbols, *desk.state.markets})
    if symbol not in known:
        return False, f"no contract {symbol[:40]!r} is known; known: {', '.join(known)}", []
    if side is None:
        return False, f"side is long or short, was {args.get('side', '')[:20]!r}", []
    if wanted not in set(HandMode):
        names = ", ".join(mode.value for mode in HandMode)
        return False, f"no mode {wanted[:20]!r}; known: {names}", []
    mode = HandMode(wanted)
    target = hand.read_price(args.get("target", ""))
    wrong = _flaw(desk, symbol, side, mode, target)
    if wrong:
        return False, wrong, []
    key = leg_key(symbol, side)
    before = hand.mode_of(desk.state, desk.policy, symbol, side)
    desk.state.hand_orders[key] = HandOrder(mode, target or 0.0)
    leg = desk.state.legs.get(key)
    wishes = _at_once(desk, leg, mode) if leg is not None and leg.qty > ZERO else []
    if mode is HandMode.PANIC and not wishes:
        desk.state.hand_orders[key] = HandOrder(HandMode.GRACEFUL_STOP)
    says = SAYS[mode]
    if mode is HandMode.PANIC and not wishes:
        says = f"nothing to close now; {SAYS[HandMode.GRACEFUL_STOP]}"
    text = f"{symbol} {side.value}: {before.value} -> {mode.value}: {says}"
    desk.notify(Severity.WARNING, "hand_mode", f"{text}.", symbol)
    return True, text, wishes


def _flaw(desk: Desk, symbol: str, side: PositionSide, mode: HandMode, target: float | None) -> str:
    """Return what is wrong with a target; "" when nothing is."""
    if mode is not HandMode.TP_ONLY:
        return ""
    if target is None:
        return "tp_only needs a target price above zero: --target PRICE"
    market = desk.state.markets.get(symbol)
    if market is not None and side.sign * (target - market.mark) <= 0.0:
        where = "above" if side.sign > 0 else "below"
        return f"the target {target:g} must lie {where} the mark {market.mark:.8g}"
    return ""


def _at_once(desk: Desk, leg: Leg, mode: HandMode) -> list[Wish]:
    """Return what a new mode does to a held leg now: close it, or take back the old target."""
    market = desk.state.markets.get(leg.symbol)
    orders = live_orders(desk, leg.symbol, leg.side)
    if mode is HandMode.PANIC and market is not None and market.instrument is not None:
        leg.last_cut_ns = leg.action_ns = desk.state.now_ns
        qty = one_order(market.instrument, leg.qty)
        draft = cut_draft(leg, qty, Purpose.FLATTEN, "operator: mode panic")
        return [ReduceWish(draft, "mode panic")]
    if leg.trade is not None and not leg.foreign:
        return []
    targets = [order for order in orders if order.purpose is Purpose.TARGET]
    return [CancelWish(order, "the mode of its position changed") for order in targets]
