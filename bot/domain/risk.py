"""Trading mode, refusals, demands and decisions: the words risk is spoken in."""

from enum import StrEnum

import msgspec


class TradingMode(StrEnum):
    """What exposure may do after a fill: grow, only shrink, or only shrink with a human's word."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


class Enforce(StrEnum):
    """How far the guard may go on an account."""

    FULL = "full"
    STOP_ONLY = "stop_only"
    ALERT = "alert"


class HandMode(StrEnum):
    """What is done with a position opened by hand, on one side of one symbol."""

    NORMAL = "normal"
    GRACEFUL_STOP = "graceful_stop"
    TP_ONLY = "tp_only"
    PANIC = "panic"
    MANUAL = "manual"


class Severity(StrEnum):
    """How loud a notice is."""

    INFO = "INFO"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


class RefusalReason(StrEnum):
    """Why the gate said no."""

    MODE_FORBIDS_GROWTH = "MODE_FORBIDS_GROWTH"
    SYMBOL_NOT_ALLOWED = "SYMBOL_NOT_ALLOWED"
    INSTRUMENT_UNKNOWN = "INSTRUMENT_UNKNOWN"
    NOTIONAL_ABOVE_CAP = "NOTIONAL_ABOVE_CAP"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    ABOVE_MAXIMUM = "ABOVE_MAXIMUM"
    NOT_ON_GRID = "NOT_ON_GRID"
    PRICE_UNKNOWN = "PRICE_UNKNOWN"
    PRICE_STALE = "PRICE_STALE"
    STOP_MISSING = "STOP_MISSING"
    STOP_WRONG_SIDE = "STOP_WRONG_SIDE"
    WOULD_NOT_REDUCE = "WOULD_NOT_REDUCE"
    WOULD_FLIP = "WOULD_FLIP"
    GUARD_CAP = "GUARD_CAP"
    RISK_BUDGET = "RISK_BUDGET"
    RULE_FORBIDS = "RULE_FORBIDS"
    HAND_MODE = "HAND_MODE"
    COST_SHARE = "COST_SHARE"
    THREAT_TOO_HIGH = "THREAT_TOO_HIGH"
    SCENARIO_FORBIDS = "SCENARIO_FORBIDS"
    AVERAGING_DOWN = "AVERAGING_DOWN"
    MARGIN_TOP_UP = "MARGIN_TOP_UP"
    REWARD_TOO_SMALL = "REWARD_TOO_SMALL"
    LIQUIDATION_TOO_NEAR = "LIQUIDATION_TOO_NEAR"
    ENTRY_PENDING = "ENTRY_PENDING"
    NOT_WARM = "NOT_WARM"
    LATCHED = "LATCHED"
    READ_ONLY = "READ_ONLY"
    INTENT_NOT_JOURNALED = "INTENT_NOT_JOURNALED"


class Refusal(msgspec.Struct, frozen=True, tag=True):
    """A no with its numbers: what was measured against which limit."""

    reason: RefusalReason
    symbol: str
    measured: str
    limit: str
    detail: str = ""


class Demand(msgspec.Struct, frozen=True):
    """A rule's wish: exposure times `exposure_factor` (0 flat .. 1 untouched), with evidence.

    `blocks_entries` alone (factor 1) forbids new risk without cutting what is held.
    """

    rule: str
    symbol: str
    exposure_factor: float
    reason: str
    measured: float
    limit: float
    blocks_entries: bool = True
    size_first: bool = False
    """Whether it asks for no more than the loss budget's own cut, and for that one now."""


class Gauge(msgspec.Struct, frozen=True):
    """What a rule measures of a leg beside where it acts next; None: not known, or no such limit.

    `rising`: larger is worse.
    """

    measured: float | None
    limit: float | None
    unit: str
    rising: bool = True


class Decision(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """One line of the story: what was decided, why, and on which numbers."""

    decision_id: str
    event_ns: int
    kind: str
    symbol: str
    what: str
    why: str
    measured: str = ""
    limit: str = ""
    cause: str = ""
    """The decision_id, client order id or command id that this one follows from."""
    client_order_id: str = ""
