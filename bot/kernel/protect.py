"""What protection wishes: a stop for every leg, exposure inside the budget, rules obeyed."""

from decimal import Decimal

from bot.domain.orders import OrderDraft, OrderKind, OrderStatus, Purpose
from bot.domain.risk import Demand, Enforce, HandMode, Severity, TradingMode
from bot.domain.units import NS_PER_S, ZERO
from bot.kernel import allowance, guard, hand, ladder, warn
from bot.kernel.cuts import slices
from bot.kernel.cuts.enough import kept_qty
from bot.kernel.desk import Desk
from bot.kernel.exits import bare, time_stop
from bot.kernel.exits.targets import target_wishes
from bot.kernel.plan import (
    FIRING_NS,
    CancelWish,
    EntryWish,
    ReduceWish,
    Wish,
    cut_draft,
    cut_qty,
    give_back,
    is_covered,
    is_dust,
    one_order,
    stop_wishes,
    stops_of,
)
from bot.kernel.snapshot import Leg
from bot.kernel.stops import at_close
from bot.kernel.track import equity_usd, live_orders
from bot.kernel.view import LegView, held

FLATTEN = Purpose.FLATTEN
REDUCING = (Purpose.CUT, FLATTEN)
LAST_STOP_FRAC = 0.005
"""Where a stop goes when the budget is used up and the guard may not close: just off the mark."""


def protect(desk: Desk, symbol: str, *, at_bar: bool, on_change: bool) -> list[Wish]:
    """Return what protection wants of the held legs of `symbol` ("" for all) now.

    On a plain price change only the rules speak; stops are re-priced and exposure is set when a
    bar has closed or a quantity has changed.
    """
    equity = guard.touch_equity(desk)
    if not desk.policy.guard_on:
        own = [view for view in held(desk.state, desk.policy, symbol) if view.own]
        return [
            wish
            for view in own
            for wish in bare.exit_wishes(desk, view, at_bar=at_bar, on_change=on_change)
        ]
    warn.unmarked(desk)
    through = guard.is_through_floor(desk.state, desk.policy, equity)
    if (through or desk.state.latched) and _may_cut(desk):
        views = held(desk.state, desk.policy)
        if through and views:
            guard.latch(desk, "")
        why = "equity under the floor" if through else "latched: stays flat"
        return [wish for view in views for wish in close_leg(desk, view, why)]
    wishes: list[Wish] = []
    for view in held(desk.state, desk.policy, symbol):
        if at_bar:
            at_close.follow(desk, view)
            at_close.tell_flaws(desk, view)
            warn.liquidation_apart(desk, view)
        wishes += _protect_leg(desk, view, at_bar=at_bar, on_change=on_change)
    return wishes


def _may_cut(desk: Desk) -> bool:
    return desk.policy.guard.enforce is Enforce.FULL and not desk.state.read_only


def _protect_leg(desk: Desk, view: LegView, *, at_bar: bool, on_change: bool) -> list[Wish]:
    leg = view.leg
    covered = is_covered(desk, leg)
    if covered:
        leg.uncovered_since_ns = 0
    elif leg.uncovered_since_ns == 0:
        leg.uncovered_since_ns = desk.state.now_ns
    verdict = ladder.judge(desk, view)
    if desk.policy.guard.enforce is Enforce.ALERT or desk.state.read_only:
        warn.would_act(desk, view, verdict.demands)
        return []
    if verdict.withheld:
        warn.would_act(desk, view, verdict.withheld)
    if hand.mode_of(desk.state, desk.policy, leg.symbol, leg.side) is HandMode.PANIC:
        return close_leg(desk, view, "mode panic")
    wishes = _cover(desk, view, covered=covered, at_bar=at_bar, on_change=on_change)
    if wishes is None:
        return close_leg(desk, view, "its stop would trigger at once")
    if (at_bar or on_change) and covered and _may_send(desk, leg, Purpose.TARGET):
        wishes += target_wishes(desk, view, exact=at_bar)
    if at_bar and _may_cut(desk) and time_stop.is_over(view) and _may_send(desk, leg, FLATTEN):
        return [*wishes, *time_stop.leave(desk, view)]
    if _may_cut(desk):
        wishes += _resize(desk, view, verdict, covered=covered, at_bar=at_bar, on_change=on_change)
    return wishes


def _cover(
    desk: Desk, view: LegView, *, covered: bool, at_bar: bool, on_change: bool
) -> list[Wish] | None:
    """Return what keeps the leg's stop where it belongs; None: it belongs beyond the mark."""
    leg = view.leg
    wishes: list[Wish] = []
    if at_bar or on_change or not covered:
        price = _stop_price(view)
        if price is None and view.market.instrument is not None and _may_cut(desk):
            return None
        price = price or _last_stop(view)
        if price is None:
            return []
        if _may_send(desk, leg, Purpose.STOP):
            wishes += stop_wishes(desk, view, price, exact=at_bar, cause=_cause(leg))
        may_lack = (at_bar or on_change) and covered and leg.released_usd > ZERO
        aim = guard.nearest_stop_price(view) if may_lack else None
        margin = give_back(view, aim) if aim is not None else None
        if margin is not None:
            wishes.append(margin)
    elif len(stops_of(desk, leg)) > 1 and (price := guard.wanted_stop(view)) is not None:
        spares = stop_wishes(desk, view, price, exact=False, cause="")
        wishes += [wish for wish in spares if isinstance(wish, CancelWish)]
    return wishes


