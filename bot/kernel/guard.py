"""The loss budget: peak, floor stop and latch; what it leaves of a leg says `allowance`.

The owner names the share of equity they can bear to lose from the peak. The floor stop rests where
closing everything leaves (1 - floor) of that peak; exposure is capped at sigma_target / sigma.
"""

from decimal import Decimal

from bot.domain.policy import Policy
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_DAY, NS_PER_S, ZERO
from bot.kernel.desk import Desk
from bot.kernel.observe.flows import FundingDue, funding_due
from bot.kernel.snapshot import BotState
from bot.kernel.stops.placement import nudged
from bot.kernel.track import agrees, equity_usd, settled
from bot.kernel.view import LegView, held, own_open_usd

CLOSE_SLIP_FRAC = 0.0005
FLOOR_TOLERANCE_FRAC = 0.002
LATCH_TOLERANCE_FRAC = 0.01
JUMP_FRAC = 0.005
TRUSTED_NS = 60 * NS_PER_S
LIQ_SHARE_MAX = 0.8
"""A stop never lies further than this share of the way to liquidation."""


def touch_equity(desk: Desk) -> float | None:
    """Raise the peak, roll the day and week starts, latch when flat; return equity in USD.

    None while wallet and positions do not tell of the same instant. A wallet change without a
    known reason is left out and moves no anchor; a leg without a mark counts at its entry and
    leaves the peak alone.
    """
    state = desk.state
    if not settled(state) or state.wallet_ns == 0:
        return None
    equity, is_marked, is_flat = _stock(state)
    anchors = state.anchors
    if is_unexplained(state):
        return equity - state.unexplained_usd
    if not is_marked:
        anchors.high_water_usd = anchors.high_water_usd or equity
        return equity
    peak = anchors.high_water_usd
    if peak == 0.0 or (equity > peak and _stood(state)):
        anchors.high_water_usd = max(peak, equity)
    day = state.now_ns // NS_PER_DAY
    if day != anchors.day:
        anchors.day, anchors.day_start_usd, anchors.own_day_usd = day, equity, 0.0
        anchors.own_open_day_usd = own_open_usd(state, desk.policy)
    week = (day + 3) // 7
    if week != anchors.week:
        anchors.week, anchors.week_start_usd, anchors.own_week_usd = week, equity, 0.0
        anchors.own_open_week_usd = own_open_usd(state, desk.policy)
    if is_flat and desk.policy.guard_on and is_spent(state, desk.policy, equity):
        latch(desk, "")
    return equity


def _stood(state: BotState) -> bool:
    """Whether equity stood for a moment without news of trades: only such a peak is believed.

    Two legs closed in one instant are told one after the other under the same venue time.
    """
    quiet_ns = state.now_ns - max(state.fill_seen_ns, state.traded_wallet_seen_ns)
    return quiet_ns > TRUSTED_NS or (quiet_ns >= NS_PER_S and agrees(state))


def is_unexplained(state: BotState) -> bool:
    """Whether the wallet jumped without a fill, fee, funding or transfer that explains it."""
    if state.unexplained_ns <= 0:
        return False
    return abs(state.unexplained_usd) >= JUMP_FRAC * max(state.anchors.high_water_usd, 1.0)


def _stock(state: BotState) -> tuple[float, bool, bool]:
    """Return equity as `track.equity_usd` does, whether every held leg has a mark, whether none is.

    Without a mark equity would be a guess.
    """
    equity, is_marked, is_flat = float(state.wallet_usd), True, True
    for leg in state.legs.values():
        if leg.qty <= ZERO:
            is_flat = is_flat and leg.qty == ZERO
            continue
        is_flat = False
        market = state.markets.get(leg.symbol)
        if market is not None and market.mark > 0.0:
            gain = market.mark - float(leg.entry_price)
            equity += leg.side.sign * float(leg.qty) * gain
        else:
            is_marked = False
    return equity, is_marked, is_flat


def is_spent(state: BotState, policy: Policy, equity: float) -> bool:
    """Whether too little of the budget is left at an equity to hold anything with."""
    limit, peak = policy.guard.floor_frac - LATCH_TOLERANCE_FRAC, state.anchors.high_water_usd
    return peak > 0.0 and 1.0 - equity / peak >= limit


def drawdown_frac(state: BotState) -> float:
    """Return the fall of equity from its peak; 0.0 before there is a peak."""
    peak = state.anchors.high_water_usd
    return 1.0 - equity_usd(state) / peak if peak > 0.0 else 0.0


