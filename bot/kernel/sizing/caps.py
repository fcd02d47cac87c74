"""Every cap on a trade's quantity, in coins, by name: the smallest one binds."""

import math
from collections.abc import Sequence

from bot.domain.instrument import Instrument
from bot.domain.policy import Policy
from bot.domain.units import NS_PER_DAY
from bot.kernel.observe import rings
from bot.kernel.observe.volatility import sigma
from bot.kernel.sizing import heat, shared_level
from bot.kernel.sizing.kelly import kelly_frac, result_r
from bot.kernel.sizing.liquidation import qty_max
from bot.kernel.sizing.open_risk import OpenRisk, open_risks
from bot.kernel.sizing.plan import Plan, affordable_qty
from bot.kernel.snapshot import BotState, Market
from bot.kernel.track import equity_usd
from bot.kernel.view import held

GAP_SHOCK_FRAC = 0.10
"""A price that opens this far beyond the stop must not go through the floor."""
SAME_LEVEL_FRAC = 0.0025
"""Nearer than an hour's range, or than this, is one level."""
HEAT_HOURS = 720
"""Hours of closes that correlations are read from."""


def caps_of(
    state: BotState,
    policy: Policy,
    market: Market,
    instrument: Instrument,
    plan: Plan,
    strategy: str = "",
) -> dict[str, float]:
    """Return every cap on the wished trade in coins (the domain's list, by name)."""
    risks = open_risks(state, policy)
    lost = plan.base_usd * policy.sizing.risk_frac * _threat_share(policy, plan)
    budgets = {
        "risk": lost,
        "heat": _heat_usd(state, policy, plan, risks),
        "day": _day_usd(state, policy, risks),
        "level": _level_usd(market, plan, risks, lost),
    }
    edge = edge_usd(state, policy, plan, strategy)
    if edge is not None:
        budgets["edge"] = edge
    caps = {name: affordable_qty(usd, plan.unit_usd) for name, usd in budgets.items()}
    caps |= _exposure_caps(state, policy, market, instrument, plan)
    caps |= _liquidity_caps(policy, plan)
    if policy.guard_on:
        caps["gap"] = _gap_qty(state, policy, plan, risks)
    caps |= _shares(policy, plan, caps, risks, market)
    most = max(min(caps.values()), 0.0)
    caps["liquidation"] = _liquidation_qty(state, policy, instrument, plan, most)
    return caps


def _shares(
    policy: Policy,
    plan: Plan,
    caps: dict[str, float],
    risks: Sequence[OpenRisk],
    market: Market,
) -> dict[str, float]:
    """Return what rules and scenarios leave of the full size: the size before Threat lowered it.

    Threat speaks through the risk budget and through its rule; it is not counted twice.
    """
    if min(plan.rules_share, plan.scenario_share) >= 1.0:
        return {}
    budget = plan.base_usd * policy.sizing.risk_frac
    level = _level_usd(market, plan, risks, budget)
    full = {**caps, "risk": affordable_qty(budget, plan.unit_usd)}
    full["level"] = affordable_qty(level, plan.unit_usd)
    most = max(min(full.values()), 0.0)
    return {"rules": plan.rules_share * most, "scenario": plan.scenario_share * most}


def _threat_share(policy: Policy, plan: Plan) -> float:
    return policy.sizing.threat_risk_factors[plan.threat - 1]


# ------------------------------------------------------------------ budgets of loss, USD


def _heat_usd(state: BotState, policy: Policy, plan: Plan, risks: Sequence[OpenRisk]) -> float:
    """Return what may be added before the stressed joint risk reaches its limit."""
    sizing = policy.sizing
    cap = sizing.heat_max_frac * sizing.threat_heat_factors[plan.threat - 1]
    if plan.base_usd <= 0.0:
        return 0.0
    signed = [risk.sign * risk.risk_usd / plan.base_usd for risk in risks]
    positions = [(risk.symbol, risk.sign) for risk in risks] + [(plan.symbol, plan.sign)]
    known = _correlations(state, policy, positions)
    return heat.room_frac(signed, plan.sign, known, cap) * plan.base_usd


