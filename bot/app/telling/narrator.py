"""Tells the log what was decided and why, as it goes to the journal."""

from collections.abc import Sequence

from loguru import logger

from bot.domain.messages import Effect, Event, Record
from bot.domain.orders import ApprovedOrder, OrderState
from bot.domain.risk import Decision
from bot.runtime.memory import Memory

LOUD = {"latch": "CRITICAL", "refusal": "INFO"}


class Narrator:
    """The journal of a daemon, with a voice; told once, though a write is tried again."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._told = 0

    async def intent(self, run_id: str, seq: int, order: ApprovedOrder, event_ns: int) -> None:
        """Make the intent to send `order` durable; see Memory."""
        await self._memory.intent(run_id, seq, order, event_ns)

    async def append(self, run_id: str, seq: int, event: Event, effects: Sequence[Effect]) -> None:
        """Say the decisions of one step, and write its facts; see Memory."""
        if seq > self._told:
            self._told = seq
            for effect in effects:
                if isinstance(effect, Record):
                    say(effect.decision)
        await self._memory.append(run_id, seq, event, effects)

    async def save_snapshot(self, run_id: str, seq: int, event_ns: int, state: bytes) -> None:
        """Keep the kernel's durable state; see Memory."""
        await self._memory.save_snapshot(run_id, seq, event_ns, state)

    async def load_snapshot(self) -> bytes | None:
        """Return the newest durable state; see Memory."""
        return await self._memory.load_snapshot()

    async def live_orders(self) -> tuple[OrderState, ...]:
        """Return our orders whose end is not known; see Memory."""
        return await self._memory.live_orders()


def say(decision: Decision) -> None:
    """Log one decision in one line: what, why, on which numbers."""
    bound = logger.bind(decision_id=decision.decision_id, kind=decision.kind)
    bound.log(LOUD.get(decision.kind, "INFO"), "{}", line_of(decision))


def line_of(decision: Decision) -> str:
    """Return one decision as a line for people."""
    where = f"{decision.symbol.split('/', 1)[0]} " if decision.symbol else ""
    numbers = [decision.measured, f"limit {decision.limit}" if decision.limit else ""]
    told = ", ".join(part for part in numbers if part)
    return f"{where}{decision.what}: {decision.why}{f' ({told})' if told else ''}"
