"""What an operator's command does: lowering risk acts at once, raising it asks for a code."""

import hashlib
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from bot.domain.messages import Answer, Command, RecordMode
from bot.domain.orders import Purpose
from bot.domain.risk import Severity, TradingMode
from bot.domain.units import ZERO
from bot.kernel import guard, limits
from bot.kernel.desk import Desk
from bot.kernel.hand_command import set_mode
from bot.kernel.hedge_command import open_hedge
from bot.kernel.plan import ReduceWish, Wish, cut_draft, market_orders
from bot.kernel.snapshot import Leg
from bot.kernel.track import equity_usd

COMMANDS_KEPT = 500
REASON_MAX = 160
Handler = Callable[[Desk, Command], tuple[bool, str, list[Wish]]]


def on_command(desk: Desk, command: Command) -> list[Wish]:
    """Execute a command once; a repeated id does nothing."""
    seen = desk.state.seen_commands
    if command.command_id in seen:
        desk.emit(Answer(command.command_id, accepted=False, text="already executed"))
        return []
    seen[command.command_id] = desk.state.now_ns
    if len(seen) > COMMANDS_KEPT:
        desk.state.seen_commands = dict(list(seen.items())[-COMMANDS_KEPT // 2 :])
    handler = HANDLERS.get(command.name)
    if handler is None:
        text = f"no command {command.name!r}; known: {', '.join(sorted(HANDLERS))}"
        desk.emit(Answer(command.command_id, accepted=False, text=text))
        return []
    accepted, text, wishes = handler(desk, command)
    desk.record(
        "command", command.args.get("symbol", ""), f"{command.name} by {command.operator}: {text}",
        "operator", cause=command.command_id,
    )  # fmt: skip
    desk.emit(Answer(command.command_id, accepted, text))
    return wishes


def _pause(desk: Desk, _command: Command) -> tuple[bool, str, list[Wish]]:
    desk.state.wanted_mode = TradingMode.REDUCING
    return True, "paused: no new risk; stops and cuts go on", []


def _resume(desk: Desk, _command: Command) -> tuple[bool, str, list[Wish]]:
    if desk.state.latched:
        return False, f"latched ({desk.state.latch_reason}): use rearm", []
    desk.state.wanted_mode = TradingMode.ACTIVE
    flapped, desk.state.flapping = desk.state.flapping, ""
    again = f" (it had ended because {flapped})" if flapped else ""
    return True, f"resumed: new risk is allowed once account and feeds are proven{again}", []


def _reduce(desk: Desk, command: Command) -> tuple[bool, str, list[Wish]]:
    try:
        fraction = Decimal(command.args.get("fraction", ""))
    except InvalidOperation:
        fraction = Decimal("NaN")
    if not fraction.is_finite() or not ZERO < fraction <= 1:
        given = command.args.get("fraction", "")
        return False, f"reduce needs a fraction above 0 and up to 1, was {given[:20]!r}", []
    wishes: list[Wish] = []
    words: list[str] = []
    left: list[str] = []
    for leg in _legs(desk, command.args.get("symbol", "")):
        market = desk.state.markets.get(leg.symbol)
        if market is None or market.instrument is None:
            left.append(f"{leg.symbol} {leg.side.value}: its contract is not known yet")
            continue
        qty = leg.qty if fraction == 1 else market.instrument.qty_down(leg.qty * fraction)
        if qty <= ZERO:
            left.append(f"{leg.symbol} {leg.side.value}: {fraction} of {leg.qty} is under one lot")
            continue
        leg.user_qty = min(leg.user_qty, leg.qty - qty) if leg.foreign else leg.user_qty
        leg.last_cut_ns = leg.action_ns = desk.state.now_ns
        purpose = Purpose.FLATTEN if qty == leg.qty else Purpose.CUT
        parts = market_orders(market.instrument, qty)
        why = f"operator: reduce {fraction}"
        drafts = [cut_draft(leg, part, purpose, why) for part in parts]
        wishes += [ReduceWish(draft, command.command_id) for draft in drafts]
        words.append(f"{leg.symbol} {leg.side.value} by {_in_parts(parts, qty)}")
    if not words and not left:
        return True, "nothing is held", []
    told = [f"reducing {', '.join(words)}"] if words else []
    told += [f"left as it is: {each}" for each in left]
    return bool(words), "; ".join(told), wishes


def _in_parts(parts: list[Decimal], qty: Decimal) -> str:
    """Tell a quantity, and in how many orders it leaves; what is too much for them is said."""
    sent = sum(parts, ZERO)
    orders = f" in {len(parts)} orders, the largest the venue takes" if len(parts) > 1 else ""
    rest = f"; {qty - sent} is left, repeat the command" if sent < qty else ""
    return f"{sent}{orders}{rest}"


def _flatten(desk: Desk, command: Command) -> tuple[bool, str, list[Wish]]:
    desk.state.wanted_mode = TradingMode.REDUCING
    whole = Command(
        command_id=command.command_id,
        name="reduce",
        args={**command.args, "fraction": "1"},
        operator=command.operator,
        event_ns=command.event_ns,
        received_ns=command.received_ns,
    )
    _accepted, text, wishes = _reduce(desk, whole)
    return True, f"{text}; paused until `resume`", wishes


def _latch(desk: Desk, command: Command) -> tuple[bool, str, list[Wish]]:
    if desk.state.latched:
        return True, f"latched already: {desk.state.latch_reason}", []
    why = command.args.get("reason", "")[:REASON_MAX] or f"ordered by {command.operator}"
    guard.latch(desk, command.command_id, why)
    return True, "latched: everything is closed and stays flat until `rearm`", []


def _rearm(desk: Desk, command: Command) -> tuple[bool, str, list[Wish]]:
    state = desk.state
    if not state.latched:
        return False, "not latched: nothing to re-arm", []
    wanted = rearm_code(desk)
    equity = equity_usd(state)
    old = state.anchors.high_water_usd
    if command.args.get("code", "") != wanted:
        return False, (
            f"re-arming sets a new peak at today's equity {equity:.2f} USD (was {old:.2f}); from "
            f"there the loss budget starts anew. Until then a position opened by hand is closed as "
            f"soon as it is seen. Repeat with code {wanted}"
        ), []  # fmt: skip
    state.latched = False
    state.latch_reason = ""
    state.anchors.high_water_usd = equity
    state.wanted_mode = TradingMode.ACTIVE
    desk.emit(RecordMode(state.now_ns, state.mode, latched=False, reason="re-armed"))
    desk.notify(
        Severity.WARNING, "rearm", f"Re-armed: peak {old:.2f} -> {equity:.2f} USD by operator."
    )
    return True, f"re-armed: peak {old:.2f} -> {equity:.2f} USD", []


def _limits(desk: Desk, command: Command) -> tuple[bool, str, list[Wish]]:
    kept, given = desk.state.limits, command.args.get("code", "")
    if not kept.asked:
        return True, "no looser limit waits: what the files say is in force", []
    code, lines = limits.code_of(desk.state), "; ".join(limits.waiting(desk))
    if given != code:
        return not given, f"{lines}. To confirm, repeat with code {code}", []
    kept.confirmed = code
    return True, f"confirmed: {lines}", []


def rearm_code(desk: Desk) -> str:
    """Return the code that shows the operator has read what re-arming means."""
    state = desk.state
    text = f"{state.latch_reason}|{state.anchors.high_water_usd:.2f}"
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def _legs(desk: Desk, symbol: str) -> list[Leg]:
    legs = (desk.state.legs[key] for key in sorted(desk.state.legs))
    return [leg for leg in legs if leg.qty > ZERO and symbol in ("", leg.symbol)]


HANDLERS: dict[str, Handler] = {
    "pause": _pause,
    "resume": _resume,
    "reduce": _reduce,
    "flatten": _flatten,
    "latch": _latch,
    "rearm": _rearm,
    "mode": set_mode,
    "hedge": open_hedge,
    "limits": _limits,
}