def _stop_price(view: LegView) -> Decimal | None:
    """Return the wanted trigger when it lies on the loss side of the mark; None: close now."""
    price = guard.wanted_stop(view)
    if price is None or view.leg.side.sign * (view.mark - float(price)) <= 0.0:
        return None
    return price


def _last_stop(view: LegView) -> Decimal | None:
    """Return a trigger just off the mark, for a guard that may not close; None: no contract."""
    instrument = view.market.instrument
    if instrument is None:
        return None
    price = view.mark * (1.0 - view.leg.side.sign * LAST_STOP_FRAC)
    return instrument.stop_price_away(Decimal(repr(price)), view.leg.side)


def _cause(leg: Leg) -> str:
    return leg.trade.decision_id if leg.trade is not None else ""


def _resize(
    desk: Desk,
    view: LegView,
    verdict: ladder.Verdict,
    *,
    covered: bool,
    at_bar: bool,
    on_change: bool,
) -> list[Wish]:
    leg, instrument = view.leg, view.market.instrument
    factor = verdict.factor
    now = at_bar or on_change or any(demand.size_first for demand in verdict.demands)
    if factor >= 1.0 and not now and leg.plan is None:
        return []
    memory = ladder.ladder_of(desk.state, view)
    if instrument is None or _is_reducing(desk, leg) or not _may_send(desk, leg, Purpose.CUT):
        return []
    if is_dust(instrument, leg):
        return []
    if leg.plan is not None and factor > 0.0:
        slice_ = slices.pursue(view)
        if leg.plan is not None:
            return [slice_] if slice_ is not None else []
    allowed = allowance.target_qty(view)
    target = min(allowed, allowance.wanted_qty(view)) * _share(leg, factor)
    if factor < 1.0 and factor < memory.reached:
        enough = kept_qty(view, verdict.worst)
        target = target if enough is None else min(target, enough)
    excess = view.qty - target
    near = max(float(instrument.lot), desk.policy.guard.dead_band_frac * target)
    if excess <= near:
        memory.reached = min(memory.reached, factor)
    ruled = factor <= 0.0 or (factor < memory.reached and excess > near)
    sized = now and excess > allowance.dead_band_qty(view)
    patient = covered or desk.state.now_ns - leg.uncovered_since_ns > 2 * NS_PER_S
    if (ruled or sized) and patient and _may_act(desk, leg, factor):
        _keep_what_was_left(leg, allowed, factor)
        return _cut(desk, view, target, verdict.worst if factor < 1.0 else None)
    shut = hand.mode_of(desk.state, desk.policy, leg.symbol, leg.side) is not HandMode.NORMAL
    if shut:
        return []
    if at_bar and covered and not verdict.blocked and desk.state.mode is TradingMode.ACTIVE:
        return _relever(desk, view, target)
    return []


def _keep_what_was_left(leg: Leg, allowed: float, factor: float) -> None:
    """Remember what the budget had left when rules began to cut; its own cut begins anew."""
    if factor >= 1.0:
        leg.ruled_qty = ZERO
    elif leg.foreign and leg.ruled_qty == ZERO:
        leg.ruled_qty = min(leg.qty, Decimal(repr(allowed)))


def _share(leg: Leg, factor: float) -> float:
    """Return what is left of a leg at a factor; a trade opened small was made smaller already."""
    opened = leg.trade.size_factor if leg.trade is not None and not leg.foreign else 1.0
    return min(factor / opened, 1.0) if opened > 0.0 else factor


def _is_reducing(desk: Desk, leg: Leg) -> bool:
    """Whether a cut of ours is still under way on a leg."""
    return any(o.purpose in REDUCING for o in live_orders(desk, leg.symbol, leg.side))


def _may_send(desk: Desk, leg: Leg, purpose: Purpose) -> bool:
    """Whether refusals of this kind of order do not ask for patience."""
    waits = leg.wait_until_ns
    if not waits:
        return True
    if purpose in REDUCING:
        until = max(waits.get(Purpose.CUT.value, 0), waits.get(Purpose.FLATTEN.value, 0))
    else:
        until = waits.get(purpose.value, 0)
    return desk.state.now_ns >= until


def _may_act(desk: Desk, leg: Leg, factor: float) -> bool:
    """One action a minute a leg; closing altogether never waits."""
    gap_ns = int(desk.policy.rules.action_gap_s * NS_PER_S)
    return factor <= 0.0 or desk.state.now_ns - leg.action_ns >= gap_ns or leg.action_ns == 0