def heat_frac(state: BotState, policy: Policy) -> float | None:
    """Return the stressed joint risk of the strategies' open trades over equity; None: no equity.

    What `risk` shows beside the cap.
    """
    base = min(equity_usd(state), float(state.wallet_usd))
    if base <= 0.0:
        return None
    risks = open_risks(state, policy)
    known = _correlations(state, policy, [(risk.symbol, risk.sign) for risk in risks])
    return heat.heat([risk.sign * risk.risk_usd / base for risk in risks], known)


def _correlations(
    state: BotState, policy: Policy, positions: Sequence[tuple[str, int]]
) -> heat.Matrix:
    def rho(i: int, j: int) -> float | None:
        return correlation_of(state, positions[i][0], positions[j][0])

    sides = [sign for _, sign in positions]
    return heat.matrix(sides, rho, policy.sizing.correlation_stress)


def correlation_of(state: BotState, one: str, other: str) -> float | None:
    """Return the correlation of hourly returns of two symbols; None: too little is known."""
    if one == other:
        return 1.0
    series = []
    sensed = [state.sensed.get(one), state.sensed.get(other)]
    newest = [each.senses.price.closes.newest for each in sensed if each is not None]
    if len(newest) < len(sensed) or min(newest) < 0:
        return None
    last = min(newest)
    for each in sensed:
        if each is not None:
            ring = each.senses.price.closes
            series.append([rings.get(ring, slot) for slot in range(last - HEAT_HOURS, last + 1)])
    return heat.correlation(series[0], series[1])


def _day_usd(state: BotState, policy: Policy, risks: Sequence[OpenRisk]) -> float:
    """Return what may still be lost today if every stop of the strategies fills now."""
    start = state.anchors.day_start_usd
    limit = policy.rules.daily_loss_halt_frac * start
    return limit + min(state.anchors.own_day_usd, 0.0) - sum(risk.risk_usd for risk in risks)


def _level_usd(market: Market, plan: Plan, risks: Sequence[OpenRisk], budget_usd: float) -> float:
    """Return what is left of one budget for all positions behind the same level."""
    join = max(market.atr_1h, SAME_LEVEL_FRAC * plan.mark)
    spans = shared_level.clusters(
        [(zone.low, zone.high) for zone in market.zones if zone.state != "NEW"], join
    )
    mine = shared_level.behind(spans, plan.sign, plan.mark, plan.stop, join)
    left = budget_usd
    for risk in risks:
        if risk.symbol != plan.symbol or risk.sign != plan.sign:
            continue
        entry = plan.mark if math.isnan(risk.entry) else risk.entry
        theirs = shared_level.behind(spans, risk.sign, entry, risk.stop, join)
        if shared_level.is_shared(mine, theirs, (plan.stop, risk.stop), join):
            left -= risk.risk_usd
    return left


def edge_usd(state: BotState, policy: Policy, plan: Plan, strategy: str) -> float | None:
    """Return what the strategy's own record allows to risk; None while the record is short."""
    sizing = policy.sizing
    since_ns = state.now_ns - round(sizing.kelly_days * NS_PER_DAY)
    record = [
        result
        for trade in state.closed_trades
        if trade.strategy == strategy and trade.closed_ns >= since_ns
        if (result := result_r(trade)) is not None
    ]
    if sizing.kelly_frac <= 0.0 or len(record) < sizing.kelly_trades_min:
        return None
    share = min(kelly_frac(record, sizing.kelly_frac), sizing.risk_frac)
    return plan.base_usd * share


# ------------------------------------------------------------------ caps in coins


