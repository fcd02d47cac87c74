"""What the owner decided: loss budget, rules, sizing, limits and levels, as frozen values."""

import msgspec

from bot.domain.risk import Enforce, HandMode
from bot.domain.rule_policy import LadderPolicy as LadderPolicy
from bot.domain.rule_policy import RulePolicy as RulePolicy
from bot.domain.rule_policy import Step as Step
from bot.domain.scenario import REPORTED, ScenarioSpec
from bot.domain.sense_policy import SensePolicy
from bot.domain.units import NS_PER_DAY, NS_PER_H


class GuardPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The loss budget of one account and everything derived from it."""

    profile: str = "L20"
    enforce: Enforce = Enforce.FULL
    loss_budget_frac: float = 0.20
    floor_frac: float = 0.19
    sigma_target: float = 0.60
    prior_sigma: dict[str, float] = msgspec.field(
        default_factory=lambda: {"BTC": 0.50, "ETH": 0.70}
    )
    prior_sigma_other: float = 1.00
    half_life_fast_ns: int = 2 * NS_PER_DAY
    half_life_slow_ns: int = 10 * NS_PER_DAY
    history_ns: int = 30 * NS_PER_DAY
    dead_band_frac: float = 0.10
    relever: bool = True
    relever_wait_ns: int = 4 * NS_PER_H
    relever_step_frac: float = 0.25
    stop_distance_max_frac: float = 0.60
    reprice_frac: float = 0.0005
    liq_to_stop_min: float = 1.5
    """Liquidation must lie at least this many stop distances away before margin is given back."""


PROFILES: dict[str, tuple[float, float, float]] = {
    "L20": (0.20, 0.19, 0.60),
    "L25": (0.25, 0.24, 0.80),
    "L30": (0.30, 0.29, 1.00),
}
"""name -> (loss_budget_frac, floor_frac, sigma_target)"""


def guard_of(profile: str, **changes: object) -> GuardPolicy:
    """Return the guard policy of a named profile with `changes` applied.

    Raises:
        KeyError: no such profile.
    """
    budget, floor, sigma = PROFILES[profile]
    given: dict[str, object] = {
        "profile": profile,
        "loss_budget_frac": budget,
        "floor_frac": floor,
        "sigma_target": sigma,
    }
    return msgspec.convert({**given, **changes}, GuardPolicy)


class SizingPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How a trade's quantity follows from its stop."""

    risk_frac: float = 0.005
    reward_min_r: float = 1.5
    cost_share_max_frac: float = 0.50
    entry_slip_bps: float = 5.0
    stop_slip_bps: float = 10.0
    entry_band_bps: float = 10.0
    horizon_h: float = 24.0
    liq_stop_distances_min: float = 2.0
    liq_stop_distances_threat: float = 3.0
    liq_threat_from: int = 3
    """From this threat on liquidation must lie `liq_stop_distances_threat` stop distances away."""
    heat_max_frac: float = 0.02
    correlation_stress: float = 0.5
    """How far correlations of one side are moved toward one: 0 as measured, 1 all alike."""
    leverage_max: float = 3.0
    threat_risk_factors: tuple[float, ...] = (1.0, 1.0, 0.6, 0.0, 0.0)
    threat_heat_factors: tuple[float, ...] = (1.0, 0.75, 0.5, 0.25, 0.0)
    threat_leverage: tuple[float, ...] = (5.0, 3.0, 2.0, 1.0, 0.0)
    """By threat 1 to 5; a risk factor of zero blocks new trades."""
    volume_max_frac: float = 0.02
    """Notional over what usually trades in five minutes."""
    slip_stop_share_max: float = 0.25
    """What the entry may pay to the book, as a share of the way to the stop."""
    gap_chance_frac: float = 0.02
    funding_assumed_frac: float = 0.0001
    """Per eight hours, paid, where no funding rate is known."""
    stop_round_bps: float = 5.0
    kelly_frac: float = 0.25
    kelly_trades_min: int = 50
    kelly_days: float = 90.0


class StopPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How the stop of a strategy's trade follows the price; zero switches a rule off."""

    break_even_r: float = 0.0
    """Gain, in distances between entry and first stop, from which the stop pays its costs back."""
    trail_atr: float = 0.0
    """Hourly ranges between the best close and a stop that follows."""
    trail_from_r: float = 1.0


class LimitPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What may be traded, and how much of it."""

    symbols: tuple[str, ...] = ("BTC/USDT:USDT",)
    notional_cap_usd: dict[str, float] = {}
    notional_cap_default_usd: float = 50_000.0
    leverage_max: float = 125.0
    """Gross notional over equity that the region allows."""
    loosen_delay_ns: int = 12 * NS_PER_H
    """How long a looser limit waits before it holds, unless the account is flat."""
    hand_modes: dict[str, HandMode] = {}
    """symbol|side -> mode of positions opened by hand, until one is commanded."""


class LevelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A level or zone a human named; it does not exist before `known_from_ns`."""

    symbol: str
    name: str
    low: float
    high: float
    known_from_ns: int = 0


class LevelPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Tolerances of the level state machine (fractions of hourly ATR, and basis points)."""

    book: tuple[LevelSpec, ...] = ()
    band_atr_frac: float = 0.15
    band_bps: float = 5.0
    break_atr_frac: float = 0.25
    break_bps: float = 10.0
    near_atr: float = 1.0
    hold_bars: int = 3
    sweep_bars_max: int = 12
    expire_bars: int = 48


class StrategyPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Which strategies run, with which parameters."""

    enabled: tuple[str, ...] = ("level_bounce",)
    params: dict[str, dict[str, float]] = {}


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the kernel was told by its owner."""

    guard: GuardPolicy = GuardPolicy()
    rules: RulePolicy = RulePolicy()
    sizing: SizingPolicy = SizingPolicy()
    stops: StopPolicy = StopPolicy()
    limits: LimitPolicy = LimitPolicy()
    levels: LevelPolicy = LevelPolicy()
    strategies: StrategyPolicy = StrategyPolicy()
    sense: SensePolicy = SensePolicy()
    scenarios: tuple[ScenarioSpec, ...] = REPORTED
    venue: str = "binance"
    """The venue that is traded; others are heard by the senses alone."""
    bar_s: int = 300
    """Decision timeframe."""
    bars_from: str = "trades"
    """"trades": the kernel builds bars from ticks; "candles": closed bars are told (replay)."""
    guard_on: bool = True
    """False only in replays that show the unguarded account."""
    sense_on: bool = True
    """False only in the lab, where held positions are judged by the loss budget alone."""
