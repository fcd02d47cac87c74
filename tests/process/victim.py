"""One life of a store and an executor beside a venue that is a file; it may die at any boundary.

The journal, its writer thread and the executor are the bot's own. The venue is a file to which
lines are appended: what is in it was executed, whatever the sender came to know.
"""

import asyncio
import json
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from bot.domain.errors import OutcomeUnknown, VenueRefused
from bot.domain.messages import (
    FetchOrder,
    OrderAccepted,
    OrderNotFound,
    OrderOutcomeUnknown,
    OrderRefused,
    OrderUpdate,
    Started,
    SubmitOrder,
)
from bot.domain.orders import ApprovedOrder, OrderState, OrderStatus
from bot.journal import store as store_room
from bot.journal.lock import hold_state
from bot.journal.store import Store, open_journal
from bot.journal.writer import JournalWriter
from bot.runtime.executor import Executor
from bot.runtime.parts import DaemonParts, Options
from tests.unit.journal.stories import BTC, NOW_NS, approved

LIFE_NS = 120 * 10**9
"""Between two lives so much time passes: what the venue does not know by then is final."""
ROWS = 100_000
DUPLICATE = "-4116"


class Plan(NamedTuple):
    """How one life goes: which boundary it dies at (0: none) and how much it does."""

    home: Path
    life: int
    seed: int
    die_at: int
    orders: int
    acked: tuple[tuple[str, str], ...]
    """What the last life said it had done: (client id, status)."""
    careless: bool = False


class Boundary:
    """Counts the places at which a life may end, and ends it at the chosen one."""

    def __init__(self, die_at: int, say: Callable[[str], None]) -> None:
        self.die_at = die_at
        self.say = say
        self.count = 0

    def __call__(self, name: str) -> None:
        self.count += 1
        if self.count == self.die_at:
            self.say(f"died {name}")
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, name: str) -> None:
        """Put a boundary before and after every call of owner.name."""
        inner = getattr(owner, name)

        def bounded(*args: Any, **kwargs: Any) -> Any:
            self(f"{name}:before")
            done = inner(*args, **kwargs)
            self(f"{name}:after")
            return done

        setattr(owner, name, bounded)


class LifeClock:
    """Two minutes lie between two lives; within one, time is real."""

    def __init__(self, life: int) -> None:
        self._start_ns = NOW_NS + life * LIFE_NS
        self._zero_ns = time.monotonic_ns()

    def now_ns(self) -> int:
        return self._start_ns + time.monotonic_ns() - self._zero_ns

    def monotonic_ns(self) -> int:
        return time.monotonic_ns() - self._zero_ns + 1

    async def sleep_s(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def executed(home: Path) -> list[dict[str, Any]]:
    """Every line the venue has, oldest first; a torn last line was never taken."""
    try:
        lines = (home / "venue.jsonl").read_text().split("\n")
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines[:-1]]


class FileVenue:
    """Takes orders by appending a line; sometimes loses a request or its answer."""

    name = "file"

    def __init__(self, plan: Plan, clock: LifeClock, boundary: Boundary) -> None:
        self._file = os.open(
            plan.home / "venue.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        self._clock = clock
        self._boundary = boundary
        self._dice = random.Random(f"{plan.seed}-{plan.life}")
        self._known = {row["id"]: row for row in executed(plan.home)}

    async def submit(self, order: ApprovedOrder) -> OrderState:
        await asyncio.sleep(0)
        fate = self._dice.random()
        if fate < 0.08:
            raise OutcomeUnknown("the request was lost")
        if fate < 0.16:
            raise VenueRefused("margin is insufficient", code="-2019")
        if order.client_order_id in self._known:
            raise VenueRefused("duplicate id", code=DUPLICATE)
        row = {"id": order.client_order_id, "signal": order.reason, "ns": self._clock.now_ns()}
        self._boundary("send:before")
        os.write(self._file, (json.dumps(row) + "\n").encode())
        self._boundary("send:after")
        self._known[order.client_order_id] = row
        await asyncio.sleep(0)
        if fate < 0.24:
            raise OutcomeUnknown("the answer was lost")
        return filled(order.client_order_id, row["ns"])

    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool
    ) -> OrderState | None:
        row = self._known.get(client_order_id)
        return None if row is None else filled(client_order_id, row["ns"])


def filled(client_order_id: str, event_ns: int) -> OrderState:
    order = approved(client_order_id)
    return OrderState(
        client_order_id=client_order_id,
        venue_order_id=f"v{client_order_id}",
        symbol=BTC,
        side=order.side,
        kind=order.kind,
        status=OrderStatus.FILLED,
        qty=order.qty,
        filled_qty=order.qty,
        average_price=Decimal("76012.30"),
        reduce_only=False,
        close_position=False,
        event_ns=event_ns,
    )


@dataclass
class Belief:
    """Stands where the kernel stands: the executor keeps this state with every intent."""

    signal: int = 0
    notes: list[str] = field(default_factory=list)

    def freeze(self) -> bytes:
        return json.dumps({"signal": self.signal}).encode()


