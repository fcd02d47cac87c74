"""The shape of the configuration: one frozen model a table, every number bounded."""

from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)


def _number(value: object) -> object:
    """Refuse true and false where a number is meant (they would be read as 1 and 0)."""
    if isinstance(value, bool):
        raise ValueError("a number is needed, not true or false")
    return value


Float = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
_Float = Float
_Int = Annotated[int, BeforeValidator(_number)]
Frac = Annotated[_Float, Field(gt=0.0, le=1.0)]
Budget = Annotated[_Float, Field(ge=0.02, le=0.50)]
Seconds = Annotated[_Float, Field(gt=0.0, le=3600.0)]
Hours = Annotated[_Float, Field(ge=0.0, le=720.0)]
Bps = Annotated[_Float, Field(ge=0.0, le=500.0)]
Usd = Annotated[_Float, Field(gt=0.0, le=1e9)]
Atr = Annotated[_Float, Field(ge=0.0, le=20.0)]
Factor = Annotated[_Float, Field(ge=0.0, le=1.0)]
FactorByThreat = Annotated[tuple[Factor, ...], Field(min_length=5, max_length=5)]
LeverageByThreat = Annotated[
    tuple[Annotated[_Float, Field(ge=0.0, le=125.0)], ...], Field(min_length=5, max_length=5)
]
Bars = Annotated[_Int, Field(ge=1, le=10_000)]
BarSeconds = Annotated[_Int, Field(ge=1, le=86_400)]
Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,20}/USDT:USDT$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=80)]


class Table(BaseModel):
    """A frozen table that knows all its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PaperTable(Table):
    """The market and the account that the embedded venue begins with."""

    scenario: Words = "default"
    speed: Annotated[_Float, Field(ge=0.1, le=10_000.0)] = 60.0
    bar_s: BarSeconds = 5
    wallet_usd: Usd = 10_000.0
    seed: Annotated[_Int, Field(ge=0, le=2**31)] = 1
    source: Annotated[str, StringConstraints(pattern=r"^(http://127\.0\.0\.1:\d{1,5})?$")] = ""
    """Scenario `live`: a venue on this machine instead of the production one's public prices."""


class BreakwaterTable(Table):
    """Mode, places and the decision timeframe."""

    mode: Literal["paper", "testnet", "live"] = "paper"
    live_confirmed: bool = False
    read_only: bool = False
    state_dir: Words = "state"
    log_dir: Words = "logs"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    bar_s: BarSeconds = 300
    paper: PaperTable = PaperTable()


class GuardTable(Table):
    """Fine tuning of the guard; the defaults are the studied ones."""

    dead_band_frac: Annotated[_Float, Field(ge=0.01, le=0.5)] = 0.10
    relever: bool | None = None
    """None: on paper and testnet yes, live no (few expect a guard to buy)."""
    relever_wait_h: Hours = 4.0
    relever_step_frac: Frac = 0.25
    stop_distance_max_frac: Annotated[_Float, Field(gt=0.0, le=0.95)] = 0.60
    sigma_target: Annotated[_Float, Field(gt=0.0, le=5.0)] | None = None
    """Annualised volatility the account may carry; None: three times the loss budget."""


class SizingTable(Table):
    """How large a strategy's trade may be."""

    risk_frac: Annotated[_Float, Field(gt=0.0, le=0.05)] = 0.005
    reward_min_r: Annotated[_Float, Field(ge=0.5, le=20.0)] = 1.5
    cost_share_max_frac: Frac = 0.50
    entry_slip_bps: Bps = 5.0
    stop_slip_bps: Bps = 10.0
    entry_band_bps: Bps = 10.0
    horizon_h: Annotated[_Float, Field(gt=0.0, le=720.0)] = 24.0
    liq_stop_distances_min: Annotated[_Float, Field(ge=1.0, le=20.0)] = 2.0
    liq_stop_distances_threat: Annotated[_Float, Field(ge=1.0, le=20.0)] = 3.0
    liq_threat_from: Annotated[_Int, Field(ge=1, le=5)] = 3
    heat_max_frac: Annotated[_Float, Field(gt=0.0, le=0.5)] = 0.02
    correlation_stress: Factor = 0.5
    leverage_max: Annotated[_Float, Field(ge=0.1, le=125.0)] = 3.0
    threat_risk_factors: FactorByThreat = (1.0, 1.0, 0.6, 0.0, 0.0)
    threat_heat_factors: FactorByThreat = (1.0, 0.75, 0.5, 0.25, 0.0)
    threat_leverage: LeverageByThreat = (5.0, 3.0, 2.0, 1.0, 0.0)
    volume_max_frac: Frac = 0.02
    slip_stop_share_max: Frac = 0.25
    gap_chance_frac: Factor = 0.02
    funding_assumed_frac: Annotated[_Float, Field(ge=0.0, le=0.02)] = 0.0001
    stop_round_bps: Annotated[_Float, Field(ge=0.0, le=50.0)] = 5.0
    kelly_frac: Factor = 0.25
    kelly_trades_min: Annotated[_Int, Field(ge=10, le=500)] = 50
    kelly_days: Annotated[_Float, Field(ge=1.0, le=3650.0)] = 90.0

    @model_validator(mode="after")
    def _never_more_with_threat(self) -> "SizingTable":
        """Refuse tables by threat that allow more where the threat is higher."""
        for name in ("threat_risk_factors", "threat_heat_factors", "threat_leverage"):
            row = getattr(self, name)
            if list(row) != sorted(row, reverse=True):
                raise ValueError(f"{name} must not rise with the threat")
        return self


