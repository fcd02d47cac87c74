"""The working surface of one step: belief, policy, and the effects gathered so far."""

from decimal import Decimal

import msgspec

from bot.domain.messages import Effect, Event, Notify, Record
from bot.domain.policy import Policy, RulePolicy
from bot.domain.risk import Decision, Refusal, Severity
from bot.kernel.snapshot import BotState

REFUSALS_KEPT = 200


def printable(event: Event) -> Event:
    """Return an event whose texts can be written: what is no Unicode is replaced.

    Venue messages and commands carry free text; a lone surrogate in one must not end the run.
    """
    try:
        msgspec.msgpack.encode(event)
    except UnicodeEncodeError:
        plain = _printable(msgspec.to_builtins(event, builtin_types=(Decimal,)))
        clean: Event = msgspec.convert(plain, type(event), strict=False)
        return clean
    return event


def _printable(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_printable(k): _printable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(item) for item in value]
    return value


class Desk:
    """What every verb of the kernel is handed; made once per kernel, cleared each step."""

    __slots__ = ("effects", "index", "policy", "ruled", "ruled_by", "scopes", "state", "told_usd")

    def __init__(self, state: BotState, policy: Policy) -> None:
        self.state = state
        self.policy = policy
        self.scopes: tuple[str, ...] = ()
        """Whom each rule cuts under the thresholds in `ruled_by`."""
        self.ruled = True
        """Whether any rule acts on anything under them."""
        self.ruled_by: RulePolicy | None = None
        self.told_usd: dict[str, tuple[float, Decimal]] = {}
        """What was last told of each figure of the equity record, and how it was written."""
        self.effects: list[Effect] = []
        self.index = 0

    def next_id(self) -> str:
        """Return an id derived from run, sequence and index: the same tape gives the same ids."""
        self.index += 1
        return f"bw{self.state.run_id}-{self.state.seq}-{self.index}"

    def emit(self, effect: Effect) -> None:
        """Add an effect to what this step returns."""
        self.effects.append(effect)

    def record(
        self,
        kind: str,
        symbol: str,
        what: str,
        why: str,
        *,
        measured: str = "",
        limit: str = "",
        cause: str = "",
        client_order_id: str = "",
    ) -> str:
        """Write one line of the story and return its decision id."""
        decision = Decision(
            decision_id=self.next_id(),
            event_ns=self.state.now_ns,
            kind=kind,
            symbol=symbol,
            what=what,
            why=why,
            measured=measured,
            limit=limit,
            cause=cause,
            client_order_id=client_order_id,
        )
        self.emit(Record(decision))
        return decision.decision_id

    def refuse(self, refusal: Refusal, what: str, cause: str = "") -> None:
        """Journal a refusal and count it."""
        refusals = self.state.refusals
        refusals.append(refusal)
        del refusals[:-REFUSALS_KEPT]
        counts = self.state.books.refusals
        counts[refusal.reason.value] = counts.get(refusal.reason.value, 0) + 1
        self.record(
            "refusal",
            refusal.symbol,
            f"refused: {what}",
            f"{refusal.reason.value}{': ' + refusal.detail if refusal.detail else ''}",
            measured=refusal.measured,
            limit=refusal.limit,
            cause=cause,
        )

    def notify(self, severity: Severity, kind: str, text: str, symbol: str = "") -> None:
        """Tell the operator."""
        self.emit(
            Notify(
                event_ns=self.state.now_ns,
                severity=severity,
                kind=kind,
                text=text,
                symbol=symbol,
            )
        )

    def encoded(self) -> bytes:
        """Return the effects of this step as bytes, for the running digest."""
        return msgspec.msgpack.encode(self.effects)
