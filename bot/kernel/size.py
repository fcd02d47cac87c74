"""How much a trade may be: the smallest of all caps, rounded down, or a refusal that says why.

Risk per unit counts everything that is lost when the stop fills: the price distance, fees on both
sides, planned slippage on both sides, and funding to the horizon (domain 8.1).
"""

from decimal import Decimal

import msgspec

from bot.domain.policy import Policy
from bot.domain.risk import Refusal, RefusalReason
from bot.domain.strategy import Intent
from bot.domain.units import ZERO
from bot.kernel.margin import liquidation_price
from bot.kernel.observe.flows import funding_8h_frac
from bot.kernel.observe.volatility import sigma
from bot.kernel.snapshot import BotState, Market
from bot.kernel.track import equity_usd
from bot.kernel.view import held


class Sized(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity with the numbers behind it; USD but where the name says otherwise."""

    qty: Decimal
    entry_price: float
    unit_risk_usd: float
    risk_usd: float
    reward_r: float
    binding: str
    """The cap that bound."""


def unit_risk_usd(
    sign: int, entry: float, stop: float, costs: tuple[float, float], funding_frac: float
) -> float:
    """Return what one coin loses if the stop fills as planned.

    `costs` are (entry, stop) fee plus slippage fractions; `funding_frac` is the funding paid to
    the horizon as a share of notional (positive: paid).
    """
    entry_cost, stop_cost = costs
    carry = max(funding_frac, 0.0) * entry
    return sign * (entry - stop) + entry * entry_cost + stop * stop_cost + carry


def size_intent(state: BotState, policy: Policy, market: Market, intent: Intent) -> Sized | Refusal:
    """Return the allowed quantity of a wished trade, or why there is none."""
    sizing, instrument = policy.sizing, market.instrument
    if instrument is None:
        return _no(intent, RefusalReason.INSTRUMENT_UNKNOWN, "contract not loaded", "loaded")
    entry, sign = market.mark, intent.side.sign
    if entry <= 0.0:
        return _no(intent, RefusalReason.PRICE_UNKNOWN, "no mark price", "a mark price")
    if sign * (entry - intent.stop_price) <= 0.0:
        return _no(
            intent, RefusalReason.STOP_WRONG_SIDE, f"{intent.stop_price:.8g}", f"{entry:.8g}"
        )
    entry_cost = instrument.taker_fee_frac + sizing.entry_slip_bps * 1e-4
    stop_cost = instrument.taker_fee_frac + sizing.stop_slip_bps * 1e-4
    funding = sign * (funding_8h_frac(market) or 0.0) * sizing.horizon_h / 8.0
    unit = unit_risk_usd(sign, entry, intent.stop_price, (entry_cost, stop_cost), funding)
    cost_share = 1.0 - sign * (entry - intent.stop_price) / unit
    if cost_share > sizing.cost_share_max_frac:
        limit = f"{sizing.cost_share_max_frac:.2f} of risk"
        return _no(intent, RefusalReason.COST_SHARE, f"{cost_share:.2f} of risk", limit)
    exit_cost = intent.target_price * entry_cost
    reward = sign * (intent.target_price - entry) - entry * entry_cost - exit_cost
    reward_r = reward / unit
    if reward_r < sizing.reward_min_r:
        limit = f"{sizing.reward_min_r:.2f} R"
        return _no(intent, RefusalReason.REWARD_TOO_SMALL, f"{reward_r:.2f} R", limit)
    caps = _caps(state, policy, market, entry, unit)
    binding = min(caps, key=lambda name: caps[name])
    qty = instrument.qty_down(Decimal(repr(max(caps[binding], 0.0))))
    price = Decimal(repr(entry))
    if not instrument.is_tradable_qty(qty, price):
        measured = f"{qty} ({binding} cap {caps[binding]:.8f})"
        limit = f"qty >= {instrument.qty_min}, notional >= {instrument.notional_min_usd} USD"
        return _no(intent, RefusalReason.BELOW_MINIMUM, measured, limit)
    near = _liquidation_too_near(state, policy, market, intent, float(qty))
    if near is not None:
        return near
    return Sized(
        qty=qty,
        entry_price=entry,
        unit_risk_usd=unit,
        risk_usd=float(qty) * unit,
        reward_r=reward_r,
        binding=binding,
    )


def _caps(
    state: BotState, policy: Policy, market: Market, entry: float, unit: float
) -> dict[str, float]:
    """Return every cap in coins, by name."""
    sizing, limits = policy.sizing, policy.limits
    equity = min(equity_usd(state), float(state.wallet_usd))
    legs = held(state, policy)
    gross = sum(leg.notional_usd for leg in legs)
    here = sum(leg.notional_usd for leg in legs if leg.leg.symbol == market.symbol)
    vol_used = sum(leg.notional_usd * leg.sigma for leg in legs)
    heat_used = sum(leg.leg.trade.risk_usd for leg in legs if leg.leg.trade is not None)
    symbol_cap = limits.notional_cap_usd.get(market.symbol, limits.notional_cap_default_usd)
    vol_left = policy.guard.sigma_target * equity - vol_used
    instrument = market.instrument
    qty_max = float(instrument.market_qty_max) if instrument is not None else 0.0
    return {
        "risk": equity * sizing.risk_frac / unit,
        "volatility": vol_left / sigma(market, policy.guard) / entry,
        "leverage": (sizing.leverage_max * equity - gross) / entry,
        "symbol notional": (symbol_cap - here) / entry,
        "heat": (sizing.heat_max_frac * equity - heat_used) / unit,
        "venue maximum": qty_max,
    }


def _liquidation_too_near(
    state: BotState, policy: Policy, market: Market, intent: Intent, qty: float
) -> Refusal | None:
    """Refuse when liquidation would lie within the wanted number of stop distances."""
    instrument = market.instrument
    if instrument is None or not instrument.tiers:
        return None
    notional = qty * market.mark
    mode = state.margin_modes.get(market.symbol)
    leverage = state.leverages.get(market.symbol)
    margin = equity_usd(state)
    if mode is not None and mode.value == "ISOLATED" and leverage:
        margin = notional / leverage
    price = liquidation_price(intent.side.sign, qty, market.mark, margin, instrument.tiers)
    if price is None:
        return None
    sign = intent.side.sign
    stop_distance = sign * (market.mark - intent.stop_price)
    measured = sign * (market.mark - price) / stop_distance
    wanted = policy.sizing.liq_stop_distances_min
    if measured >= wanted:
        return None
    return _no(
        intent,
        RefusalReason.LIQUIDATION_TOO_NEAR,
        f"{measured:.2f} stop distances",
        f"{wanted:.2f} stop distances",
    )


def _no(intent: Intent, reason: RefusalReason, measured: str, limit: str) -> Refusal:
    return Refusal(reason, intent.symbol, measured, limit)


def entry_limit_price(policy: Policy, market: Market, sign: int) -> Decimal:
    """Return the worst price an entry may pay: the mark plus the entry band, on the grid."""
    instrument = market.instrument
    raw = Decimal(repr(market.mark * (1.0 + sign * policy.sizing.entry_band_bps * 1e-4)))
    if instrument is None:
        return raw
    return instrument.price_up(raw) if sign > 0 else instrument.price_down(raw)


def is_flat(state: BotState, symbol: str) -> bool:
    """Whether nothing is held on a symbol, on either side."""
    return all(leg.qty == ZERO for leg in state.legs.values() if leg.symbol == symbol)
