"""The shape of [risk.rules]: one table a rule, every number bounded."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from bot.app.config.bounds import Factor, Float, Frac, Int, Seconds, Table


class RungTable(Table):
    """From `enter` on, exposure times `factor`, until `leave` is passed again."""

    enter: Annotated[Float, Field(gt=0.0, le=100.0)]
    leave: Annotated[Float, Field(gt=0.0, le=100.0)]
    factor: Factor


Rungs = Annotated[tuple[RungTable, ...], Field(min_length=1, max_length=10)]


class RuleTable(Table):
    """Whom a rule may cut; None: its own default."""

    acts_on: Literal["off", "own", "all"] | None = None


class SteppedTable(RuleTable):
    """A rule whose larger values are worse."""

    steps: Rungs | None = None

    @model_validator(mode="after")
    def _let_go(self) -> "SteppedTable":
        """Refuse ladders that would never let go."""
        for rung in self.steps or ():
            if rung.leave > rung.enter:
                raise ValueError("leave must not be above enter")
        return self


class DistanceTable(RuleTable):
    """Distance to liquidation in daily ranges: smaller is worse."""

    steps: Rungs | None = None
    own_steps: Rungs | None = None

    @model_validator(mode="after")
    def _let_go(self) -> "DistanceTable":
        """Refuse ladders that would never let go."""
        for rung in (*(self.steps or ()), *(self.own_steps or ())):
            if rung.leave < rung.enter:
                raise ValueError("leave must not be below enter")
        return self


class WeeklyTable(RuleTable):
    """Loss of the strategies' week as a share of equity."""

    half_frac: Frac = 0.03
    halt_frac: Frac = 0.05

    @model_validator(mode="after")
    def _ordered(self) -> "WeeklyTable":
        """Refuse a halt that comes before the half."""
        if self.half_frac > self.halt_frac:
            raise ValueError("half_frac must not be above halt_frac")
        return self


class DrawdownTable(SteppedTable):
    """Fall of equity from its peak."""

    grossman_zhou: bool = False
    alpha: Annotated[Float, Field(ge=0.5, le=0.99)] = 0.85


class SupportTable(RuleTable):
    """The extreme of past days, an option."""

    days: Annotated[Int, Field(ge=1, le=29)] = 5


class ClusterTable(RuleTable):
    """Forced orders within a daily range against what the market takes."""

    k: Annotated[Float, Field(gt=0.0, le=100.0)] = 1.0
    factor: Factor = 0.5
    volume_share: Frac = 0.10


class LevelBrokenTable(RuleTable):
    """A level behind the position that broke."""

    factor: Factor = 0.5


class FundingTable(RuleTable):
    """Funding that eats the trade."""

    cost_r_frac: Frac = 0.20
    apr_max: Annotated[Float, Field(gt=0.0, le=10.0)] = 0.60
    factor: Factor = 0.5
    window_s: Annotated[Float, Field(ge=0.0, le=28_800.0)] = 900.0
    window_rate_min_frac: Annotated[Float, Field(ge=0.0, le=0.1)] = 0.0005


class FrothTable(RuleTable):
    """A market full of borrowed positions."""

    enter: Frac = 0.80
    leave: Frac = 0.70
    leverage: Annotated[Float, Field(ge=0.1, le=125.0)] = 2.0

    @model_validator(mode="after")
    def _let_go(self) -> "FrothTable":
        """Refuse a way out above the way in."""
        if self.leave > self.enter:
            raise ValueError("leave must not be above enter")
        return self


class VenueTable(RuleTable):
    """A venue that refuses orders or whose mark left its index."""

    reject_frac: Frac = 0.20
    orders_min: Annotated[Int, Field(ge=3, le=100)] = 10
    gap_s: Seconds = 30.0
    factor: Factor = 0.5


class AdlTable(RuleTable):
    """The queue for auto-deleveraging, in lights of five."""

    lights: Annotated[Int, Field(ge=1, le=5)] = 4
    factor: Factor = 0.5


class LadderTable(Table):
    """How a cut is held and given back."""

    dwell_s: Annotated[Float, Field(ge=0.0, le=86_400.0)] = 60.0
    cool_down_h: Annotated[Float, Field(ge=0.0, le=24.0)] = 4.0
    cool_down_max_h: Annotated[Float, Field(ge=0.0, le=168.0)] = 24.0
    ramp_per_h: Frac = 0.25
    cycles_max: Annotated[Int, Field(ge=1, le=100)] = 6

    @model_validator(mode="after")
    def _ordered(self) -> "LadderTable":
        """Refuse a longest wait below the first one."""
        if self.cool_down_h > self.cool_down_max_h:
            raise ValueError("cool_down_h must not be above cool_down_max_h")
        return self


class RulesTable(Table):
    """Thresholds of the rules behind the loss budget."""

    daily_loss_half_frac: Frac = 0.01
    daily_loss_halt_frac: Frac = 0.02
    price_stale_s: Seconds = 5.0
    account_stale_s: Seconds = 15.0
    flows_stale_s: Annotated[Float, Field(gt=0.0, le=86_400.0)] = 900.0
    stop_missing_s: Seconds = 2.0
    action_gap_s: Seconds = 60.0
    ladder: LadderTable = LadderTable()
    margin_ratio: SteppedTable = SteppedTable()
    liquidation_distance: DistanceTable = DistanceTable()
    missing_stop: RuleTable = RuleTable()
    stale_data: RuleTable = RuleTable()
    threat: SteppedTable = SteppedTable()
    daily_loss: RuleTable = RuleTable()
    weekly_loss: WeeklyTable = WeeklyTable()
    drawdown: DrawdownTable = DrawdownTable()
    broken_support: SupportTable = SupportTable()
    cluster_proximity: ClusterTable = ClusterTable()
    level_broken: LevelBrokenTable = LevelBrokenTable()
    funding_cost: FundingTable = FundingTable()
    oi_froth: FrothTable = FrothTable()
    venue_health: VenueTable = VenueTable()
    adl_rank: AdlTable = AdlTable()
    event_window: RuleTable = RuleTable()
    close_out: RuleTable = RuleTable()

    @model_validator(mode="after")
    def _ordered(self) -> "RulesTable":
        """Refuse a halt that comes before the half."""
        if self.daily_loss_half_frac > self.daily_loss_halt_frac:
            raise ValueError("daily_loss_half_frac must not be above daily_loss_halt_frac")
        return self
