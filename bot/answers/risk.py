"""Answers `risk`: budgets, caps, every rule against its limit, and what happens at which price."""

from bot.answers.budget_price import price_of
from bot.answers.held import (
    legs_of,
    own_liq_price,
    result_at,
    stop_flaws,
    target_price,
    view_of,
    working_stops,
)
from bot.answers.next_cuts import next_cuts
from bot.answers.question import Answered, Question, exact, rounded
from bot.domain.policy import Policy
from bot.domain.units import ZERO
from bot.kernel.guard import drawdown_frac, due_funding, floor_usd
from bot.kernel.observe.volatility import is_prior, sigma
from bot.kernel.rules import RULES, scope_of
from bot.kernel.sizing.caps import heat_frac
from bot.kernel.sizing.open_risk import open_risks
from bot.kernel.snapshot import BotState, Leg, Market, leg_key
from bot.kernel.track import equity_usd
from bot.kernel.view import LegView, held

NAME = "risk"


def answer(question: Question) -> Answered:
    """Return what may still be lost, what may still be held, and what comes next."""
    state, policy = question.state, question.policy
    return {
        "profile": policy.guard.profile,
        "loss_budget_frac": policy.guard.loss_budget_frac,
        "floor_frac": policy.guard.floor_frac,
        "enforce": policy.guard.enforce.value,
        "latched": state.latched,
        "latch_reason": state.latch_reason or None,
        "budget": price_of(policy.guard),
        **_budgets(state, policy),
        "exposure": _exposure(state, policy),
        "volatility": [_volatility(m, policy) for _, m in sorted(state.markets.items())],
        "positions": [_position(state, view) for view in held(state, policy)],
        "rules": [row for view in held(state, policy) for row in _rules(view)],
        "own_day": _own_day(state, policy),
        "next": next_of(state, policy),
        "trades": _trades(state, policy),
        "stops": [_stop(state, policy, leg) for leg in legs_of(state)],
        "note": "A stop is not a guarantee against a gap: a fast market can fill it lower.",
    }


def next_of(state: BotState, policy: Policy) -> list[Answered]:
    """Return what happens to each leg at which price, a leg's nearest first."""
    return [row for leg in legs_of(state) for row in _next(state, policy, leg)]


def _budgets(state: BotState, policy: Policy) -> Answered:
    if state.wallet_ns == 0 or state.anchors.high_water_usd <= 0.0:
        names = ("equity_usd", "high_water_usd", "floor_usd", "budget_left_usd", "drawdown_frac")
        return dict.fromkeys((*names, "budget_left_frac"))
    equity, floor = equity_usd(state), floor_usd(state, policy)
    return {
        "equity_usd": rounded(equity, 2),
        "high_water_usd": rounded(state.anchors.high_water_usd, 2),
        "floor_usd": rounded(floor, 2),
        "budget_left_usd": rounded(equity - floor, 2),
        "budget_left_frac": rounded((equity - floor) / equity, 6) if equity > 0.0 else None,
        "drawdown_frac": rounded(drawdown_frac(state), 6),
    }


def _exposure(state: BotState, policy: Policy) -> Answered:
    """Return gross notional and the most that volatility allows, in USD of the riskiest kind."""
    views = held(state, policy)
    gross = sum((view.notional_usd for view in views), 0.0)
    equity = equity_usd(state) if state.wallet_ns else None
    weighed = sum(view.notional_usd * view.sigma for view in views)
    unknown = len(legs_of(state)) - len(views)
    return {
        "gross_usd": rounded(gross, 2) if state.reconciled_ns and not unknown else None,
        "leverage": rounded(gross / equity, 4) if equity and not unknown else None,
        "sigma_target": policy.guard.sigma_target,
        "sigma_held": rounded(weighed / equity, 4) if equity and not unknown else None,
        "legs_without_price": unknown,
    }


def _volatility(market: Market, policy: Policy) -> Answered:
    annual = sigma(market, policy.guard)
    return {
        "symbol": market.symbol,
        "sigma": rounded(annual, 4),
        "from_prior": is_prior(market, policy.guard),
        "leverage_cap": rounded(policy.guard.sigma_target / annual, 3) if annual > 0.0 else None,
        "notional_cap_usd": policy.limits.notional_cap_usd.get(
            market.symbol, policy.limits.notional_cap_default_usd
        ),
        "atr_1h": rounded(market.atr_1h, 2) if market.atr_1h_count else None,
    }


