"""The orders of a cut: reduce-only, immediate or cancelled, in a band that widens, then market.

What a slice did not get is tried again in a wider band at once; what the market takes in a minute
is not exceeded. Each slice reads the position anew. Closing a leg whole is no cut: it goes to the
market straight away.
"""

import math
from decimal import Decimal

from bot.domain.orders import OrderDraft, OrderKind, Purpose, TimeInForce
from bot.domain.units import NS_PER_MIN, NS_PER_S, ZERO
from bot.kernel.plan import ReduceWish, cut_draft, one_order
from bot.kernel.snapshot import CutPlan
from bot.kernel.view import LegView

BANDS = (0.0005, 0.001, 0.003)
"""How far from the mark the tries may fill; the last one no further than a quarter of a minute's
range where that is larger."""
PATIENCE_NS = 10 * NS_PER_S
"""So long after a slice left unfilled the rest goes to the market, whatever was tried."""
SETTLE_NS = 2 * NS_PER_S
PLAN_MAX_NS = 30 * NS_PER_MIN
SHARE_OF_MINUTE = 0.10
HOUR_MINUTES = 60
BARS_READ = 12


def begin(view: LegView, qty: Decimal, reason: str, decision_id: str) -> ReduceWish | None:
    """Start a plan that closes `qty` of a leg; return its first slice."""
    leg, now_ns = view.leg, view.state.now_ns
    leg.plan = CutPlan(
        target_qty=leg.qty - qty, reason=reason, decision_id=decision_id, began_ns=now_ns,
        moved_ns=now_ns, before_qty=leg.qty,
    )  # fmt: skip
    return pursue(view)


def is_over(view: LegView) -> bool:
    """Whether nothing is left to do under the leg's plan, or it is too old to be believed."""
    plan = view.leg.plan
    if plan is None:
        return True
    return view.leg.qty <= plan.target_qty or view.state.now_ns - plan.began_ns > PLAN_MAX_NS


def pursue(view: LegView) -> ReduceWish | None:
    """Return the next slice of the leg's plan; None: it is done, or waits for its minute."""
    leg, instrument, now_ns = view.leg, view.market.instrument, view.state.now_ns
    plan = leg.plan
    if plan is None or instrument is None or is_over(view):
        leg.plan = None
        return None
    if plan.sent_qty > ZERO:
        if not _is_told(view, plan):
            return None
        got = plan.before_qty - leg.qty
        if got < plan.sent_qty:
            plan.tries += 1
        else:
            plan.tries, plan.moved_ns = 0, now_ns
            if now_ns - plan.sent_ns < NS_PER_MIN and plan.paced:
                return None
    child = _child_qty(view, leg.qty - plan.target_qty)
    plan.paced = child < leg.qty - plan.target_qty
    plan.before_qty, plan.sent_qty, plan.sent_ns = leg.qty, child, now_ns
    return ReduceWish(_draft(view, child, plan), plan.decision_id)


def _is_told(view: LegView, plan: CutPlan) -> bool:
    """Whether the position shows what the newest slice filled: orders and fills come apart.

    An order may be told ended before its fills are; another slice would then be cut from what is
    gone already.
    """
    leg, state = view.leg, view.state
    last = max(
        (
            order
            for order in state.orders.values()
            if order.purpose is Purpose.CUT
            and order.symbol == leg.symbol
            and order.position_side is leg.side
            and order.sent_ns >= plan.began_ns
        ),
        key=lambda order: order.sent_ns,
        default=None,
    )
    if last is None or plan.before_qty - leg.qty >= last.filled_qty:
        return True
    later = max(leg.position_ns, leg.fill_ns) > last.event_ns
    return later and state.now_ns - plan.sent_ns > SETTLE_NS


def _draft(view: LegView, qty: Decimal, plan: CutPlan) -> OrderDraft:
    """Return a slice within the band of this try; past the last band or in haste, at market."""
    leg, instrument = view.leg, view.market.instrument
    late = view.state.now_ns - plan.moved_ns > PATIENCE_NS
    if instrument is None or late or plan.tries >= len(BANDS):
        return cut_draft(leg, qty, Purpose.CUT, plan.reason)
    price = Decimal(repr(view.mark * (1.0 - leg.side.sign * band_frac(view, plan.tries))))
    return OrderDraft(
        symbol=leg.symbol,
        side=leg.side.exit,
        position_side=leg.side,
        kind=OrderKind.LIMIT,
        purpose=Purpose.CUT,
        qty=qty,
        price=instrument.stop_price_away(price, leg.side),
        time_in_force=TimeInForce.IOC,
        reason=plan.reason,
    )


def band_frac(view: LegView, tries: int) -> float:
    """Return how far from the mark a try may fill: never less than the try before it."""
    band = BANDS[tries]
    if tries < len(BANDS) - 1 or view.market.atr_1h_count == 0 or view.mark <= 0.0:
        return band
    minute = view.market.atr_1h / math.sqrt(HOUR_MINUTES) / view.mark
    return max(min(band, 0.25 * minute), BANDS[-2])


def _child_qty(view: LegView, wanted: Decimal) -> Decimal:
    """Return how much of `wanted` goes now: a tenth of a minute's trade, all while not known."""
    instrument = view.market.instrument
    if instrument is None:
        return wanted
    bars = view.market.bars[-BARS_READ:]
    whole = one_order(instrument, wanted)
    if not bars:
        return whole
    minutes = len(bars) * view.policy.bar_s / 60.0
    minute = sum(bar.volume for bar in bars) / minutes
    most = instrument.qty_down(Decimal(repr(SHARE_OF_MINUTE * minute)))
    if most < instrument.qty_min or wanted - most < instrument.qty_min:
        return whole if most >= instrument.qty_min else min(whole, _least(view))
    return min(whole, most)


def _least(view: LegView) -> Decimal:
    """Return the smallest order the contract takes at this mark."""
    instrument = view.market.instrument
    if instrument is None:
        return ZERO
    by_notional = instrument.notional_min_usd / Decimal(repr(view.mark))
    return max(instrument.qty_min, instrument.qty_down(by_notional) + instrument.lot)
