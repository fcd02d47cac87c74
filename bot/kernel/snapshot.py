"""The kernel's whole belief as encodable structs, its frozen form, and its digest."""

import hashlib
from decimal import Decimal

import msgspec

from bot.domain.account import MarginMode
from bot.domain.instrument import Instrument
from bot.domain.orders import (
    OrderKind,
    OrderSide,
    OrderStatus,
    PositionSide,
    Purpose,
    TriggerBy,
)
from bot.domain.risk import Refusal, TradingMode
from bot.domain.sense import Assessment
from bot.domain.strategy import Memory
from bot.domain.units import ZERO
from bot.kernel.clusters.state import ClusterMap, ScoreBook, SpentMap
from bot.kernel.levels.state import LevelBook, ScenarioBook
from bot.kernel.sensed import Senses

STATE_VERSION = 2


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
    mark: float = 0.0
    mark_ns: int = 0
    mark_received_ns: int = 0
    index: float = 0.0
    last: float = 0.0
    last_ns: int = 0
    bid: float = 0.0
    ask: float = 0.0
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


class Trade(msgspec.Struct, kw_only=True):
    """A strategy's position from intent to exit: its stop, target and money."""

    trade_id: str
    strategy: str
    signal_id: str
    symbol: str
    side: PositionSide
    stop_price: float
    target_price: float
    planned_qty: Decimal
    risk_usd: float
    reason: str
    opened_ns: int
    decision_id: str
    entry_client_id: str = ""
    entry_qty: Decimal = ZERO
    entry_value_usd: Decimal = ZERO
    exit_qty: Decimal = ZERO
    exit_value_usd: Decimal = ZERO
    fees_usd: Decimal = ZERO
    funding_usd: Decimal = ZERO
    closed_ns: int = 0

    @property
    def open_qty(self) -> Decimal:
        """What is still held of it."""
        return self.entry_qty - self.exit_qty


class Leg(msgspec.Struct, kw_only=True):
    """One position leg as believed; qty positive. Key: symbol|side."""

    symbol: str
    side: PositionSide
    qty: Decimal = ZERO
    entry_price: Decimal = ZERO
    margin_mode: MarginMode | None = None
    leverage: int | None = None
    isolated_margin_usd: Decimal | None = None
    venue_liq_price: Decimal | None = None
    hedged: bool = False
    position_ns: int = 0
    fill_ns: int = 0
    opened_ns: int = 0
    user_qty: Decimal = ZERO
    """What foreign fills last made it: the most the guard may hold."""
    foreign: bool = False
    """Whether a human (or another program) opened or grew it."""
    trade: Trade | None = None
    last_cut_ns: int = 0
    last_relever_ns: int = 0
    released_usd: Decimal = ZERO
    """Isolated margin our own cuts released and that was not given back yet."""
    margin_asked_ns: int = 0
    """When margin was last given back without an answer yet; 0: nothing is under way."""
    uncovered_since_ns: int = 0
    cut_off_ns: int = 0
    """When an order of this leg last could not leave for the venue at all."""
    through_ns: int = 0
    """Since when the mark is beyond a stop of ours that should be filling."""
    rungs: dict[str, float] = {}
    """rule -> exposure factor in force (hysteresis)."""
    action_ns: int = 0
    missing_reads: int = 0
    """Account readings in a row that did not show this leg (two mean it is gone)."""
    flat_ns: int = 0
    last_fill_ours: bool = False
    adopted_ns: int = 0
    """Venue time of the quantity that `user_qty` was last read from; older fills are in it."""
    refused: dict[str, int] = {}
    """purpose -> refusals in a row; `wait_until_ns` holds the next try back."""
    wait_until_ns: dict[str, int] = {}
    alerted_ns: int = 0


class OrderBelief(msgspec.Struct, kw_only=True):
    """One of our orders (or a foreign one seen), as believed."""

    client_order_id: str
    symbol: str
    side: OrderSide
    position_side: PositionSide
    kind: OrderKind
    purpose: Purpose | None
    """None: not ours."""
    status: OrderStatus
    qty: Decimal
    filled_qty: Decimal = ZERO
    trigger_price: Decimal | None = None
    trigger_by: TriggerBy | None = None
    reduce_only: bool = False
    close_position: bool = False
    venue_order_id: str = ""
    sent_ns: int = 0
    event_ns: int = 0
    asked_ns: int = 0
    cancel_ns: int = 0
    misses: int = 0
    reason: str = ""

    @property
    def ours(self) -> bool:
        """Whether this house sent it."""
        return self.purpose is not None

    @property
    def remaining_qty(self) -> Decimal:
        """What may still fill."""
        return max(self.qty - self.filled_qty, ZERO)