def floor_usd(state: BotState, policy: Policy) -> float:
    """Return the equity that the floor stops defend."""
    return (1.0 - policy.guard.floor_frac) * state.anchors.high_water_usd


def is_through_floor(state: BotState, policy: Policy, equity: float | None) -> bool:
    """Whether equity (None: not settled) lies under the floor while something is still held."""
    limit = policy.guard.floor_frac + FLOOR_TOLERANCE_FRAC
    return equity is not None and equity <= (1.0 - limit) * state.anchors.high_water_usd


def latch(desk: Desk, cause: str, why: str = "loss budget used") -> None:
    """After the floor: flat, and no new risk until the operator re-arms."""
    state = desk.state
    if state.latched:
        return
    state.latched = True
    lost = drawdown_frac(state)
    state.latch_reason = f"{why}: equity {lost:.1%} under its peak"
    desk.record(
        "latch",
        "",
        "HALTED: no new risk until re-armed",
        why,
        measured=f"drawdown {lost:.4f}",
        limit=f"floor {desk.policy.guard.floor_frac:.4f}",
        cause=cause,
    )
    desk.notify(
        Severity.CRITICAL,
        "latch",
        f"{state.latch_reason}. Everything is closed and stays closed; `breakwater rearm` sets a "
        "new peak at today's equity when you decide to go on.",
    )


def floor_was_hit(state: BotState, policy: Policy) -> bool:
    """Whether what is left of the budget is too little to hold anything with."""
    return is_spent(state, policy, equity_usd(state))


def floor_stop_price(view: LegView) -> float | None:
    """Return where closing this leg uses up its share of the budget; None: already used up.

    The distance limit is kept; liquidation is not looked at (see `wanted_stop`).

    Several legs share what is left by notional times volatility, so that all stops filling
    together respect the floor. Funding that is due within the hour (or may be, while no rate is
    known) is spent already: a long pays it at the mark at most, a short at the stop.
    """
    state, policy = view.state, view.policy
    budget = (equity_usd(state) - floor_usd(state, policy)) * _share(view)
    instrument = view.market.instrument
    fee = instrument.taker_fee_frac if instrument is not None else 0.0
    cost = fee + CLOSE_SLIP_FRAC
    sign = view.leg.side.sign
    due = due_funding(view).frac
    if sign > 0:
        budget -= due * view.notional_usd
    else:
        cost += due
    if budget <= 0.0:
        return None
    price = (view.mark * view.qty - sign * budget) / (view.qty * (1.0 - sign * cost))
    limit = policy.guard.stop_distance_max_frac * view.mark
    return view.mark - sign * min(sign * (view.mark - price), limit)


def _share(view: LegView) -> float:
    """Return the part of what is left of the budget that a leg has; a leg alone has all of it."""
    state = view.state
    others = [leg for leg in state.legs.values() if leg.qty > ZERO and leg is not view.leg]
    if not others:
        return 1.0
    legs = held(state, view.policy)
    weights = {id_of(leg): leg.notional_usd * leg.sigma for leg in legs}
    total = sum(weights.values())
    return weights[id_of(view)] / total if total > 0.0 else 1.0


def due_funding(view: LegView) -> FundingDue:
    """Return the funding that a leg's floor stop takes for spent, and how well it is known."""
    assumed = view.policy.sizing.funding_assumed_frac
    return funding_due(view.market, view.state.now_ns, view.leg.side.sign, assumed)


def nearest_stop_price(view: LegView) -> float | None:
    """Return floor stop or trade stop, whichever is nearer the market; None: budget used up."""
    floor = floor_stop_price(view)
    trade = view.leg.trade
    if floor is None or trade is None:
        return floor
    pick = max if view.leg.side.sign > 0 else min
    return pick(floor, trade.stop_price)


def id_of(view: LegView) -> str:
    """Return a key for one leg."""
    return f"{view.leg.symbol}|{view.leg.side.value}"


def wanted_stop(view: LegView) -> Decimal | None:
    """Return the trigger of the leg's stop, well before liquidation; None: close now."""
    instrument = view.market.instrument
    price = nearest_stop_price(view)
    if instrument is None or price is None:
        return None
    sign = view.leg.side.sign
    to_liquidation = view.liq_distance_frac()
    if to_liquidation is not None and to_liquidation > 0.0:
        limit = LIQ_SHARE_MAX * to_liquidation * view.mark
        price = view.mark - sign * min(sign * (view.mark - price), limit)
    price = nudged(price, sign, view.mark)
    near = instrument.stop_price_near(Decimal(repr(price)), view.leg.side)
    return near if near > ZERO else None
