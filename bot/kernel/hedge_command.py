"""The command `hedge`: hold the opposite of what an account holds whose venue is silent."""

from decimal import Decimal

from bot.domain.messages import Command
from bot.domain.orders import OrderDraft, OrderKind, PositionSide, Purpose, TimeInForce
from bot.domain.risk import Refusal, Severity
from bot.domain.units import ZERO
from bot.kernel import gate, hand, ladder
from bot.kernel.desk import Desk
from bot.kernel.plan import EntryWish, Wish
from bot.kernel.sizing import entry_limit_price, is_flat
from bot.kernel.snapshot import Market, Trade

STRATEGY = "hedge"
WHO = "accounts"
"""Whoever looks at all accounts of a process; no person gives this order."""
SIDES = {side.value: side for side in PositionSide}
HALVINGS = 3
"""So often the quantity is halved when the gate does not allow all of it."""
STOP_MAX_FRAC = 0.2
TARGET_FRAC = 0.4
"""Out of the way: a hedge ends when it is not needed, or by its stop."""


def open_hedge(desk: Desk, command: Command) -> tuple[bool, str, list[Wish]]:
    """Open a position with its stop, as much of it as the gate allows; it passes every check.

    Arguments: symbol, side (long, short), qty in the asset, stop_frac of the mark.
    """
    args = command.args
    symbol, side = args.get("symbol", ""), SIDES.get(args.get("side", "").upper())
    qty = hand.read_price(args.get("qty", ""))
    stop_frac = hand.read_price(args.get("stop_frac", ""))
    market = desk.state.markets.get(symbol)
    if command.operator != WHO:
        return False, "hedges are opened by the house alone: see accounts.hedge_after_s", []
    if side is None or qty is None or stop_frac is None or stop_frac > STOP_MAX_FRAC:
        return False, "hedge needs side, qty, and a stop_frac of at most 0.2", []
    if market is None or market.instrument is None or market.mark <= 0.0:
        return False, f"{symbol[:40]}: contract or price is not known", []
    if not is_flat(desk.state, symbol):
        return False, f"{symbol}: a position is held here", []
    if not desk.policy.guard_on:
        return False, "nothing is guarded here", []
    refusal: Refusal | None = None
    for halved in range(HALVINGS + 1):
        lots = market.instrument.qty_down(Decimal(repr(qty)) / 2**halved)
        if lots <= ZERO:
            break
        wish = _wish(desk, market, side, lots, stop_frac, command)
        refusal = gate.judge_entry(desk, wish.draft, wish.stop_price)
        refusal = refusal or ladder.refusal(desk, wish.draft, own=True)
        if refusal is None:
            text = f"hedging {lots} of {qty:g} {symbol} {side.value}: {args.get('reason', '')}"
            desk.notify(Severity.WARNING, "hedge", f"{text}.", symbol)
            return True, text, [wish]
    if refusal is None:
        return False, f"{symbol}: {qty:g} is under one lot", []
    return False, f"{refusal.reason.value}: {refusal.measured}, limit {refusal.limit}", []


def _wish(
    desk: Desk, market: Market, side: PositionSide, qty: Decimal, stop_frac: float, command: Command
) -> EntryWish:
    sign, mark = side.sign, market.mark
    stop = mark * (1.0 - sign * stop_frac)
    why = command.args.get("reason", "")[:160] or "another account cannot be reached"
    trade = Trade(
        trade_id=command.command_id,
        strategy=STRATEGY,
        signal_id=command.command_id,
        symbol=market.symbol,
        side=side,
        stop_price=stop,
        target_price=mark * (1.0 + sign * TARGET_FRAC),
        planned_qty=qty,
        risk_usd=float(qty) * abs(mark - stop),
        reason=why,
        opened_ns=desk.state.now_ns,
        decision_id=command.command_id,
    )
    draft = OrderDraft(
        symbol=market.symbol,
        side=side.entry,
        position_side=side,
        kind=OrderKind.LIMIT,
        purpose=Purpose.ENTRY,
        qty=qty,
        price=entry_limit_price(desk.policy, market, sign),
        time_in_force=TimeInForce.IOC,
        reason=f"{STRATEGY}: {why}",
    )
    return EntryWish(draft, stop, trade, command.command_id)