class RungTable(Table):
    """From `enter` on, exposure times `factor`, until `leave` is passed again."""

    enter: Annotated[_Float, Field(gt=0.0, le=100.0)]
    leave: Annotated[_Float, Field(gt=0.0, le=100.0)]
    factor: Factor


class RulesTable(Table):
    """Thresholds of the backstop rules."""

    margin_ratio: tuple[RungTable, ...] | None = None
    liq_distance_atr: tuple[RungTable, ...] | None = None
    daily_loss_half_frac: Frac = 0.01
    daily_loss_halt_frac: Frac = 0.02
    price_stale_s: Seconds = 5.0
    account_stale_s: Seconds = 15.0
    stop_missing_s: Seconds = 2.0
    action_gap_s: Seconds = 60.0

    @model_validator(mode="after")
    def _ordered(self) -> "RulesTable":
        """Refuse ladders that would never let go."""
        if self.daily_loss_half_frac > self.daily_loss_halt_frac:
            raise ValueError("daily_loss_half_frac must not be above daily_loss_halt_frac")
        for rung in self.margin_ratio or ():
            if rung.leave > rung.enter:
                raise ValueError("margin_ratio: leave must not be above enter")
        for rung in self.liq_distance_atr or ():
            if rung.leave < rung.enter:
                raise ValueError("liq_distance_atr: leave must not be below enter")
        return self


class RiskTable(Table):
    """How much may be lost, on what, and how the guard acts."""

    profile: Literal["L20", "L25", "L30"] | None = None
    loss_budget_frac: Budget | None = None
    enforce: Literal["full", "stop_only", "alert"] = "full"
    symbols: Annotated[tuple[Symbol, ...], Field(min_length=1, max_length=50)] = ("BTC/USDT:USDT",)
    notional_cap_default_usd: Usd = 50_000.0
    notional_cap_usd: dict[Symbol, Usd] = {}
    guard: GuardTable = GuardTable()
    sizing: SizingTable = SizingTable()
    rules: RulesTable = RulesTable()

    @model_validator(mode="after")
    def _one_budget(self) -> "RiskTable":
        """Demand exactly one word on how much may be lost."""
        if (self.profile is None) == (self.loss_budget_frac is None):
            raise ValueError("give exactly one of profile (L20, L25, L30) and loss_budget_frac")
        if len(set(self.symbols)) != len(self.symbols):
            raise ValueError("symbols names a contract twice")
        return self


class LevelTable(Table):
    """A level (low equals high) or a zone, and the instant it was first said."""

    symbol: Symbol
    name: Words
    low: Usd
    high: Usd
    known_from: AwareDatetime

    @model_validator(mode="after")
    def _ordered(self) -> "LevelTable":
        """Refuse an upside-down or absurdly wide zone."""
        if self.low > self.high:
            raise ValueError(f"low {self.low:g} is above high {self.high:g}")
        if self.high > 1.1 * self.low:
            raise ValueError("a zone may be at most 10 % wide: name two levels")
        return self


class LevelsTable(Table):
    """The level book and the tolerances of its state machine."""

    band_atr_frac: Atr = 0.15
    band_bps: Bps = 5.0
    break_atr_frac: Atr = 0.25
    break_bps: Bps = 10.0
    near_atr: Atr = 1.0
    hold_bars: Bars = 3
    sweep_bars_max: Bars = 12
    expire_bars: Bars = 48
    book: Annotated[tuple[LevelTable, ...], Field(max_length=500)] = ()

    @model_validator(mode="after")
    def _named_once(self) -> "LevelsTable":
        """Refuse two levels with one name: the name is the identity."""
        seen: set[tuple[str, str]] = set()
        for level in self.book:
            if (level.symbol, level.name) in seen:
                raise ValueError(f"level {level.name!r} of {level.symbol} is named twice")
            seen.add((level.symbol, level.name))
        return self


class StrategiesTable(Table):
    """Which strategies run, from which folder, with which numbers."""

    folder: Words = "strategies"
    enabled: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    params: dict[Name, dict[Name, _Float]] = {}


class KeysTable(Table):
    """The names (never the values) of one API key's two halves."""

    api_key: Name
    api_secret: Name


class VenuesTable(Table):
    """Where orders go and under which key names."""

    exchange: Literal["binance"] = "binance"
    testnet: KeysTable
    live: KeysTable
