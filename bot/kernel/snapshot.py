"""The kernel's whole belief as one encodable struct, its frozen form, and its digest."""

import hashlib
from decimal import Decimal

import msgspec

from bot.domain.account import MarginMode
from bot.domain.risk import Refusal, TradingMode
from bot.domain.strategy import Memory
from bot.domain.units import ZERO
from bot.kernel.believed import Anchors as Anchors
from bot.kernel.believed import Books as Books
from bot.kernel.believed import CutPlan as CutPlan
from bot.kernel.believed import HandOrder as HandOrder
from bot.kernel.believed import KeptLimits as KeptLimits
from bot.kernel.believed import Ladder as Ladder
from bot.kernel.believed import Leg as Leg
from bot.kernel.believed import OrderBelief as OrderBelief
from bot.kernel.believed import Rung as Rung
from bot.kernel.believed import Trade as Trade
from bot.kernel.believed import Transfer as Transfer
from bot.kernel.believed import leg_key as leg_key
from bot.kernel.market import Bar as Bar
from bot.kernel.market import FlowSum as FlowSum
from bot.kernel.market import Market as Market
from bot.kernel.market import Sensed as Sensed
from bot.kernel.market import Zone as Zone

STATE_VERSION = 2


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
    shown_ns: int = 0
    """Venue time of the newest account reading of this life."""
    account_ns: int = 0
    user_stream_live: bool = True
    stops_proven: bool = True
    """False once a stop could not be placed, seen and cancelled at the venue."""
    key_flaw: str = ""
    """Why nothing may be opened with this API key; empty when it is fit."""
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
    wallet_since_ns: int = 0
    """Venue time of the first account reading ever: transfers before it are in it already."""
    transfers: dict[str, Transfer] = {}
    """Transfers already taken out of the peak, by where they were told."""
    unexplained_usd: float = 0.0
    """Wallet change of account readings that no fill, fee, funding or transfer explains yet."""
    unexplained_ns: int = 0
    markets: dict[str, Market] = {}
    sensed: dict[str, Sensed] = {}
    legs: dict[str, Leg] = {}
    orders: dict[str, OrderBelief] = {}
    ladders: dict[str, Ladder] = {}
    """symbol|side|own or hand -> where the rules hold it; kept over restarts."""
    limits: KeptLimits = msgspec.field(default_factory=KeptLimits)
    hand_orders: dict[str, HandOrder] = {}
    """symbol|side -> what the owner commanded there; kept over restarts."""
    account_rungs: dict[str, Rung] = {}
    """What rules that judge the whole account have in force."""
    flapping: str = ""
    """Why the strategies' trading ended for too many cuts; "" while it did not."""
    order_ends: list[tuple[int, bool]] = []
    """When the newest orders were answered, and whether that was a refusal or silence."""
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
