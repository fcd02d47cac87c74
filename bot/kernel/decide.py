"""What strategies wish after a closed bar: sized intents with their stops."""

from collections.abc import Sequence

from bot.domain.orders import OrderDraft, OrderKind, PositionSide, Purpose, TimeInForce
from bot.domain.risk import HandMode, Refusal, RefusalReason
from bot.domain.strategy import Intent, Strategy
from bot.domain.units import NS_PER_DAY, ZERO
from bot.kernel import hand, ladder
from bot.kernel.desk import Desk
from bot.kernel.plan import EntryWish, Wish
from bot.kernel.sizing import Sized, entry_limit_price, is_flat, size_intent
from bot.kernel.snapshot import Market, Trade, leg_key
from bot.kernel.strategy.view import StrategyView


def trade(desk: Desk, market: Market, strategies: Sequence[Strategy]) -> list[Wish]:
    """Ask every strategy, by name, after a closed bar of one symbol."""
    if strategies and desk.policy.guard_on and _is_ruled(desk):
        follow(desk, market)
    wishes: list[Wish] = []
    sensed = desk.state.sensed.get(market.symbol)
    view = StrategyView(market, desk.policy, desk.state.now_ns, sensed)
    for strategy in strategies:
        if view.bars < strategy.warmup_bars or not all(map(view.has, strategy.needs)):
            continue
        key = f"{strategy.name}|{market.symbol}"
        memory = desk.state.memories.get(key)
        memory, intents = strategy.evaluate(
            view, memory if memory is not None else strategy.start()
        )
        desk.state.memories[key] = memory
        for intent in intents:
            wishes += _intent(desk, market, strategy.name, intent)
    return wishes


def _intent(desk: Desk, market: Market, name: str, intent: Intent) -> list[Wish]:
    state = desk.state
    if intent.signal_id in state.signals:
        return []
    state.signals[intent.signal_id] = state.now_ns
    _forget_signals(desk)
    decision_id = desk.record(
        "signal",
        intent.symbol,
        f"{name} wishes {intent.side.value} at {market.mark:.8g}, stop {intent.stop_price:.8g}, "
        f"target {intent.target_price:.8g}",
        intent.reason,
    )
    refusal, factor = _unwelcome(desk, intent)
    sized: Sized | Refusal = refusal or size_intent(
        state, desk.policy, market, intent, name, factor
    )
    if isinstance(sized, Refusal):
        desk.refuse(sized, f"{name} {intent.side.value}", decision_id)
        return []
    _tell_size(desk, intent, sized, decision_id)
    trade_plan = Trade(
        trade_id=decision_id,
        strategy=name,
        signal_id=intent.signal_id,
        symbol=intent.symbol,
        side=intent.side,
        stop_price=sized.stop_price,
        target_price=intent.target_price,
        planned_qty=sized.qty,
        risk_usd=sized.risk_usd,
        reason=intent.reason,
        opened_ns=state.now_ns,
        decision_id=decision_id,
        size_factor=factor,
        exits=intent.exits,
    )
    draft = OrderDraft(
        symbol=intent.symbol,
        side=intent.side.entry,
        position_side=intent.side,
        kind=OrderKind.LIMIT,
        purpose=Purpose.ENTRY,
        qty=sized.qty,
        price=entry_limit_price(desk.policy, market, intent.side.sign),
        time_in_force=TimeInForce.IOC,
        reason=f"{name}: {intent.reason} (size bound by {sized.binding}, {sized.reward_r:.2f} R)",
    )
    return [EntryWish(draft, sized.stop_price, trade_plan, decision_id)]


def _tell_size(desk: Desk, intent: Intent, sized: Sized, cause: str) -> None:
    """Write every cap beside the one that bound, and what had to be assumed."""
    smallest = sorted(sized.caps.items(), key=lambda cap: (cap[1], cap[0]))
    assumed = f"; assumed: {', '.join(sized.assumed)}" if sized.assumed else ""
    desk.record(
        "size",
        intent.symbol,
        f"{sized.qty} with a stop at {sized.stop_price:.8g}: the {sized.binding} cap binds",
        f"one coin loses {sized.unit_risk_usd:.8g} USD at the stop, all costs in{assumed}",
        measured=f"risk {sized.risk_usd:.2f} USD, {sized.reward_r:.2f} R",
        limit=", ".join(f"{name} {qty:.6g}" for name, qty in smallest),
        cause=cause,
    )


def _unwelcome(desk: Desk, intent: Intent) -> tuple[Refusal | None, float]:
    """Return why no new trade is wanted on this side at all, and which share of its size is."""
    symbol, side = intent.symbol, intent.side
    if not is_flat(desk.state, symbol):
        return Refusal(RefusalReason.ENTRY_PENDING, symbol, "position held", "flat"), 0.0
    if not desk.policy.guard_on:
        return None, 1.0
    if desk.state.latched:
        return Refusal(RefusalReason.LATCHED, symbol, desk.state.latch_reason, "re-armed"), 0.0
    mode = hand.mode_of(desk.state, desk.policy, symbol, side)
    if mode is not HandMode.NORMAL:
        said = f"{side.value} is in mode {mode.value}"
        return Refusal(RefusalReason.HAND_MODE, symbol, said, HandMode.NORMAL.value), 0.0
    verdict = ladder.before_entry(desk, symbol, side)
    return ladder.spoken(verdict, symbol), verdict.factor


def _is_ruled(desk: Desk) -> bool:
    """Whether any rule acts under the policy in force."""
    ladder.scopes(desk)
    return desk.ruled


def follow(desk: Desk, market: Market) -> None:
    """Judge both sides of a symbol on which strategies hold nothing, so that its ladder lives."""
    for side in PositionSide:
        leg = desk.state.legs.get(leg_key(market.symbol, side))
        if leg is None or leg.qty == ZERO:
            ladder.before_entry(desk, market.symbol, side)


def _forget_signals(desk: Desk) -> None:
    signals = desk.state.signals
    if len(signals) > 1_000:
        cut_ns = desk.state.now_ns - 7 * NS_PER_DAY
        desk.state.signals = {k: ns for k, ns in signals.items() if ns > cut_ns}
