"""The store as simulated time sees it: the writer's interface without its thread."""

from collections.abc import Sequence

from bot.domain.messages import Effect, Event
from bot.domain.orders import ApprovedOrder, OrderState
from bot.journal.store import Store


class InlineJournal:
    """What JournalWriter offers, done in the caller's thread before the await returns."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def intent(self, run_id: str, seq: int, order: ApprovedOrder, event_ns: int) -> None:
        """Write an intent.

        Raises:
            JournalBroken: it was not written.
        """
        self._store.intent(run_id, seq, order, event_ns)

    async def append(self, run_id: str, seq: int, event: Event, effects: Sequence[Effect]) -> None:
        """Write the facts of a step.

        Raises:
            JournalBroken: they were not written.
        """
        self._store.append(run_id, seq, event, effects)

    async def save_snapshot(self, run_id: str, seq: int, event_ns: int, state: bytes) -> None:
        """Keep a state.

        Raises:
            JournalBroken: it was not written.
        """
        self._store.save_snapshot(run_id, seq, event_ns, state)

    async def load_snapshot(self) -> bytes | None:
        """Return the newest state, or None on a first start.

        Raises:
            JournalBroken: it cannot be read or believed.
        """
        return self._store.load_snapshot()

    async def live_orders(self) -> tuple[OrderState, ...]:
        """Return our orders whose end is not known.

        Raises:
            JournalBroken: they cannot be read.
        """
        return self._store.live_orders()

    async def rows(self, table: str, *, limit: int, symbol: str = "") -> list[dict[str, object]]:
        """Return the newest rows of `table`, newest first.

        Raises:
            DataInvalid: no such table, or a limit out of bounds.
            JournalBroken: it cannot be read.
        """
        return self._store.rows(table, limit=limit, symbol=symbol)

    async def curve(self, since_ns: int, span_ns: int) -> list[dict[str, object]]:
        """Return the last equity of each span of time since an instant, oldest first.

        Raises:
            JournalBroken: it cannot be read.
        """
        return self._store.curve(since_ns, span_ns)

    async def exits(self, limit: int) -> list[dict[str, object]]:
        """Return the newest executions with the purpose of their order, newest first.

        Raises:
            JournalBroken: they cannot be read.
        """
        return self._store.exits(limit)

    async def why(self, ref: str) -> list[dict[str, object]]:
        """Return the chain that led to and from `ref`, oldest first.

        Raises:
            JournalBroken: it cannot be read.
        """
        return self._store.why(ref)

    async def backup(self) -> str:
        """Copy the journal; return the path of the copy.

        Raises:
            JournalBroken: it could not be written.
        """
        return str(self._store.backup())

    async def close(self) -> None:
        """Release the file.

        Raises:
            JournalBroken: the log could not be folded in.
        """
        self._store.close()
