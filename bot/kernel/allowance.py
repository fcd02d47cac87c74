"""What the loss budget leaves of a leg, what may be bought back, and what margin is free for it."""

from bot.domain.policy import Policy
from bot.domain.risk import Enforce
from bot.domain.units import NS_PER_H, ZERO
from bot.kernel.snapshot import BotState, Leg
from bot.kernel.track import equity_usd
from bot.kernel.view import LegView, held

AFFORD_FRAC = 0.995
"""Of the free margin: the price moves on while an order is under way."""


def may_cut(state: BotState, policy: Policy) -> bool:
    """Return whether the guard may make positions smaller on this account."""
    return policy.guard_on and policy.guard.enforce is Enforce.FULL and not state.read_only


def wanted_qty(view: LegView) -> float:
    """Return what the owner wants of a leg: the user's quantity, or the strategy's entry."""
    leg = view.leg
    if leg.foreign:
        return float(leg.user_qty)
    if leg.trade is not None and leg.trade.entry_qty > ZERO:
        return float(leg.trade.entry_qty)
    return view.qty


def volatility_factor(state: BotState, policy: Policy) -> float:
    """Return the share of the user's quantities that sigma_target and the region allow.

    Legs count as fully correlated.
    """
    at_risk = gross = 0.0
    for view in held(state, policy):
        notional = wanted_qty(view) * view.mark
        gross += notional
        at_risk += notional * view.sigma
    if at_risk <= 0.0:
        return 1.0
    equity = max(equity_usd(state), 0.0)
    by_region = policy.limits.leverage_max * equity / gross
    return min(1.0, policy.guard.sigma_target * equity / at_risk, by_region)


def target_qty(view: LegView) -> float:
    """Return how much of a leg the loss budget allows, in coins; never above the user's."""
    return wanted_qty(view) * volatility_factor(view.state, view.policy)


def dead_band_qty(view: LegView) -> float:
    """Return the change that is not worth an order."""
    return view.policy.guard.dead_band_frac * wanted_qty(view)


def held_again_qty(view: LegView) -> float:
    """Return the size of a leg once no rule asks for less, in coins.

    That is what the loss budget leaves of the user's quantity; where it may not cut, all of it.
    """
    full = float(view.leg.user_qty)
    if may_cut(view.state, view.policy) and not view.own:
        full = min(full, target_qty(view))
    return max(full, view.qty)


def back_qty(view: LegView, target: float) -> float:
    """Return how much of a leg is missing and worth an order, in coins; 0.0 inside the dead band.

    What rules cut is measured by what the loss budget had left, not by all the owner opened: at
    10x a tenth of that is as much as the whole account.
    """
    missing = target - view.qty
    if missing > dead_band_qty(view):
        return missing
    ruled = min(target, float(view.leg.ruled_qty))
    taken = ruled - view.qty
    return taken if taken > view.policy.guard.dead_band_frac * ruled else 0.0


def relever_qty(view: LegView, target: float) -> float:
    """Return how much may be bought back now, in coins; 0.0 when it must wait."""
    guard, leg, now_ns = view.policy.guard, view.leg, view.state.now_ns
    if not guard.relever or not leg.foreign or leg.last_cut_ns == 0:
        return 0.0
    missing = back_qty(view, target)
    if missing <= 0.0 or now_ns - leg.last_cut_ns < guard.relever_wait_ns:
        return 0.0
    if now_ns - leg.last_relever_ns < NS_PER_H:
        return 0.0
    wanted = min(missing, guard.relever_step_frac * float(leg.user_qty))
    affordable = affordable_qty(view)
    if affordable is None or affordable >= wanted:
        return wanted
    return affordable if back_qty(view, view.qty + affordable) > 0.0 else 0.0


def free_usd(state: BotState, policy: Policy) -> float | None:
    """Return the margin that neither isolated legs nor cross ones hold, USD; None: not known.

    An unrealised gain of an isolated leg is not free.
    """
    free = float(state.wallet_usd)
    for other in held(state, policy):
        leg, own = other.leg, other.leg.isolated_margin_usd
        times = _leverage(state, leg)
        if own is not None and own > ZERO:
            free -= float(own)
        elif times is None:
            return None
        else:
            free += other.upnl_usd - other.notional_usd / times
    return free


def affordable_qty(view: LegView) -> float | None:
    """Return how many coins the free margin buys at the leg's leverage; None: not known."""
    instrument = view.market.instrument
    free, times = free_usd(view.state, view.policy), _leverage(view.state, view.leg)
    if free is None or times is None or instrument is None:
        return None
    each_usd = view.mark * (1.0 / times + instrument.taker_fee_frac)
    return max(AFFORD_FRAC * free / each_usd, 0.0)


def returnable_usd(view: LegView) -> float:
    """Return what our own cuts released of a leg's margin and is still free to go back, USD.

    What a cut lost came out of what it released: that part is gone.
    """
    released = float(view.leg.released_usd)
    if released <= 0.0:
        return 0.0
    free = free_usd(view.state, view.policy)
    return released if free is None else min(released, max(free, 0.0))


def _leverage(state: BotState, leg: Leg) -> float | None:
    """Return the leverage that is set for a leg; None while unknown."""
    return leg.leverage or state.leverages.get(leg.symbol)
