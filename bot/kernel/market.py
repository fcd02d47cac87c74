"""What is believed of one market: prices, bars, zones, flows, and what the senses made of them."""

import msgspec

from bot.domain.instrument import Instrument
from bot.domain.sense import Assessment
from bot.kernel.clusters.state import ClusterMap, ScoreBook, SpentMap
from bot.kernel.levels.state import LevelBook, ScenarioBook
from bot.kernel.sensed import Senses


class Bar(msgspec.Struct):
    """One bar of the decision timeframe (or of an hour); prices in quote, volume in base."""

    open_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0


class Zone(msgspec.Struct, kw_only=True):
    """A price zone with the state of its state machine; side +1 support, -1 resistance."""

    name: str
    low: float
    high: float
    known_from_ns: int = 0
    side: int = 0
    state: str = "NEW"
    bars_in_state: int = 0
    holds: int = 0
    extreme: float = 0.0
    changed: bool = False
    note: str = ""


class FlowSum(msgspec.Struct):
    """Liquidations that became known at `ns`, in USD."""

    ns: int
    long_usd: float
    short_usd: float


class Market(msgspec.Struct, kw_only=True):
    """Everything sensed about one symbol. Prices 0.0 mean unknown; check the matching `_ns`."""

    symbol: str
    instrument: Instrument | None = None
    instrument_ns: int = 0
    """When the contract and its margin tiers were last read; 0: never."""
    mark: float = 0.0
    mark_ns: int = 0
    mark_received_ns: int = 0
    index: float = 0.0
    last: float = 0.0
    last_ns: int = 0
    bid: float = 0.0
    ask: float = 0.0
    bid_qty: float = 0.0
    ask_qty: float = 0.0
    book_received_ns: int = 0
    feed_live: bool = True
    feed_reason: str = ""
    bar: Bar | None = None
    bars: list[Bar] = []
    hour: Bar | None = None
    hour_close: float = 0.0
    atr_1h: float = 0.0
    atr_1h_count: int = 0
    var_fast: float = 0.0
    var_slow: float = 0.0
    var_from_ns: int = 0
    var_ns: int = 0
    var_close: float = 0.0
    funding_frac: float | None = None
    funding_interval_s: int = 0
    funding_ns: int = 0
    open_interest_qty: float | None = None
    open_interest_ns: int = 0
    flows: list[FlowSum] = []
    zones: list[Zone] = []


class Sensed(msgspec.Struct, kw_only=True):
    """What all venues and sources together tell of one symbol, and what is made of it."""

    senses: Senses
    book: LevelBook = msgspec.field(default_factory=LevelBook)
    scenarios: ScenarioBook = msgspec.field(default_factory=ScenarioBook)
    clusters: ClusterMap = msgspec.field(default_factory=ClusterMap)
    spent: SpentMap = msgspec.field(default_factory=SpentMap)
    score: ScoreBook = msgspec.field(default_factory=ScoreBook)
    weights: tuple[float, float] = (0.0, 0.0)
    """What the cluster map may count for in decisions: long side, short side, 0 to 1."""
    traded_qty: float = 0.0
    """Base volume since the newest open interest that the map took."""
    map_venue: str = ""
    sum_venue: str = ""
    """Whose open interest moves the map, and whose totals judge it."""
    assessment: Assessment | None = None