def _exposure_caps(
    state: BotState, policy: Policy, market: Market, instrument: Instrument, plan: Plan
) -> dict[str, float]:
    """Return the caps on exposure: volatility, leverage by threat, symbol, venue, margin tier."""
    sizing, limits = policy.sizing, policy.limits
    legs = held(state, policy)
    gross = sum(leg.notional_usd for leg in legs)
    here = sum(leg.notional_usd for leg in legs if leg.leg.symbol == plan.symbol)
    used = sum(leg.notional_usd * leg.sigma for leg in legs)
    leverage = min(sizing.leverage_max, sizing.threat_leverage[plan.threat - 1])
    symbol_cap = limits.notional_cap_usd.get(plan.symbol, limits.notional_cap_default_usd)
    left = policy.guard.sigma_target * plan.base_usd - used
    setting = state.leverages.get(plan.symbol) or math.ceil(sizing.leverage_max)
    tier_usd = max((t.cap_usd for t in instrument.tiers if t.leverage_max >= setting), default=0.0)
    caps = {
        "volatility": left / sigma(market, policy.guard) / plan.dearest,
        "leverage": (leverage * plan.base_usd - gross) / plan.dearest,
        "symbol notional": (symbol_cap - here) / plan.dearest,
        "venue maximum": float(min(instrument.market_qty_max, instrument.qty_max)),
    }
    if instrument.tiers:
        caps["margin tier"] = (tier_usd - here) / plan.dearest
    return caps


def _liquidity_caps(policy: Policy, plan: Plan) -> dict[str, float]:
    """Return the caps by what usually trades, and by what the entry would pay to the book."""
    sizing, costs = policy.sizing, plan.costs
    five = costs.five_minutes_usd
    if five is None:
        return {}
    caps = {"volume": sizing.volume_max_frac * five / plan.dearest}
    limit = sizing.slip_stop_share_max * plan.distance_frac
    if costs.top is not None:
        low, high = 0.0, caps["volume"]
        if costs.entry_slip_frac(high * plan.mark) > limit:
            for _ in range(60):
                middle = 0.5 * (low + high)
                if costs.entry_slip_frac(middle * plan.mark) <= limit:
                    low = middle
                else:
                    high = middle
            caps["book"] = low
    return caps


def _gap_qty(state: BotState, policy: Policy, plan: Plan, risks: Sequence[OpenRisk]) -> float:
    """Return the quantity whose loss in a gap of ten per cent over all stops spares the floor."""
    floor = (1.0 - policy.guard.floor_frac) * state.anchors.high_water_usd
    left = equity_usd(state) - floor
    left -= sum(risk.risk_usd + GAP_SHOCK_FRAC * risk.stop * risk.qty for risk in risks)
    return affordable_qty(left, lambda qty: plan.unit_usd(qty) + GAP_SHOCK_FRAC * plan.stop)


def _liquidation_qty(
    state: BotState, policy: Policy, instrument: Instrument, plan: Plan, most: float
) -> float:
    """Return the quantity up to `most` whose liquidation lies k stop distances and a gap away.

    Cross: what the other legs would still stand for if each of them stood at its stop.
    """
    if not instrument.tiers:
        return most
    sizing = policy.sizing
    k = sizing.liq_stop_distances_min
    if plan.threat >= sizing.liq_threat_from:
        k = max(k, sizing.liq_stop_distances_threat)
    room = k * plan.sign * (plan.mark - plan.stop) + plan.costs.overshoot_frac * plan.mark
    mode = state.margin_modes.get(plan.symbol)
    isolated = mode is not None and mode.value == "ISOLATED"
    leverage = state.leverages.get(plan.symbol) if isolated else None
    if isolated and leverage is None:
        return 0.0
    return qty_max(
        plan.sign,
        plan.mark,
        room,
        instrument.tiers,
        margin_usd=_cross_margin_usd(state, policy),
        leverage=leverage,
        most=most,
    )


def _cross_margin_usd(state: BotState, policy: Policy) -> float:
    """Return equity less what the strategies' other stops would take, less isolated margins."""
    left = equity_usd(state) - sum(risk.risk_usd for risk in open_risks(state, policy))
    for view in held(state, policy):
        mode = view.leg.margin_mode
        if mode is not None and mode.value == "ISOLATED":
            left -= (view.margin_usd or 0.0) + view.upnl_usd
    return left
