"""The journal as the daemon sees it: the real store, inline, on a disk that can be slow or full."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from bot.domain.errors import JournalBroken, StateLocked
from bot.domain.messages import Effect, Event
from bot.domain.orders import ApprovedOrder, OrderState
from bot.journal.inline import InlineJournal
from bot.journal.sqlite import SqliteLink
from bot.journal.store import Store
from bot.lab.simulation.life import Life

PAGES_MAX: Final = 1 << 30
FSYNC_S: Final = 0.0004
FSYNC_TAIL_S: Final = 0.025
BUSY_S: Final = 0.5


class SimDisk:
    """What the journal lies on: SQLite itself finds no room once it may not grow."""

    def __init__(self, link: SqliteLink) -> None:
        self._raw = link.raw
        self._is_full = False

    def fill(self, *, full: bool) -> None:
        """Let the journal grow no more, or again."""
        if full is not self._is_full:
            self._is_full = full
            pages = self._raw.execute("PRAGMA page_count").fetchone()[0] if full else PAGES_MAX
            self._raw.execute(f"PRAGMA max_page_count = {int(pages)}")


class SimMemory:
    """runtime.memory.Memory over the inline journal; kills may fall before and after a commit."""

    def __init__(self, life: Life, store: Store, disk: SimDisk) -> None:
        self._life = life
        self._disk = disk
        self._inner = InlineJournal(store)

    async def intent(self, run_id: str, seq: int, order: ApprovedOrder, event_ns: int) -> None:
        """Write an intent."""
        await self._life.cross("intent_before")
        await self._may_fail("intent")
        await self._reach_disk()
        with self._on_disk("intent"):
            await self._inner.intent(run_id, seq, order, event_ns)
        self._life.world.note(f"intent {order.client_order_id}")
        self._life.world.intents[order.client_order_id] = self._life.world.now_ns
        await self._life.cross("intent_after")

    async def append(self, run_id: str, seq: int, event: Event, effects: Sequence[Effect]) -> None:
        """Write the facts of a step."""
        await self._life.cross("append_before")
        await self._may_fail("append")
        with self._on_disk("append"):
            await self._inner.append(run_id, seq, event, effects)
        await self._life.cross("append_after")

    async def save_snapshot(self, run_id: str, seq: int, event_ns: int, state: bytes) -> None:
        """Keep a state."""
        await self._life.cross("snapshot_before")
        await self._may_fail("snapshot")
        with self._on_disk("snapshot"):
            await self._inner.save_snapshot(run_id, seq, event_ns, state)
        await self._life.cross("snapshot_after")

    async def load_snapshot(self) -> bytes | None:
        """Return the newest state."""
        self._life.did.append("load_snapshot")
        return await self._inner.load_snapshot()

    async def live_orders(self) -> tuple[OrderState, ...]:
        """Return our orders whose end is not known."""
        self._life.did.append("live_orders")
        return await self._inner.live_orders()

    async def _may_fail(self, what: str) -> None:
        """Fail or linger as the faults of the disk say.

        Raises:
            JournalBroken: the disk is full.
            StateLocked: another process holds the file, as the store says it.
        """
        board = self._life.world.board
        if board.hit("disk_full") is not None:
            self._life.world.mark(f"disk_full_{what}")
            raise JournalBroken("journal.db: database or disk is full")
        if board.hit("db_locked") is not None:
            self._life.world.mark(f"db_locked_{what}")
            await asyncio.sleep(BUSY_S)
            raise StateLocked("journal.db is open in another process")
        if (slow := board.hit("slow_disk")) is not None:
            self._life.world.mark(f"slow_disk_{what}")
            await asyncio.sleep(slow.size * board.roll(slow))

    @contextmanager
    def _on_disk(self, what: str) -> Iterator[None]:
        """Write to a disk that may fill up in the middle of the commit."""
        world = self._life.world
        self._disk.fill(full=world.board.on("disk_fills") is not None)
        try:
            yield
        except JournalBroken:
            world.board.count("disk_fills")
            world.mark(f"disk_fills_{what}")
            raise

    async def _reach_disk(self) -> None:
        slow = self._life.world.dice.random() > 0.99
        await asyncio.sleep(FSYNC_TAIL_S if slow else FSYNC_S)
