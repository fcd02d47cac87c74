"""What the market senses remember of one symbol, as encodable structs without behaviour.

Numbers are floats unless said; money in rolling sums is whole cents, so that adding and taking
away is exact in any order. Instants are ns UTC, 0 meaning never. Fractions are of one.
"""

import msgspec

from bot.domain.market import EventWindow
from bot.domain.sense_policy import AssetPriors as AssetPriors
from bot.domain.sense_policy import SensePolicy as SensePolicy
from bot.domain.sense_policy import asset_of as asset_of
from bot.domain.sense_policy import priors_of as priors_of
from bot.domain.units import NS_PER_H

WINDOWS_S = (60, 300, 3_600, 14_400, 86_400, 172_800)
"""Rolling windows of liquidations, seconds."""
HORIZONS_S = (900, 3_600, 14_400, 86_400)
"""Horizons of price and open interest changes, seconds."""
HISTORY_H = 32 * 24
FUNDING_SLOTS = 3 * 366
"""A year of settlements of eight hours."""


# ------------------------------------------------------------------ rolling memory


class Ring(msgspec.Struct):
    """Values of numbered slots: slot n at n % size; None is a hole, `newest` -1 is empty."""

    size: int
    newest: int = -1
    values: list[float | None] = []


class Wheel(msgspec.Struct):
    """Cents by time bucket and side, with running totals of windows of `spans` buckets."""

    grain_ns: int
    spans: tuple[int, ...]
    newest: int = -1
    long_cents: list[int] = []
    short_cents: list[int] = []
    long_totals: list[int] = []
    short_totals: list[int] = []


class Peak(msgspec.Struct):
    """A value at an instant in a monotone record."""

    ns: int
    value: float


class PathBlock(msgspec.Struct):
    """A stretch of price: extremes, and the worst fall and rise inside it in order of time."""

    number: int
    open: float
    high: float
    low: float
    close: float
    drop: float
    rise: float


class PriceSense(msgspec.Struct, kw_only=True):
    """Price over minutes, hours and days; known at closes of bars."""

    close_ns: int = 0
    close: float = 0.0
    bar_ns: int = 0
    refused: int = 0
    fine: list[PathBlock] = []
    hour: PathBlock | None = None
    hours: list[PathBlock] = []
    past_48h: PathBlock | None = None
    past_24h: PathBlock | None = None
    closes: Ring = msgspec.field(default_factory=lambda: Ring(HISTORY_H))
    vols: Ring = msgspec.field(default_factory=lambda: Ring(HISTORY_H))
    ranges: Ring = msgspec.field(default_factory=lambda: Ring(HISTORY_H))
    day: int = -1
    days: Ring = msgspec.field(default_factory=lambda: Ring(120))
    rsi_gain: float = 0.0
    rsi_loss: float = 0.0


class Sizes(msgspec.Struct):
    """Liquidation sizes seen at one venue, by power of two of USD, one side."""

    counts: list[int] = []
    usd: float = 0.0
    number: int = 0
    week: int = -1
    past_counts: list[int] = []
    past_usd: float = 0.0
    past_number: int = 0


class LiqVenue(msgspec.Struct, kw_only=True):
    """Liquidations printed by one venue."""

    venue: str
    first_ns: int = 0
    last_ns: int = 0
    live: bool = True
    refused: int = 0
    repeated: int = 0
    wheels: list[Wheel] = []
    excess: list[Wheel] = []
    """What the venue's throttle hides, estimated minute by minute."""
    taker: Wheel | None = None
    """Market orders that sold (in place of longs) and bought (shorts), in 1e-9 coins."""
    taker_from_ns: int = 0
    taker_price: float = 0.0
    """The first minute whose trades are all counted, and the newest traded price."""
    seen: dict[str, int] = {}
    seen_before: dict[str, int] = {}
    minute: int = -1
    second_usd: dict[str, list[float]] = {}
    """This minute's largest or latest print of each second: second|side -> [usd]."""
    sizes: dict[str, Sizes] = {}
    saturated_ns: int = 0


class LiqSeries(msgspec.Struct, kw_only=True):
    """A vendor's liquidation totals by closed window, in USD."""

    venue: str
    window_s: int
    newest_ns: int = 0
    longs: Ring
    shorts: Ring
    day_sums: Ring
    rows: int = 0
    """Windows of the last day that are known."""
    long_24h: float = 0.0
    short_24h: float = 0.0
    last_1h: float | None = None
    base_usd: float | None = None
    base_days: float = 0.0
    peaks: list[Peak] = []


class LiqSense(msgspec.Struct, kw_only=True):
    """All that is known of liquidations of one symbol."""

    venues: dict[str, LiqVenue] = {}
    series: dict[str, LiqSeries] = {}
    day_sums: Ring = msgspec.field(default_factory=lambda: Ring(HISTORY_H))
    base_usd: float | None = None
    base_days: float = 0.0
    peaks: list[Peak] = []
    minute: int = -1
    alarm_mean: float = 0.0
    alarm_var: float = 0.0
    alarm_count: int = 0
    alarm_z: float = 0.0
    alarm_ns: int = 0
    """End of the last minute that was a cascade by itself."""
    refused: int = 0