def _cut(desk: Desk, view: LegView, target: float, worst: Demand | None) -> list[Wish]:
    leg, instrument = view.leg, view.market.instrument
    if instrument is None:
        return []
    qty = cut_qty(instrument, leg, target)
    if qty <= ZERO:
        return []
    if worst is not None:
        why, measured, limit = worst.reason, ladder.shown(worst.measured), ladder.shown(worst.limit)
        kind = worst.rule
    else:
        kind, why = "loss_budget", "exposure above what the loss budget allows at this volatility"
        equity = max(equity_usd(desk.state), 1e-9)
        measured = f"{view.notional_usd / equity:.2f}x at sigma {view.sigma:.2f}"
        limit = f"{target * view.mark / equity:.2f}x"
    desk.state.books.actions += 1
    leg.action_ns = leg.last_cut_ns = desk.state.now_ns
    decision_id = desk.record(
        "cut",
        leg.symbol,
        f"cut {leg.side.value} from {leg.qty} to {leg.qty - qty} at {view.mark:.8g}",
        f"{kind}: {why}",
        measured=measured,
        limit=limit,
        cause=_cause(leg),
    )
    desk.notify(
        Severity.WARNING,
        "cut",
        f"{leg.symbol}: cutting {leg.side.value} by {qty} to {leg.qty - qty} at {view.mark:.8g}: "
        f"{why} ({measured}, limit {limit}).",
        leg.symbol,
    )
    if qty < leg.qty:
        first = slices.begin(view, qty, f"{kind}: {why}", decision_id)
        return [first] if first is not None else []
    leg.plan = None
    part = one_order(instrument, qty)
    if part < qty:
        leg.action_ns = 0
    return [ReduceWish(cut_draft(leg, part, Purpose.FLATTEN, f"{kind}: {why}"), decision_id)]


def close_leg(desk: Desk, view: LegView, why: str) -> list[Wish]:
    """Close a whole leg at market, unless that is already under way."""
    leg = view.leg
    if _is_reducing(desk, leg) or not _may_cut(desk) or _stop_is_due(desk, view):
        return []
    if view.market.instrument is not None and is_dust(view.market.instrument, leg):
        return stop_wishes(desk, view, Decimal(repr(view.mark)), exact=False, cause=_cause(leg))
    if not _may_send(desk, leg, Purpose.FLATTEN):
        return []
    leg.plan = None
    desk.state.books.actions += 1
    leg.action_ns = leg.last_cut_ns = desk.state.now_ns
    decision_id = desk.record(
        "flatten", leg.symbol, f"close {leg.side.value} {leg.qty} at {view.mark:.8g}", why
    )
    desk.notify(
        Severity.CRITICAL, "flatten", f"{leg.symbol}: closing {leg.side.value} {leg.qty}: {why}.",
        leg.symbol,
    )  # fmt: skip
    instrument = view.market.instrument
    part = one_order(instrument, leg.qty) if instrument is not None else leg.qty
    return [ReduceWish(cut_draft(leg, part, Purpose.FLATTEN, why), decision_id)]


def _stop_is_due(desk: Desk, view: LegView) -> bool:
    """Whether a stop of ours that the mark has passed is about to fill and close the leg."""
    leg = view.leg
    passed = any(
        stop.trigger_price is not None
        and stop.remaining_qty >= leg.qty
        and stop.status in (OrderStatus.WORKING, OrderStatus.TRIGGERING)
        and leg.side.sign * (view.mark - float(stop.trigger_price)) <= 0.0
        for stop in stops_of(desk, leg)
    )
    if not passed:
        leg.through_ns = 0
        return False
    leg.through_ns = leg.through_ns or max(desk.state.now_ns, 1)
    return desk.state.now_ns - leg.through_ns < FIRING_NS


def _relever(desk: Desk, view: LegView, target: float) -> list[Wish]:
    leg, instrument = view.leg, view.market.instrument
    wanted = allowance.relever_qty(view, target)
    allowed_symbol = leg.symbol in desk.policy.limits.symbols
    if wanted <= 0.0 or instrument is None or desk.state.latched or not allowed_symbol:
        return []
    if not _may_send(desk, leg, Purpose.ENTRY):
        return []
    qty = instrument.qty_down(Decimal(repr(wanted)))
    price = guard.wanted_stop(view)
    if price is None or not instrument.is_tradable_qty(qty, Decimal(repr(view.mark))):
        return []
    leg.last_relever_ns = desk.state.now_ns
    decision_id = desk.record(
        "relever",
        leg.symbol,
        f"buy back {qty} of the user's {leg.user_qty} at {view.mark:.8g}",
        "volatility allows more and no cut for the waiting time",
        measured=f"holds {leg.qty}",
        limit=f"allowed {target:.8g}",
    )
    draft = OrderDraft(
        symbol=leg.symbol,
        side=leg.side.entry,
        position_side=leg.side,
        kind=OrderKind.MARKET,
        purpose=Purpose.ENTRY,
        qty=qty,
        reason="re-lever toward the user's quantity",
    )
    return [EntryWish(draft, float(price), None, decision_id)]
