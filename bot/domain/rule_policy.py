"""Thresholds of the de-leveraging rules and of the ladder that carries them out."""

import msgspec

ACTS_ON = ("off", "own", "all")
"""Whom a rule may cut, least first: nobody, the strategies' positions, those opened by hand too."""


class Step(msgspec.Struct, frozen=True, order=True):
    """One rung of a ladder: at `enter` exposure times `factor`, until `leave` is passed again."""

    enter: float
    leave: float
    factor: float


class LadderPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How a cut is held and given back (domain 9.5)."""

    dwell_s: float = 60.0
    """Least time in a state before a milder one."""
    cool_down_h: float = 4.0
    """All rules must ask for less this long before a cut is given back; doubles on repetition."""
    cool_down_max_h: float = 24.0
    ramp_per_h: float = 0.25
    """Share of the allowed size that an hour gives back."""
    cycles_max: int = 6
    """Cuts after a recovery within 24 h; one more ends the strategies' trading."""


class RulePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Thresholds of the rules (domain 9.1, 9.2); fractions of equity unless named otherwise."""

    acts_on: dict[str, str] = {}
    """rule -> "off", "own" or "all"; a rule that is not named keeps its own default."""
    ladder: LadderPolicy = LadderPolicy()
    margin_ratio: tuple[Step, ...] = (
        Step(0.35, 0.28, 0.75),
        Step(0.50, 0.40, 0.50),
        Step(0.65, 0.50, 0.25),
        Step(0.80, 0.50, 0.0),
    )
    liq_distance_atr: tuple[Step, ...] = (Step(1.25, 1.75, 0.25), Step(0.75, 1.25, 0.0))
    liq_distance_own_atr: tuple[Step, ...] = (
        Step(3.0, 3.5, 0.75),
        Step(2.0, 2.5, 0.50),
        Step(1.25, 1.75, 0.25),
        Step(0.75, 1.25, 0.0),
    )
    threat: tuple[Step, ...] = (Step(3.0, 3.0, 0.6), Step(4.0, 4.0, 0.3), Step(5.0, 5.0, 0.0))
    daily_loss_half_frac: float = 0.01
    daily_loss_halt_frac: float = 0.02
    weekly_loss_half_frac: float = 0.03
    weekly_loss_halt_frac: float = 0.05
    drawdown: tuple[Step, ...] = (Step(0.10, 0.08, 0.5), Step(0.15, 0.12, 0.0))
    grossman_zhou: bool = False
    """Size by the distance to a floor under the peak instead of by the steps of `drawdown`."""
    grossman_zhou_alpha: float = 0.85
    support_days: int = 5
    cluster_k: float = 1.0
    cluster_factor: float = 0.5
    cluster_volume_share: float = 0.10
    """Share of an hour's traded volume that stands for the depth of the book in a daily range."""
    level_factor: float = 0.5
    funding_cost_r_frac: float = 0.20
    """Funding to the horizon as a share of the trade's risk."""
    funding_apr_max: float = 0.60
    funding_factor: float = 0.5
    settlement_window_s: float = 900.0
    settlement_rate_min_frac: float = 0.0005
    """A payment of at least this share of notional closes the window before it to new risk."""
    oi_froth: float = 0.80
    oi_froth_leave: float = 0.70
    oi_froth_leverage: float = 2.0
    venue_reject_frac: float = 0.20
    venue_orders_min: int = 10
    venue_gap_s: float = 30.0
    venue_factor: float = 0.5
    adl_lights: int = 4
    adl_factor: float = 0.5
    close_out_frac: float = 0.0
    """Equity over initial margin at which everything is closed; 0: no such rule of the region."""
    price_stale_s: float = 5.0
    account_stale_s: float = 15.0
    flows_stale_s: float = 900.0
    """Age of funding and open interest from which no new risk is taken."""
    stop_missing_s: float = 2.0
    action_gap_s: float = 60.0