class OiVenue(msgspec.Struct, kw_only=True):
    """Open interest of one venue, coins."""

    venue: str
    qty: float = 0.0
    ns: int = 0
    gaps_ns: list[int] = []
    age_limit_ns: int = NS_PER_H
    suspect_qty: float = 0.0
    fine: Ring = msgspec.field(default_factory=lambda: Ring(72))
    hours: Ring = msgspec.field(default_factory=lambda: Ring(HISTORY_H))


class OiSense(msgspec.Struct, kw_only=True):
    """Open interest by venue."""

    venues: dict[str, OiVenue] = {}
    refused: int = 0


class FundingVenue(msgspec.Struct, kw_only=True):
    """Funding of one venue, per eight hours."""

    venue: str
    interval_s: int = 0
    predicted_8h: float = 0.0
    predicted_ns: int = 0
    settled_8h: float = 0.0
    settled_ns: int = 0


class FundingSense(msgspec.Struct, kw_only=True):
    """Funding by venue, and the history of their weighted mean by slot of eight hours."""

    venues: dict[str, FundingVenue] = {}
    slots: Ring = msgspec.field(default_factory=lambda: Ring(FUNDING_SLOTS))
    valley: list[Peak] = []
    sign: int = 0
    new_sign: int = 0
    new_sign_slots: int = 0
    flipped_ns: int = 0
    refused: int = 0


class Told(msgspec.Struct):
    """The newest reading of one name, with its source."""

    source: str
    value: float
    event_ns: int
    received_ns: int
    origin: str = ""
    half_life_ns: int = 0


class ReadingSense(msgspec.Struct, kw_only=True):
    """Readings that no venue gives."""

    newest: dict[str, Told] = {}
    strikes: dict[str, Told] = {}
    """Option strikes with much open interest: shown, not weighed."""
    flows: Ring = msgspec.field(default_factory=lambda: Ring(150))
    equity: Ring = msgspec.field(default_factory=lambda: Ring(150))
    netflow: Ring = msgspec.field(default_factory=lambda: Ring(150))
    refused: int = 0


class Baselines(msgspec.Struct, kw_only=True):
    """What is ordinary for a symbol, renewed at hours; None is not known."""

    hour: int = -1
    sd: float | None = None
    range_med: float | None = None
    oi_sd: float | None = None
    oi_days: float = 0.0
    funding_med: float | None = None
    funding_sd: float | None = None
    move_sd: list[float | None] = []
    """Robust deviation of log price changes, by horizon."""
    oi_move_sd: list[float | None] = []
    froth: float | None = None
    """How full the market is of borrowed positions, 0 to 1."""
    rho: float | None = None
    etf_sd_usd: float | None = None


class Carried(msgspec.Struct):
    """The last live numbers of one input, and when they were live."""

    values: tuple[float | None, ...]
    ns: int
    live: bool = True


class ThreatMemory(msgspec.Struct, kw_only=True):
    """Hysteresis of one threat."""

    level: int = 1
    since_ns: int = 0
    below_ns: int = 0
    """Since when Stress is low enough to step down; 0: it is not."""
    active_ns: int = 0
    """When the market was last seen still moving against the side, or a flag stood."""


class CascadeMemory(msgspec.Struct, kw_only=True):
    """State machine of forced selling."""

    state: str = "CALM"
    since_ns: int = 0
    peak_usd: float = 0.0
    quiet_ns: int = 0


class Senses(msgspec.Struct, kw_only=True):
    """Everything the market senses know of one symbol."""

    symbol: str
    price: PriceSense = msgspec.field(default_factory=PriceSense)
    liquidations: LiqSense = msgspec.field(default_factory=LiqSense)
    open_interest: OiSense = msgspec.field(default_factory=OiSense)
    funding: FundingSense = msgspec.field(default_factory=FundingSense)
    readings: ReadingSense = msgspec.field(default_factory=ReadingSense)
    baselines: Baselines = msgspec.field(default_factory=Baselines)
    carried: dict[str, Carried] = {}
    fall: ThreatMemory = msgspec.field(default_factory=ThreatMemory)
    rally: ThreatMemory = msgspec.field(default_factory=ThreatMemory)
    cascade: CascadeMemory = msgspec.field(default_factory=CascadeMemory)
    flags: dict[str, int] = {}
    """Systemic flags -> until when they stand (0: until taken back)."""
    windows: dict[str, tuple[EventWindow, ...]] = {}
    """Announced events by the source that told them."""
    dislocated_ns: int = 0
    """Since when mark and index stand apart; 0: they do not."""
    assessed_ns: int = 0