class Transfer(msgspec.Struct):
    """A deposit or withdrawal told by the account stream or by the ledger, matched one to one."""

    amount: str
    ns: int
    matched: bool


class Anchors(msgspec.Struct, kw_only=True):
    """Equity at the starts of the UTC day and week, and the transfer-adjusted peak."""

    high_water_usd: float = 0.0
    day: int = -1
    day_start_usd: float = 0.0
    week: int = -1
    week_start_usd: float = 0.0
    own_day_usd: float = 0.0
    """The strategies' realised result today: price, fees, funding."""


class Books(msgspec.Struct, kw_only=True):
    """Counters a report needs; money in USD."""

    trades: int = 0
    wins: int = 0
    actions: int = 0
    liquidations: int = 0
    liquidation_id: str = ""
    """Client id of the newest forced order, so that its parts count once."""
    fees_usd: float = 0.0
    funding_usd: float = 0.0
    refusals: dict[str, int] = {}


class BotState(msgspec.Struct, kw_only=True):
    """All the kernel believes; owned and written by the kernel alone."""

    version: int = STATE_VERSION
    run_id: str = ""
    seq: int = 0
    now_ns: int = 0
    read_only: bool = False
    mode: TradingMode = TradingMode.REDUCING
    wanted_mode: TradingMode = TradingMode.ACTIVE
    """What the operator last chose; reached only once reconciled."""
    mode_reason: str = "starting"
    latched: bool = False
    latch_reason: str = ""
    reconciled_ns: int = 0
    account_ns: int = 0
    user_stream_live: bool = True
    stops_proven: bool = True
    """False once a stop could not be placed, seen and cancelled at the venue."""
    hedge_mode: bool = False
    margin_modes: dict[str, MarginMode] = {}
    leverages: dict[str, int] = {}
    wallet_usd: Decimal = ZERO
    wallet_ns: int = 0
    fill_ns: int = 0
    fill_seen_ns: int = 0
    traded_wallet_ns: int = 0
    """Venue time of the newest wallet word about an order, and when it was heard."""
    traded_wallet_seen_ns: int = 0
    transfers: dict[str, Transfer] = {}
    """Transfers already taken out of the peak, by where they were told."""
    unexplained_usd: float = 0.0
    """Wallet change of account readings that no fill, fee, funding or transfer explains yet."""
    unexplained_ns: int = 0
    markets: dict[str, Market] = {}
    sensed: dict[str, Sensed] = {}
    legs: dict[str, Leg] = {}
    orders: dict[str, OrderBelief] = {}
    seen_fills: dict[str, int] = {}
    lived_until_ns: int = 0
    """Up to when the state of the life before this one was kept; 0 in a first life."""
    fills_wanted: dict[str, int] = {}
    """symbol -> since when executions must be read again, because a reading failed."""
    seen_commands: dict[str, int] = {}
    signals: dict[str, int] = {}
    memories: dict[str, Memory] = {}
    anchors: Anchors = msgspec.field(default_factory=Anchors)
    books: Books = msgspec.field(default_factory=Books)
    closed_trades: list[Trade] = []
    refusals: list[Refusal] = []
    equity_recorded_ns: int = 0
    effects_digest: str = ""


def freeze(state: BotState) -> bytes:
    """Return the whole state as MessagePack: exact floats, decimals as text."""
    return msgspec.msgpack.encode(state)


def thaw(blob: bytes) -> BotState:
    """Return the state that `freeze` made.

    Raises:
        ValueError: the bytes are not a state of this version.
    """
    try:
        state = msgspec.msgpack.decode(blob, type=BotState)
    except msgspec.MsgspecError as error:
        raise ValueError(f"state snapshot cannot be read: {error}") from None
    if state.version != STATE_VERSION:
        raise ValueError(f"state snapshot has version {state.version}, need {STATE_VERSION}")
    return state


def digest(state: BotState) -> str:
    """Return the sha256 of the whole state, hex."""
    return hashlib.sha256(freeze(state)).hexdigest()


def chain(previous: str, payload: bytes) -> str:
    """Return the running digest of effects after `payload`."""
    return hashlib.sha256(previous.encode() + payload).hexdigest()


def leg_key(symbol: str, side: PositionSide) -> str:
    """Return the key of a leg in BotState.legs."""
    return f"{symbol}|{side.value}"
