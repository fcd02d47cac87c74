"""The story of a replay in lines: when, at which price, what, why."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.domain.account import PositionState
from bot.domain.risk import Decision, Severity
from bot.domain.units import NS_PER_S
from bot.lab.options import ReplayResult, StoryLine

ACTION_KINDS = frozenset({"cut", "flatten", "relever"})
"""Decisions that change a quantity on the guard's own account."""
QUIET_KINDS = frozenset({"refusal"})
"""Kept in the journal of a running bot, too many for a story."""


def utc_text(ns: int) -> str:
    """Return an instant as `2026-01-31 18:35:00` UTC."""
    return datetime.fromtimestamp(ns // NS_PER_S, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")


def line_of(decision: Decision, price: float) -> StoryLine:
    """Return a decision of the kernel as a line, with the price that stood then."""
    return StoryLine(
        event_ns=decision.event_ns,
        kind=decision.kind,
        symbol=decision.symbol,
        price=price,
        what=decision.what,
        why=decision.why,
        measured=decision.measured,
        limit=decision.limit,
    )


class Storyteller:
    """Collects lines as a replay goes, and leaves out what repeats itself."""

    def __init__(self) -> None:
        self.lines: list[StoryLine] = []
        self.refusals = 0
        self._last: dict[tuple[str, str, str], str] = {}
        self._wishes: set[str] = set()

    def decided(self, decision: Decision, price: float) -> None:
        """Add a decision; equal refusals that answer no wish are told once in a row."""
        if decision.kind == "signal":
            self._wishes.add(decision.decision_id)
        self.refusals += decision.kind in QUIET_KINDS
        if decision.kind in QUIET_KINDS and decision.cause not in self._wishes:
            key = (decision.kind, decision.symbol, decision.what)
            if self._last.get(key) == decision.why:
                return
            self._last[key] = decision.why
        self.lines.append(line_of(decision, price))

    def tell(
        self, event_ns: int, kind: str, symbol: str, price: float, what: str, why: str
    ) -> None:
        """Add a line that the replay itself saw."""
        self.lines.append(
            StoryLine(event_ns=event_ns, kind=kind, symbol=symbol, price=price, what=what, why=why)
        )

    def end(
        self,
        event_ns: int,
        final_usd: float,
        wallet_usd: float,
        positions: Sequence[PositionState],
    ) -> None:
        """Add the last line: what is left and what is still held."""
        held = ", ".join(f"{p.side.value} {p.qty} {p.symbol.split('/', 1)[0]}" for p in positions)
        change = final_usd / wallet_usd - 1.0
        what = f"the recording ends with {final_usd:,.2f} USD"
        self.tell(event_ns, "end", "", 0.0, what, f"{change:+.1%}, {held or 'flat'}")


def severity_of(line: StoryLine) -> Severity:
    """Return how loud a line is: colour for terminal and page."""
    if line.kind in ("liquidation", "latch", "flatten"):
        return Severity.CRITICAL
    return Severity.WARNING if line.kind in ("cut", "stop", "refused") else Severity.INFO


def text_of(line: StoryLine) -> str:
    """Return one line as plain text."""
    numbers = ""
    if line.measured or line.limit:
        numbers = f" ({line.measured}{', limit ' + line.limit if line.limit else ''})"
    symbol = f"{line.symbol.split('/', 1)[0]} " if line.symbol else ""
    price = f"{symbol}{line.price:,.8g}" if line.price > 0.0 else symbol.strip() or "-"
    return f"{utc_text(line.event_ns)}  {price:>14}  {line.what}: {line.why}{numbers}"


def render_story(result: ReplayResult) -> list[str]:
    """Return the whole story as lines of text."""
    return [text_of(line) for line in result.story]
