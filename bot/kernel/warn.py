"""Warnings of a guard that may only speak, or cannot see: once an hour a leg."""

from collections.abc import Sequence

from bot.domain.instrument import Instrument
from bot.domain.risk import Demand, Severity
from bot.domain.units import NS_PER_H, ZERO
from bot.kernel import allowance, guard
from bot.kernel.desk import Desk
from bot.kernel.margin import APART_FRAC
from bot.kernel.snapshot import Market
from bot.kernel.view import LegView


def would_act(desk: Desk, view: LegView, demands: Sequence[Demand]) -> None:
    """Say once an hour what the guard would do, when it may only speak."""
    leg, now_ns = view.leg, desk.state.now_ns
    excess = view.qty - allowance.target_qty(view)
    wrong = [d for d in demands if d.exposure_factor < 1.0]
    if leg.alerted_ns and now_ns - leg.alerted_ns < NS_PER_H:
        return
    if not wrong and excess <= allowance.dead_band_qty(view) and leg.uncovered_since_ns == 0:
        return
    leg.alerted_ns = now_ns
    reasons = "; ".join(f"{d.rule}: {d.reason}" for d in wrong) or "exposure or stop"
    desk.notify(
        Severity.WARNING,
        "would_act",
        f"{leg.symbol}: not allowed to act. The guard would hold {allowance.target_qty(view):.6g} "
        f"instead of {leg.qty} with a stop at {guard.wanted_stop(view)} ({reasons}).",
        leg.symbol,
    )


def unmarked(desk: Desk) -> None:
    """Say once an hour which held leg has no price: its stop cannot follow the budget."""
    state = desk.state
    for leg in state.legs.values():
        if leg.qty == ZERO:
            continue
        market = state.markets.get(leg.symbol)
        known = market is not None and market.mark > 0.0
        if known or (leg.alerted_ns and state.now_ns - leg.alerted_ns < NS_PER_H):
            continue
        leg.alerted_ns = max(state.now_ns, 1)
        desk.notify(
            Severity.CRITICAL, "no_price",
            f"{leg.symbol}: {leg.side.value} {leg.qty} is held, but no price is known for it. It "
            "cannot be guarded by the budget; the coverage task keeps a stop if the venue gives "
            "a price.", leg.symbol,
        )  # fmt: skip


def liquidation_apart(desk: Desk, view: LegView) -> None:
    """Say once an hour that our liquidation price and the venue's differ; the nearer one counts."""
    apart, leg, now_ns = view.liq_apart_frac(), view.leg, desk.state.now_ns
    if apart is None or apart <= APART_FRAC:
        return
    if leg.liq_told_ns and now_ns - leg.liq_told_ns < NS_PER_H:
        return
    leg.liq_told_ns = max(now_ns, 1)
    ours, theirs = view.own_liq_price(), leg.venue_liq_price
    desk.record(
        "liquidation", leg.symbol, f"our liquidation price {ours:.8g}, the venue's {theirs:f}",
        "they differ; the nearer one to the mark counts", measured=f"{apart:.4f} of the mark",
        limit=f"{APART_FRAC:.4f}",
    )  # fmt: skip
    desk.notify(
        Severity.WARNING, "liquidation",
        f"{leg.symbol}: liquidation at {ours:.8g} by our arithmetic, at {theirs:f} by the venue's "
        f"word: {apart:.2%} of the mark apart. The nearer one counts; were the margin tiers "
        "changed, or margin added by hand?", leg.symbol,
    )  # fmt: skip


def contract_read(desk: Desk, market: Market, after: Instrument) -> None:
    """Take a contract as read now; say when its margin tiers changed (liquidation too)."""
    before, market.instrument, market.instrument_ns = market.instrument, after, desk.state.now_ns
    if before is None or before.tiers == after.tiers:
        return
    first = "none" if not after.tiers else f"{after.tiers[0].maint_frac:.4f} from the first dollar"
    desk.record(
        "tiers", after.symbol, "the venue changed the margin tiers", "read afresh",
        measured=f"{len(after.tiers)} tiers, {first}", limit=f"{len(before.tiers)} tiers before",
    )  # fmt: skip
    desk.notify(
        Severity.WARNING, "tiers",
        f"{after.symbol}: the venue changed the margin tiers; liquidation prices are judged anew.",
        after.symbol,
    )  # fmt: skip
