"""The journal as the shell needs it: durable memory behind awaitable calls."""

from collections.abc import Sequence
from typing import Protocol

from bot.domain.errors import JournalBroken, StateLocked
from bot.domain.messages import Effect, Event
from bot.domain.orders import ApprovedOrder, OrderState

FAILURES = (JournalBroken, StateLocked, TimeoutError)
"""How a call may fail: broken or full, in another's hands, or too slow. Protection needs none."""


class Memory(Protocol):
    """The asynchronous face of bot.ports.Journal; every method may raise one of FAILURES.

    Calls are carried out in the order they were made, so that an intent that was awaited is
    durable before anything asked later.
    """

    async def intent(self, run_id: str, seq: int, order: ApprovedOrder, event_ns: int) -> None:
        """Make the intent to send `order` durable (fsync) before returning."""
        ...

    async def append(self, run_id: str, seq: int, event: Event, effects: Sequence[Effect]) -> None:
        """Write the facts of one step."""
        ...

    async def save_snapshot(self, run_id: str, seq: int, event_ns: int, state: bytes) -> None:
        """Keep the kernel's durable state for the next start."""
        ...

    async def load_snapshot(self) -> bytes | None:
        """Return the newest durable state, or None on a first start."""
        ...

    async def live_orders(self) -> tuple[OrderState, ...]:
        """Return our orders whose end is not known."""
        ...
