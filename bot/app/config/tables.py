"""The shape of the configuration: one frozen model a table, every number bounded."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from bot.app.config.bounds import (
    Atr,
    Bars,
    BarSeconds,
    Bps,
    Budget,
    Factor,
    FactorByThreat,
    Float,
    Frac,
    Hours,
    Int,
    LeverageByThreat,
    Name,
    Symbol,
    Table,
    Usd,
    Words,
)
from bot.app.config.rule_tables import RulesTable
from bot.domain.exchanges import Exchange, Site


class PaperTable(Table):
    """The market and the account that the embedded venue begins with."""

    scenario: Words = "default"
    speed: Annotated[Float, Field(ge=0.1, le=10_000.0)] = 60.0
    bar_s: BarSeconds = 5
    wallet_usd: Usd = 10_000.0
    seed: Annotated[Int, Field(ge=0, le=2**31)] = 1
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

    dead_band_frac: Annotated[Float, Field(ge=0.01, le=0.5)] = 0.10
    relever: bool | None = None
    """None: on paper and testnet yes, live no (few expect a guard to buy)."""
    relever_wait_h: Hours = 4.0
    relever_step_frac: Frac = 0.25
    stop_distance_max_frac: Annotated[Float, Field(gt=0.0, le=0.95)] = 0.60
    sigma_target: Annotated[Float, Field(gt=0.0, le=5.0)] | None = None
    """Annualised volatility the account may carry; None: three times the loss budget."""


class SizingTable(Table):
    """How large a strategy's trade may be."""

    risk_frac: Annotated[Float, Field(gt=0.0, le=0.05)] = 0.005
    reward_min_r: Annotated[Float, Field(ge=0.5, le=20.0)] = 1.5
    cost_share_max_frac: Frac = 0.50
    entry_slip_bps: Bps = 5.0
    stop_slip_bps: Bps = 10.0
    entry_band_bps: Bps = 10.0
    horizon_h: Annotated[Float, Field(gt=0.0, le=720.0)] = 24.0
    liq_stop_distances_min: Annotated[Float, Field(ge=1.0, le=20.0)] = 2.0
    liq_stop_distances_threat: Annotated[Float, Field(ge=1.0, le=20.0)] = 3.0
    liq_threat_from: Annotated[Int, Field(ge=1, le=5)] = 3
    heat_max_frac: Annotated[Float, Field(gt=0.0, le=0.5)] = 0.02
    correlation_stress: Factor = 0.5
    leverage_max: Annotated[Float, Field(ge=0.1, le=125.0)] = 3.0
    threat_risk_factors: FactorByThreat = (1.0, 1.0, 0.6, 0.0, 0.0)
    threat_heat_factors: FactorByThreat = (1.0, 0.75, 0.5, 0.25, 0.0)
    threat_leverage: LeverageByThreat = (5.0, 3.0, 2.0, 1.0, 0.0)
    volume_max_frac: Frac = 0.02
    slip_stop_share_max: Frac = 0.25
    gap_chance_frac: Factor = 0.02
    funding_assumed_frac: Annotated[Float, Field(ge=0.0, le=0.02)] = 0.0001
    stop_round_bps: Annotated[Float, Field(ge=0.0, le=50.0)] = 5.0
    kelly_frac: Factor = 0.25
    kelly_trades_min: Annotated[Int, Field(ge=10, le=500)] = 50
    kelly_days: Annotated[Float, Field(ge=1.0, le=3650.0)] = 90.0

    @model_validator(mode="after")
    def _never_more_with_threat(self) -> "SizingTable":
        """Refuse tables by threat that allow more where the threat is higher."""
        for name in ("threat_risk_factors", "threat_heat_factors", "threat_leverage"):
            row = getattr(self, name)
            if list(row) != sorted(row, reverse=True):
                raise ValueError(f"{name} must not rise with the threat")
        return self


Mode = Literal["normal", "graceful_stop", "manual"]


class ModesTable(Table):
    """How positions opened by hand are guarded on a contract; panic and tp_only are commands."""

    long: Mode = "normal"
    short: Mode = "normal"


class StopsTable(Table):
    """Stops of the strategies' trades that follow the price; zero is off."""

    break_even_r: Annotated[Float, Field(ge=0.0, le=20.0)] = 0.0
    trail_atr: Atr = 0.0
    trail_from_r: Annotated[Float, Field(ge=0.0, le=20.0)] = 1.0


class RiskTable(Table):
    """How much may be lost, on what, and how the guard acts."""

    profile: Literal["L20", "L25", "L30"] | None = None
    loss_budget_frac: Budget | None = None
    enforce: Literal["full", "stop_only", "alert"] = "full"
    symbols: Annotated[tuple[Symbol, ...], Field(min_length=1, max_length=50)] = ("BTC/USDT:USDT",)
    notional_cap_default_usd: Usd = 50_000.0
    notional_cap_usd: dict[Symbol, Usd] = Field(default_factory=dict)
    region: Literal["none", "eu_retail"] = "none"
    loosen_delay_h: Annotated[Float, Field(ge=0.0, le=168.0)] = 12.0
    modes: dict[Symbol, ModesTable] = Field(default_factory=dict)
    guard: GuardTable = GuardTable()
    sizing: SizingTable = SizingTable()
    stops: StopsTable = StopsTable()
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
    params: dict[Name, dict[Name, Float]] = Field(default_factory=dict)


class KeysTable(Table):
    """The names (never the values) of one API key's parts; only OKX has a passphrase."""

    api_key: Name
    api_secret: Name
    api_passphrase: Name | None = None


class VenuesTable(Table):
    """Where orders go and under which key names."""

    exchange: Exchange = "binance"
    site: Site = "testnet"
    """Of mode testnet; demo: Bybit's demo trading, play money at production prices."""
    testnet: KeysTable
    live: KeysTable
