"""From a wished trade to a quantity with its numbers, or a refusal that says why."""

from decimal import Decimal

from bot.domain.instrument import Instrument
from bot.domain.policy import Policy
from bot.domain.risk import Refusal, RefusalReason
from bot.domain.strategy import Intent
from bot.domain.units import ZERO
from bot.kernel.levels.state import ScenarioBook
from bot.kernel.scenarios import Standing, standing
from bot.kernel.sizing.caps import caps_of
from bot.kernel.sizing.costs import costs_of
from bot.kernel.sizing.plan import Plan, Sized
from bot.kernel.sizing.unit_risk import cost_share, reward_usd
from bot.kernel.snapshot import BotState, Market, Sensed
from bot.kernel.stops.placement import beyond
from bot.kernel.track import equity_usd


def size_intent(
    state: BotState,
    policy: Policy,
    market: Market,
    intent: Intent,
    strategy: str = "",
    rules_share: float = 1.0,
) -> Sized | Refusal:
    """Return the allowed quantity of a wished trade, or why there is none.

    `strategy` names whose record may lower the size further; `rules_share` is the share of the
    full size that the ladder of rules allows.
    """
    instrument = market.instrument
    if instrument is None:
        return _no(intent, RefusalReason.INSTRUMENT_UNKNOWN, "contract not loaded", "loaded")
    plan = _plan(state, policy, market, instrument, intent, rules_share)
    if isinstance(plan, Refusal):
        return plan
    caps = caps_of(state, policy, market, instrument, plan, strategy)
    binding = min(caps, key=lambda name: caps[name])
    qty = instrument.qty_down(Decimal(repr(max(caps[binding], 0.0))))
    if not instrument.is_tradable_qty(qty, Decimal(repr(plan.mark))):
        return _too_small(intent, instrument, qty, binding, caps[binding])
    unit = plan.unit_usd(float(qty))
    return _pays(policy, intent, plan, float(qty), unit) or Sized(
        qty=qty,
        entry_price=plan.mark,
        stop_price=plan.stop,
        unit_risk_usd=unit,
        risk_usd=float(qty) * unit,
        reward_r=_reward_r(plan, float(qty), unit),
        binding=binding,
        caps=caps,
        assumed=plan.costs.assumed,
    )


def _plan(
    state: BotState,
    policy: Policy,
    market: Market,
    instrument: Instrument,
    intent: Intent,
    rules_share: float,
) -> Plan | Refusal:
    mark, sign = market.mark, intent.side.sign
    if mark <= 0.0:
        return _no(intent, RefusalReason.PRICE_UNKNOWN, "no mark price", "a mark price")
    if intent.stop_price <= 0.0 or sign * (mark - intent.stop_price) <= 0.0:
        return _no(intent, RefusalReason.STOP_WRONG_SIDE, f"{intent.stop_price:.8g}", f"{mark:.8g}")
    sensed = state.sensed.get(market.symbol)
    judged = sensed.assessment if sensed is not None else None
    if judged is None and policy.sense_on:
        return _no(intent, RefusalReason.NOT_WARM, "threat not judged yet", "a judged market")
    running = standing_of(state, policy, sensed, market.symbol)
    if intent.side not in running.allowed_sides:
        words = "; ".join(running.reasons)
        return _no(intent, RefusalReason.SCENARIO_FORBIDS, intent.side.value, words)
    felt = 1 if judged is None else judged.threat if sign > 0 else judged.threat_short
    threat = min(felt + running.threat_add, 5)
    if policy.sizing.threat_risk_factors[threat - 1] <= 0.0:
        highest = sum(factor > 0.0 for factor in policy.sizing.threat_risk_factors)
        return _no(intent, RefusalReason.THREAT_TOO_HIGH, f"threat {threat}", f"threat {highest}")
    zones = [(zone.low, zone.high) for zone in market.zones if zone.state != "NEW"]
    stop = beyond(intent.stop_price, sign, zones, policy.sizing.stop_round_bps * 1e-4)
    return Plan(
        symbol=intent.symbol,
        sign=sign,
        mark=mark,
        entry=float(entry_limit_price(policy, market, sign)),
        stop=stop,
        target=intent.mean_target,
        base_usd=max(min(equity_usd(state), float(state.wallet_usd)), 0.0),
        threat=threat,
        costs=costs_of(state, policy, market, instrument, (sign, stop, threat)),
        rules_share=rules_share,
        scenario_share=running.size_factor,
    )


def standing_of(state: BotState, policy: Policy, sensed: Sensed | None, symbol: str) -> Standing:
    """Return what the running scenarios of a symbol allow now."""
    specs = tuple(spec for spec in policy.scenarios if spec.symbol == symbol)
    book = sensed.scenarios if sensed is not None else ScenarioBook()
    return standing(book, specs, state.now_ns)


def _pays(policy: Policy, intent: Intent, plan: Plan, qty: float, unit: float) -> Refusal | None:
    """Refuse what is mostly cost, or what earns too little for its risk."""
    sizing = policy.sizing
    share = cost_share(plan.sign, plan.mark, plan.stop, unit)
    if share > sizing.cost_share_max_frac:
        limit = f"{sizing.cost_share_max_frac:.2f} of risk"
        return _no(intent, RefusalReason.COST_SHARE, f"{share:.2f} of risk", limit)
    reward_r = _reward_r(plan, qty, unit)
    if reward_r < sizing.reward_min_r:
        limit = f"{sizing.reward_min_r:.2f} R"
        return _no(intent, RefusalReason.REWARD_TOO_SMALL, f"{reward_r:.2f} R", limit)
    return None


def _reward_r(plan: Plan, qty: float, unit: float) -> float:
    costs = plan.costs
    paid = costs.fee_frac + costs.entry_slip_frac(qty * plan.mark)
    return reward_usd(plan.sign, plan.mark, plan.target, (paid, paid)) / unit


def _too_small(
    intent: Intent, instrument: Instrument, qty: Decimal, binding: str, cap: float
) -> Refusal:
    measured = f"{qty} ({binding} cap {max(cap, 0.0):.8f})"
    if binding == "liquidation" and cap <= 0.0:
        return _no(
            intent, RefusalReason.LIQUIDATION_TOO_NEAR, measured, "the wanted stop distances"
        )
    limit = f"qty >= {instrument.qty_min}, notional >= {instrument.notional_min_usd} USD"
    return _no(intent, RefusalReason.BELOW_MINIMUM, measured, limit)


def _no(intent: Intent, reason: RefusalReason, measured: str, limit: str) -> Refusal:
    return Refusal(reason, intent.symbol, measured, limit)


def entry_limit_price(policy: Policy, market: Market, sign: int) -> Decimal:
    """Return the worst price an entry may pay: the mark plus the entry band, on the grid."""
    instrument = market.instrument
    raw = Decimal(repr(market.mark * (1.0 + sign * policy.sizing.entry_band_bps * 1e-4)))
    if instrument is None:
        return raw
    return instrument.price_down(raw) if sign > 0 else instrument.price_up(raw)


def is_flat(state: BotState, symbol: str) -> bool:
    """Whether nothing is held on a symbol, on either side."""
    return all(leg.qty == ZERO for leg in state.legs.values() if leg.symbol == symbol)