@dataclass
class Life:
    """A store, its writer and an executor at work."""

    plan: Plan
    say: Callable[[str], None]
    boundary: Boundary
    clock: LifeClock

    async def run(self) -> None:
        self.boundary.around(store_room, "_open_raw")
        with hold_state(self.plan.home):
            store = open_journal(self.plan.home, self.clock)
            self.boundary("opened")
            for name in ("intent", "append_many", "save_snapshot", "close"):
                self.boundary.around(store, name)
            self.memory = JournalWriter(store)
            await self._work(store)
            await self.memory.close()

    async def _work(self, store: Store) -> None:
        self.told: asyncio.Queue[Any] = asyncio.Queue()
        self.belief = Belief()
        venue = FileVenue(self.plan, self.clock, self.boundary)
        self.run_id = f"{self.plan.life:08x}"
        parts = DaemonParts(
            kernel=self.belief,  # type: ignore[arg-type]
            venue=venue,  # type: ignore[arg-type]
            guard=venue,  # type: ignore[arg-type]
            feeds=(),
            memory=self.memory,
            clock=self.clock,
            symbols=(BTC,),
            notify=lambda _: None,
            ask=lambda *_: {},
            run_id=self.run_id,
            options=Options(signals=False),
        )
        async with asyncio.TaskGroup() as group:
            self.executor = Executor(parts, group, emit=self.told.put_nowait, notice=lambda _: None)
            self.seq = 0
            await self._recover()
            for _ in range(self.plan.orders):
                await self._trade()

    async def _recover(self) -> None:
        """Ask for every order whose end is unknown, and remember which signals were used."""
        now_ns = self.clock.now_ns()
        started = Started(run_id=self.run_id, event_ns=now_ns, received_ns=now_ns, read_only=False)
        await self.memory.append(self.run_id, 0, started, ())
        blob = await self.memory.load_snapshot()
        signal_kept = json.loads(blob)["signal"] if blob else 0
        newest = await self.memory.rows("intents", limit=1)
        # the journal is the authority on intentions; belief may be one commit behind or ahead
        self.belief.signal = max(signal_kept, int(newest[0]["reason"]) if newest else 0)
        for order in await self.memory.live_orders():
            question = FetchOrder(order.symbol, order.client_order_id, False)
            self.executor.dispatch([question], self.seq)
            await self._write(await self.told.get())
        await self._compare()
        self.say("recovered")

    async def _trade(self) -> None:
        self.belief.signal += 1
        self.seq += 1
        client_id = f"bw{self.run_id}-{self.seq}-1"
        order = approved(client_id, reason=str(self.belief.signal))
        self.executor.dispatch([SubmitOrder(order)], self.seq)
        while True:
            event = await self.told.get()
            await self._write(event)
            match event:
                case OrderRefused():
                    self.say(f"ack {client_id} REJECTED")
                    return
                case OrderUpdate():
                    self.say(f"ack {client_id} FILLED")
                    return
                case OrderOutcomeUnknown():
                    self.executor.dispatch([FetchOrder(BTC, client_id, False)], self.seq)
                case OrderNotFound():
                    self.say(f"ack {client_id} UNKNOWN")
                    return
                case OrderAccepted():
                    continue
                case _:
                    raise AssertionError(event)

    async def _write(self, event: Any) -> None:
        self.seq += 1
        await self.memory.append(self.run_id, self.seq, event, ())

    async def _compare(self) -> None:
        """After recovery the journal is the venue's book, and holds all that was acknowledged."""
        recent = await self.memory.rows("orders", limit=60)
        for fault in differences(recent, executed(self.plan.home), whole=False):
            self.say(f"wrong {fault}")
        known = {str(row["client_order_id"]): str(row["status"]) for row in recent}
        for client_id, status in self.plan.acked:
            wanted = {"UNKNOWN": ("LOST",)}.get(status, (status,))
            if known.get(client_id) not in wanted:
                self.say(f"wrong {client_id} was told {status}, is {known.get(client_id)}")


def differences(
    orders: list[dict[str, Any]], book: list[dict[str, Any]], *, whole: bool
) -> list[str]:
    """What is in one and not in the other, by client id; `whole`: both lists are complete."""
    faults = []
    known = {str(row["client_order_id"]): str(row["status"]) for row in orders}
    done = {row["id"] for row in book}
    for client_id, status in known.items():
        if (status == "FILLED") != (client_id in done):
            faults.append(f"{client_id} is {status} here, {client_id in done} at the venue")
        if status in ("PENDING", "UNKNOWN"):
            faults.append(f"{client_id} is still {status}")
    recent = book if whole else book[-10:]
    faults += [
        f"{row['id']} was sent without an intent" for row in recent if row["id"] not in known
    ]
    return faults


def live(plan: Plan, say: Callable[[str], None]) -> None:
    """Live one life in this process."""
    boundary = Boundary(plan.die_at, say)
    if plan.careless:
        forget_intents()
    asyncio.run(Life(plan, say, boundary, LifeClock(plan.life)).run())


def forget_intents() -> None:
    """Make the executor send without writing first: the campaign must find that out."""

    async def made_durable(*_: Any) -> bool:
        return True

    Executor._made_durable = made_durable  # type: ignore[method-assign,assignment]
