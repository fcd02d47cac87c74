"""Carries out effects: protecting ones at once, risking ones after their durable intent."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from bot.domain.errors import InvariantBroken
from bot.domain.messages import (
    AdjustMargin,
    Answer,
    CancelFailed,
    CancelOrder,
    Effect,
    Event,
    FetchAccount,
    FetchFills,
    FetchOrder,
    Notify,
    Record,
    RecordEquity,
    RecordMode,
    SubmitOrder,
)
from bot.domain.orders import ApprovedOrder, Purpose
from bot.domain.risk import RefusalReason
from bot.domain.units import NS_PER_S
from bot.runtime import outcomes
from bot.runtime.lanes import Job, Lanes
from bot.runtime.memory import FAILURES
from bot.runtime.parts import DaemonParts

ENTRIES_AT_ONCE = 4
QUESTIONS_AT_ONCE = 4
ACCOUNT_KEY = "account"
CLOSING = (Purpose.CUT, Purpose.FLATTEN)
RETRY_S = 0.25
"""First pause before a protecting order that did not leave is sent again; it doubles."""


class Executor:
    """Every outcome comes back as an event through `emit`.

    Protecting effects of one symbol keep their order and wait for no other symbol, no journal and
    no question; what closes waits for no stop whose answer is still due, and no stop for a close.
    They use the guard's own connection.
    """

    def __init__(
        self,
        parts: DaemonParts,
        group: asyncio.TaskGroup,
        *,
        emit: Callable[[Event], None],
        notice: Callable[[Notify], None],
        answered: outcomes.Answered = outcomes.unheard,
    ) -> None:
        self._parts = parts
        self._answered = answered
        self._options = parts.options
        self._clock = parts.clock
        self._emit = emit
        self._notice = notice
        self._shields = Lanes(group, "protect")
        self._entries = Lanes(group, "enter", parallel=ENTRIES_AT_ONCE)
        self._questions = Lanes(group, "ask", parallel=QUESTIONS_AT_ONCE)
        self._account_waits = False
        self._hold = ""
        self._closed = False

    @property
    def entries_held(self) -> str:
        """Why risking orders are refused at the door just now; empty: they are not."""
        return "stopping" if self._closed else self._hold

    def hold_entries(self, reason: str) -> None:
        """Refuse risking orders for `reason`; empty lets them through again."""
        self._hold = reason

    def close_entries(self) -> None:
        """Refuse risking orders for good: this run ends."""
        self._closed = True

    @property
    def writing(self) -> int:
        """How many orders, cancels and transfers are not answered yet."""
        return self._shields.pending + self._entries.pending

    def dispatch(self, effects: Sequence[Effect], seq: int) -> None:
        """Start carrying out the effects of step `seq`; protecting ones first."""
        later = [effect for effect in effects if not self._protect(effect)]
        for effect in later:
            self._other(effect, seq)

    def _protect(self, effect: Effect) -> bool:
        match effect:
            case SubmitOrder(order=order) if order.protecting:
                lane = f"{order.symbol} close" if order.purpose in CLOSING else order.symbol
                self._shield(lane, partial(self._send_shield, order))
            case CancelOrder(protecting=True):
                self._shield(effect.symbol, partial(self._cancel, effect))
            case AdjustMargin():
                self._shield(effect.symbol, partial(self._give_margin, effect))
            case _:
                return False
        return True

    def _shield(self, lane: str, job: Job) -> None:
        if not self._shields.push(lane, job):
            raise InvariantBroken(f"executor: the protecting lane of {lane} is full; restart")

    def _other(self, effect: Effect, seq: int) -> None:
        match effect:
            case SubmitOrder(order=order):
                self._queue_entry(order, seq)
            case CancelOrder():
                if not self._entries.push(effect.symbol, partial(self._cancel, effect)):
                    now_ns = self._clock.now_ns()
                    reason = "too many orders wait"
                    self._emit(CancelFailed(now_ns, now_ns, effect.client_order_id, "busy", reason))
            case FetchAccount():
                self._queue_account()
            case FetchOrder():
                self._questions.push(effect.symbol, partial(self._ask, effect))
            case FetchFills():
                self._questions.push(effect.symbol, partial(self._read_fills, effect))
            case Notify():
                self._notice(effect)
            case Answer() | Record() | RecordEquity() | RecordMode():
                pass  # the scribe writes these
            case _:
                raise InvariantBroken(f"executor: no way to carry out {type(effect).__name__}")

    # -------------------------------------------------------------- protecting

    async def _send_shield(self, order: ApprovedOrder) -> None:
        give_up_ns = self._clock.monotonic_ns() + int(self._options.protect_deadline_s * NS_PER_S)
        pause_s = RETRY_S
        while True:
            events, again_s = await outcomes.submit(
                self._parts.guard, order, self._clock, self._options.write_deadline_s
            )
            if again_s is None:
                break
            wait_s = max(again_s, pause_s)
            if self._clock.monotonic_ns() + int(wait_s * NS_PER_S) > give_up_ns:
                break
            await self._clock.sleep_s(wait_s)
            pause_s *= 2
        self._tell(events)
        self._answered(order.symbol, events)

    async def _give_margin(self, effect: AdjustMargin) -> None:
        deadline_s = self._options.write_deadline_s
        self._emit(await outcomes.add_margin(self._parts.guard, effect, self._clock, deadline_s))

    async def _cancel(self, effect: CancelOrder) -> None:
        venue = self._parts.guard if effect.protecting else self._parts.venue
        deadline_s = self._options.write_deadline_s
        failed = await outcomes.cancel(venue, effect, self._clock, deadline_s)
        if failed is not None:
            self._emit(failed)
            return
        question = FetchOrder(effect.symbol, effect.client_order_id, effect.conditional)
        self._questions.push(effect.symbol, partial(self._ask, question))

    # -------------------------------------------------------------- risking

    def _queue_entry(self, order: ApprovedOrder, seq: int) -> None:
        asked_ns = self._clock.monotonic_ns()
        state = self._parts.kernel.freeze()
        event_ns = self._clock.now_ns()
        job = partial(self._enter, order, seq, event_ns, asked_ns, state)
        if not self._entries.push(order.symbol, job):
            self._refuse(order, "busy", "too many orders wait")

    async def _enter(
        self, order: ApprovedOrder, seq: int, event_ns: int, asked_ns: int, state: bytes
    ) -> None:
        if not await self._made_durable(order, seq, event_ns, state):
            return
        age_ns = self._clock.monotonic_ns() - asked_ns
        if self.entries_held:
            self._refuse(order, "held", self.entries_held)
        elif age_ns > self._options.entry_age_max_s * NS_PER_S:
            reason = f"waited {age_ns / NS_PER_S:.1f} s, the reason for it has passed"
            self._refuse(order, "too_late", reason)
        else:
            deadline_s = self._options.write_deadline_s
            events, _ = await outcomes.submit(self._parts.venue, order, self._clock, deadline_s)
            self._tell(events)
            self._answered(order.symbol, events)

    async def _made_durable(
        self, order: ApprovedOrder, seq: int, event_ns: int, state: bytes
    ) -> bool:
        """Write belief and intent before the order leaves; refuse it when they cannot be."""
        if self.entries_held:
            self._refuse(order, "held", self.entries_held)
            return False
        memory, run_id = self._parts.memory, self._parts.run_id
        try:
            async with asyncio.timeout(self._options.intent_deadline_s):
                await memory.save_snapshot(run_id, seq, event_ns, state)
                await memory.intent(run_id, seq, order, event_ns)
        except FAILURES as error:
            code = RefusalReason.INTENT_NOT_JOURNALED.value
            self._refuse(order, code, outcomes.told(error))
            return False
        return True

    def _refuse(self, order: ApprovedOrder, code: str, reason: str) -> None:
        self._emit(outcomes.refused(self._clock, order, code, reason))

    # -------------------------------------------------------------- questions

    def _queue_account(self) -> None:
        """One reading answers all that asked before it began."""
        if not self._account_waits:
            self._account_waits = self._questions.push(ACCOUNT_KEY, self._read_account)

    async def _read_account(self) -> None:
        self._account_waits = False
        deadline_s = self._options.read_deadline_s
        self._emit(await outcomes.read_account(self._parts.venue, self._clock, deadline_s))

    async def _ask(self, effect: FetchOrder) -> None:
        deadline_s = self._options.read_deadline_s
        found = await outcomes.ask_order(self._parts.venue, effect, self._clock, deadline_s)
        if found is not None:
            self._emit(found)

    async def _read_fills(self, effect: FetchFills) -> None:
        deadline_s = self._options.read_deadline_s
        self._tell(await outcomes.read_fills(self._parts.venue, effect, self._clock, deadline_s))

    def _tell(self, events: Sequence[Event]) -> None:
        for event in events:
            self._emit(event)
