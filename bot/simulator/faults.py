"""Declared, seeded trouble: which requests, frames and orders go wrong, when, and how often."""

import zlib
from collections.abc import Iterable
from enum import StrEnum
from fnmatch import fnmatchcase

import msgspec

from bot.domain.errors import ConfigInvalid
from bot.domain.units import NS_PER_S


class FaultKind(StrEnum):
    """What goes wrong."""

    LOSE_REQUEST = "lose_request"
    """The connection drops and the request is never executed."""
    LOSE_ACK = "lose_ack"
    """The request is executed, then the connection drops."""
    DELAY = "delay"
    """The request waits `delay_s` before it is executed."""
    LATE_ACCEPT = "late_accept"
    """The connection drops at once; the request is executed `delay_s` later."""
    REJECT = "reject"
    """The answer is `http_status`, `code`, `message`; nothing is executed unless `executes`."""
    BAN = "ban"
    """The address is banned for `retry_after_s` from the matching request on."""
    GAP = "gap"
    """The price of `symbol` jumps by `move_frac` before the matching request is executed."""
    HALT = "halt"
    """Orders of `symbol` (or of all) are refused while the rule is armed."""
    FREEZE = "freeze"
    """Matching streams stay silent while the rule is armed."""
    DROP_FRAME = "drop_frame"
    """A matching frame is lost."""
    DUPLICATE = "duplicate"
    """A matching frame is sent twice."""
    REORDER = "reorder"
    """A matching frame is sent after the one that follows it."""
    DROP_SOCKETS = "drop_sockets"
    """Matching WebSocket connections are closed now, or cut when `code` is 0."""
    SKEW_CLOCK = "skew_clock"
    """The venue's clock runs `offset_ms` ahead of the true one."""
    CANCEL_CONDITIONAL = "cancel_conditional"
    """Conditional orders of `symbol` vanish, now or once placed, without a word."""
    STICK_TRIGGERING = "stick_triggering"
    """Conditional orders of `symbol` stay TRIGGERING for ever once triggered."""


REQUEST_KINDS = frozenset(
    {
        FaultKind.LOSE_REQUEST,
        FaultKind.LOSE_ACK,
        FaultKind.DELAY,
        FaultKind.LATE_ACCEPT,
        FaultKind.REJECT,
        FaultKind.BAN,
        FaultKind.GAP,
        FaultKind.CANCEL_CONDITIONAL,
    }
)
FRAME_KINDS = frozenset(
    {FaultKind.FREEZE, FaultKind.DROP_FRAME, FaultKind.DUPLICATE, FaultKind.REORDER}
)


class FaultRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One declared fault; empty text matches everything, `path`, `stream`, `event` take globs.

    `after` matches pass unharmed first, then at most `times` are hit (None: all), each with
    `probability_frac`; the rule ends `duration_s` after it was armed (None: never).
    A user stream has the name "user"; `event` is the frame's type, such as ORDER_TRADE_UPDATE.
    """

    kind: FaultKind
    method: str = ""
    path: str = ""
    symbol: str = ""
    account: str = ""
    stream: str = ""
    event: str = ""
    after: int = 0
    times: int | None = None
    probability_frac: float = 1.0
    duration_s: float | None = None
    delay_s: float = 0.0
    http_status: int = 400
    code: int = -1000
    message: str = "An unknown error occurred while processing the request."
    executes: bool = False
    retry_after_s: float = 120.0
    offset_ms: int = 0
    move_frac: float = 0.0

    def covers_request(self, method: str, path: str, symbol: str, account: str) -> bool:
        """Tell whether a request with venue symbol `symbol` is one this rule is about."""
        return (
            (not self.method or self.method == method)
            and (not self.path or fnmatchcase(path, self.path))
            and (not self.symbol or self.symbol == symbol)
            and (not self.account or self.account == account)
        )

    def covers_frame(self, stream: str, event: str, account: str) -> bool:
        """Tell whether a frame of `stream` is one this rule is about."""
        return (
            (not self.stream or fnmatchcase(stream, self.stream))
            and (not self.event or fnmatchcase(event, self.event))
            and (not self.account or self.account == account)
        )


def decode_rules(body: bytes) -> tuple[FaultRule, ...]:
    """Read a JSON list of fault rules (or a single one).

    Raises:
        ConfigInvalid: the text is no list of fault rules; says where.
    """
    try:
        rules = msgspec.json.decode(body, type=list[FaultRule] | FaultRule)
    except msgspec.MsgspecError as error:
        raise ConfigInvalid(f"fault rules: {error}; see bot/simulator/faults.py") from None
    found = tuple(rules) if isinstance(rules, list) else (rules,)
    for rule in found:
        if not 0.0 <= rule.probability_frac <= 1.0 or rule.delay_s < 0 or rule.after < 0:
            raise ConfigInvalid(
                f"fault rules: {rule.kind}: probability_frac is 0..1, delay_s and after are >= 0"
            )
    return found


class _Armed:
    """A rule with its counters."""

    __slots__ = ("armed_ns", "fired", "rule", "seen", "serial")

    def __init__(self, rule: FaultRule, serial: int, armed_ns: int) -> None:
        self.rule = rule
        self.serial = serial
        self.armed_ns = armed_ns
        self.seen = 0
        self.fired = 0

    def is_live(self, now_ns: int) -> bool:
        """Whether the rule can still hit something."""
        rule = self.rule
        if rule.times is not None and self.fired >= rule.times:
            return False
        return rule.duration_s is None or now_ns - self.armed_ns < rule.duration_s * NS_PER_S

    def draw(self, seed: int) -> bool:
        """Count a match and decide, from the seed alone, whether it is hit."""
        self.seen += 1
        if self.seen <= self.rule.after:
            return False
        dice = zlib.crc32(f"{seed}:{self.serial}:{self.seen}".encode()) / 2**32
        if dice >= self.rule.probability_frac:
            return False
        self.fired += 1
        return True


class FaultBoard:
    """The rules in force; the same seed and the same matches give the same hits."""

    def __init__(self, seed: int, rules: Iterable[FaultRule] = (), *, armed_ns: int = 0) -> None:
        self._seed = seed
        self._serial = 0
        self._armed: list[_Armed] = []
        for rule in rules:
            self.arm(rule, armed_ns)

    def arm(self, rule: FaultRule, now_ns: int) -> None:
        """Put `rule` in force from `now_ns` (UTC ns) on."""
        self._armed.append(_Armed(rule, self._serial, now_ns))
        self._serial += 1

    def clear(self, kind: FaultKind | None = None) -> None:
        """Lift every rule, or those of one kind."""
        self._armed = [a for a in self._armed if kind is not None and a.rule.kind is not kind]

    def in_force(self, kind: FaultKind, now_ns: int) -> tuple[FaultRule, ...]:
        """Return live rules of a standing kind (HALT, SKEW_CLOCK, STICK_TRIGGERING)."""
        return tuple(a.rule for a in self._armed if a.rule.kind is kind and a.is_live(now_ns))

    def standing(self, now_ns: int) -> tuple[FaultRule, ...]:
        """Return every rule that can still hit something."""
        return tuple(a.rule for a in self._armed if a.is_live(now_ns))

    def on_request(
        self, method: str, path: str, symbol: str, account: str, now_ns: int
    ) -> tuple[FaultRule, ...]:
        """Return the rules that hit this request, in the order they were armed."""
        return tuple(
            armed.rule
            for armed in self._armed
            if armed.rule.kind in REQUEST_KINDS
            and armed.is_live(now_ns)
            and armed.rule.covers_request(method, path, symbol, account)
            and armed.draw(self._seed)
        )

    def on_frame(self, stream: str, event: str, account: str, now_ns: int) -> FaultKind | None:
        """Return what befalls this frame, or None; the first armed rule decides."""
        if not self._armed:
            return None
        for armed in self._armed:
            if (
                armed.rule.kind in FRAME_KINDS
                and armed.is_live(now_ns)
                and armed.rule.covers_frame(stream, event, account)
                and armed.draw(self._seed)
            ):
                return armed.rule.kind
        return None