def _position(state: BotState, view: LegView) -> Answered:
    """Return a leg's way to liquidation: in percent, daily ranges, and distances of its stop."""
    distance, stops = view.liq_distance_frac(), working_stops(state, view.leg)
    way = view.leg.side.sign * (view.mark - float(stops[0].trigger_price or 0)) if stops else None
    to_liq = distance * view.mark if distance is not None else None
    due = due_funding(view)
    return {
        "symbol": view.leg.symbol,
        "side": view.leg.side.value,
        "qty": exact(view.leg.qty),
        "notional_usd": rounded(view.notional_usd, 2),
        "liq_price": rounded(view.liq_price(), 2),
        "liq_distance_frac": rounded(distance, 5),
        "liq_daily_ranges": rounded(to_liq / view.atr_day, 3) if to_liq and view.atr_day else None,
        "liq_stop_distances": rounded(to_liq / way, 3) if to_liq and way and way > 0 else None,
        "liq_apart_frac": rounded(view.liq_apart_frac(), 5),
        "margin_ratio": rounded(view.margin_ratio(), 4),
        "funding_due_usd": rounded(due.frac * view.notional_usd, 2),
        "funding_due_basis": due.basis,
    }


def _rules(view: LegView) -> list[Answered]:
    """Return each rule of a leg: measured, where it acts next, whom it cuts, factor in force."""
    found = {rule.NAME: rule.gauge(view) for rule in RULES}
    return [
        {
            "rule": rule.NAME,
            "symbol": view.leg.symbol,
            "side": view.leg.side.value,
            "measured": rounded(found[rule.NAME].measured, 4),
            "limit": rounded(found[rule.NAME].limit, 4),
            "unit": found[rule.NAME].unit,
            "acts_on": scope_of(rule, view.policy.rules),
            "factor_in_force": _in_force(view, rule.NAME),
        }
        for rule in RULES
    ]


def _in_force(view: LegView, name: str) -> float:
    """Return the factor a rule has in force on a leg; 1.0: none."""
    whose = "own" if view.own else "hand"
    found = view.state.ladders.get(f"{leg_key(view.leg.symbol, view.leg.side)}|{whose}")
    view.rungs = found.rungs if found is not None else {}
    return view.before(name)


def _own_day(state: BotState, policy: Policy) -> Answered:
    """Return the strategies' day against its limits."""
    start = state.anchors.day_start_usd
    open_usd = sum(view.upnl_usd for view in held(state, policy) if view.leg.trade is not None)
    result = state.anchors.own_day_usd + open_usd
    return {
        "result_usd": rounded(result, 2),
        "loss_frac": rounded(max(0.0, -result) / start, 6) if start > 0.0 else None,
        "half_at_frac": policy.rules.daily_loss_half_frac,
        "halt_at_frac": policy.rules.daily_loss_halt_frac,
    }


def _trades(state: BotState, policy: Policy) -> Answered:
    """Return what the strategies' open trades lose if all stops fill now, alone and together."""
    risks = open_risks(state, policy)
    return {
        "open": len(risks),
        "all_stops_usd": rounded(sum(risk.risk_usd for risk in risks), 2),
        "heat_frac": rounded(heat_frac(state, policy), 6),
        "heat_max_frac": policy.sizing.heat_max_frac,
    }


def _stop(state: BotState, policy: Policy, leg: Leg) -> Answered:
    """Return a leg's stop and what speaks against its place."""
    stops = working_stops(state, leg)
    trigger = stops[0].trigger_price if stops else None
    return {
        "symbol": leg.symbol,
        "side": leg.side.value,
        "stop_price": exact(trigger),
        "flaws": stop_flaws(state, policy, leg, trigger),
    }


def _next(state: BotState, policy: Policy, leg: Leg) -> list[Answered]:
    """Return the prices at which something happens to a leg, the nearest first."""
    view = view_of(state, policy, leg)
    if view is None:
        return []
    stops = working_stops(state, leg)
    target = target_price(state, leg)
    venue = leg.venue_liq_price
    places = [
        ("our stop closes the leg", stops[0].trigger_price if stops else None),
        ("target closes the leg", target),
        ("liquidation by our arithmetic", own_liq_price(view)),
        ("liquidation by the venue's word", venue if venue and venue > ZERO else None),
    ]
    rows = [_place(view, what, float(price)) for what, price in places if price is not None]
    rows += [
        _place(view, f"{cut.rule} cuts to {cut.factor:.0%}" if cut.factor else
               f"{cut.rule} closes the leg", cut.price)
        for cut in next_cuts(view)
    ]  # fmt: skip
    joint = view.joint_liq_price()
    if joint is not None:
        rows.append(_place(view, "liquidation if all legs move together", joint))
    return sorted(rows, key=lambda row: abs(float(str(row["distance_frac"]))))


def _place(view: LegView, what: str, price: float) -> Answered:
    return {
        "symbol": view.leg.symbol,
        "side": view.leg.side.value,
        "what": what,
        "price": rounded(price, 2),
        "distance_frac": rounded((price - view.mark) / view.mark, 6),
        "result_usd": rounded(result_at(view.leg, price), 2),
    }
