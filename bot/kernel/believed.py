"""What is believed of the account: trades, legs, orders, transfers, anchors, counters."""

from decimal import Decimal

import msgspec

from bot.domain.account import MarginMode
from bot.domain.orders import (
    OrderKind,
    OrderSide,
    OrderStatus,
    PositionSide,
    Purpose,
    TriggerBy,
)
from bot.domain.risk import HandMode
from bot.domain.strategy import NO_EXITS, Exits
from bot.domain.units import ZERO


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
    size_factor: float = 1.0
    """The share of its full size that the rules allowed when it was planned."""
    exits: Exits = NO_EXITS
    entry_client_id: str = ""
    entry_qty: Decimal = ZERO
    entry_value_usd: Decimal = ZERO
    exit_qty: Decimal = ZERO
    exit_value_usd: Decimal = ZERO
    fees_usd: Decimal = ZERO
    funding_usd: Decimal = ZERO
    closed_ns: int = 0
    first_stop_price: float = 0.0
    best_price: float = 0.0
    """Best close since the entry, for stops that follow; 0.0 before the first."""

    @property
    def result_usd(self) -> Decimal:
        """The result of what was seen to be closed, after all fees and funding; 0 without a fill.

        An exit that nobody told, of a position that is gone, brings no made-up price.
        """
        if self.entry_qty == ZERO:
            return ZERO
        share = min(self.exit_qty / self.entry_qty, Decimal(1))
        gross = self.side.sign * (self.exit_value_usd - self.entry_value_usd * share)
        return gross - self.fees_usd + self.funding_usd

    @property
    def open_qty(self) -> Decimal:
        """What is still held of it."""
        return self.entry_qty - self.exit_qty


class CutPlan(msgspec.Struct, kw_only=True):
    """A cut under way: down to what quantity, and how its newest slice was tried."""

    target_qty: Decimal
    reason: str
    decision_id: str
    began_ns: int
    moved_ns: int
    """When it last got what it asked for."""
    before_qty: Decimal
    sent_qty: Decimal = ZERO
    sent_ns: int = 0
    tries: int = 0
    """Slices in a row that did not fill whole."""
    paced: bool = False
    """Whether the market's minute left something over for the next."""


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
    ruled_qty: Decimal = ZERO
    """What the loss budget had left when rules first cut it: so much is bought back; 0: no cut."""
    margin_asked_ns: int = 0
    """When margin was last given back without an answer yet, or refused; 0: neither."""
    uncovered_since_ns: int = 0
    cut_off_ns: int = 0
    """When an order of this leg last could not leave for the venue at all."""
    through_ns: int = 0
    """Since when the mark is beyond a stop of ours that should be filling."""
    action_ns: int = 0
    plan: CutPlan | None = None
    """The cut that its slices carry out; None while none is under way."""
    missing_reads: int = 0
    """Account readings in a row that did not show this leg (two mean it is gone)."""
    absent_ns: int = 0
    """Venue time of the reading by whose silence it counts as flat; 0: the venue said so itself."""
    known_ns: int = 0
    """Venue time of the last word about the leg before those readings."""
    flat_ns: int = 0
    last_fill_ours: bool = False
    adopted_ns: int = 0
    """Venue time of the quantity that `user_qty` was last read from; older fills are in it."""
    refused: dict[str, int] = {}
    """purpose -> refusals in a row; `wait_until_ns` holds the next try back."""
    wait_until_ns: dict[str, int] = {}
    alerted_ns: int = 0
    liq_told_ns: int = 0
    """When it was last said that our liquidation price and the venue's differ."""
    stop_flaws: str = ""
    """What was last told against the place of its stop."""
    adl_rank: int | None = None
    """Place in the queue for auto-deleveraging, 0 last to 4 first; None: not told."""


class Rung(msgspec.Struct):
    """The factor one rule has in force, and since when it asks for so little."""

    factor: float
    since_ns: int


class Ladder(msgspec.Struct, kw_only=True):
    """Where the rules hold one side of one symbol: the strategies' share of it, or the hand's."""

    symbol: str
    side: PositionSide
    own: bool
    state: str = "NORMAL"
    factor: float = 1.0
    """Share of the allowed size in force."""
    reached: float = 1.0
    """The least factor that orders have already brought about."""
    rungs: dict[str, Rung] = {}
    """rule -> what it has in force (hysteresis)."""
    blocked_ns: int = 0
    """When new risk was last forbidden; 0: never."""
    asked: list[tuple[int, float]] = []
    """(when, factor) of what was last asked for and not yet given back, from the lowest up."""
    blocked: bool = False
    """Whether new risk is forbidden."""
    blocks: bool = False
    """Whether the cut in force forbids new risk until it is given back."""
    falling: bool = False
    """Whether the last move was down: a further one belongs to the same cycle."""
    cycles: list[int] = []
    """Instants of the last day at which a cut began after calm or recovery."""
    opened_ns: int = 0
    """Which position of the hand it speaks of."""


class HandOrder(msgspec.Struct):
    """What the owner commanded for one side of a symbol, and where its profit is taken."""

    mode: HandMode
    target_price: float = 0.0
    """0.0: none was named."""


class KeptLimits(msgspec.Struct, kw_only=True):
    """The limits in force as JSON by name, and looser ones that wait."""

    values: dict[str, str] = {}
    asked: dict[str, str] = {}
    asked_ns: dict[str, int] = {}
    """When each looser value was first asked for."""
    confirmed: str = ""
    """The code with which the owner confirmed what waits."""


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
    own_week_usd: float = 0.0
    """The same of this week."""
    own_open_day_usd: float = 0.0
    own_open_week_usd: float = 0.0
    """The strategies' open result when the day and the week began."""


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


def leg_key(symbol: str, side: PositionSide) -> str:
    """Return the key of a leg in BotState.legs."""
    return symbol + ("|LONG" if side is PositionSide.LONG else "|SHORT")
