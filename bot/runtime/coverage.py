"""Proves every second, from the venue's own word, that every position is stopped; else acts.

It has a connection of its own and needs neither journal nor timers nor notices to work. It reads
the kernel's belief only to be polite (where the stop is wanted, whether one is on its way).
"""

import asyncio
from collections.abc import Callable

from bot.domain.account import AccountState, PositionState
from bot.domain.instrument import Instrument
from bot.domain.messages import (
    AccountSnapshot,
    CoverageReported,
    Event,
    InstrumentsLoaded,
    SnapshotFailed,
)
from bot.domain.orders import NOT_SENT, OrderDraft, OrderStatus, Purpose
from bot.domain.risk import Enforce, RefusalReason, Severity
from bot.domain.units import NS_PER_S, ZERO
from bot.kernel.snapshot import leg_key
from bot.runtime import outcomes, proof, rescue
from bot.runtime.parts import DaemonParts
from bot.runtime.proof import Act, Verdict, Watch

FRESH_NS = 10 * NS_PER_S
"""A mark older than this judges nothing."""
POLITE_NS = 3 * NS_PER_S
"""So long an order of the kernel may be on its way before coverage stops waiting for it."""
RETELL_NS = 10 * NS_PER_S
PROTECTORS = (Purpose.STOP, Purpose.CUT, Purpose.FLATTEN)
AT_ONCE = (proof.IMMEDIATE_TRIGGER, RefusalReason.STOP_WRONG_SIDE.value)
"""Refusals that say: the price is already beyond the stop."""

Say = Callable[[Severity, str, str, str], None]
Passed = Callable[[str], None]
"""Told after each pass: empty when all was read, else why the venue could not be read."""


class Coverage:
    """Legs never wait for each other: each is acted on in a task of its own."""

    def __init__(
        self,
        parts: DaemonParts,
        group: asyncio.TaskGroup,
        *,
        emit: Callable[[Event], None],
        say: Say,
        passed: Passed,
        answered: outcomes.Answered = outcomes.unheard,
    ) -> None:
        self._parts = parts
        self._answered = answered
        self._group = group
        self._clock = parts.clock
        self._kernel = parts.kernel
        self._emit = emit
        self._say = say
        self._passed = passed
        self._watches: dict[str, Watch] = {}
        self._instruments: dict[str, Instrument] = {}
        self._looked_ns = 0
        self._ids = 0
        self.passes = 0

    @property
    def settled(self) -> bool:
        """Whether each leg that was seen is covered, and nothing is being done about one."""
        return not any(watch.bare or watch.acting for watch in self._watches.values())

    async def run(self) -> None:
        """Prove until cancelled; anything unforeseen that is raised here ends the run."""
        period_ns = int(self._parts.options.coverage_s * NS_PER_S)
        while True:
            began_ns = self._clock.monotonic_ns()
            await self.look()
            spent_ns = self._clock.monotonic_ns() - began_ns
            await self._clock.sleep_s(max(period_ns - spent_ns, period_ns // 10) / NS_PER_S)

    async def look(self) -> None:
        """Read the account once and judge every leg."""
        deadline_s = self._parts.options.read_deadline_s
        reading = await outcomes.read_account(self._parts.guard, self._clock, deadline_s)
        self._emit(reading)
        self.passes += 1
        if isinstance(reading, SnapshotFailed):
            self._passed(reading.reason)
            return
        self._judge(reading)
        self._passed("")

    def _judge(self, reading: AccountSnapshot) -> None:
        now_ns = self._clock.monotonic_ns()
        since_ns = now_ns - self._looked_ns if self._looked_ns else 0
        self._looked_ns = now_ns
        held = set()
        for position in reading.account.positions:
            if position.qty > ZERO:
                held.add(leg_key(position.symbol, position.side))
                self._leg(position, reading.account, now_ns, since_ns)
        for key in [key for key in self._watches if key not in held]:
            del self._watches[key]

    def _leg(
        self, position: PositionState, account: AccountState, now_ns: int, since_ns: int
    ) -> None:
        key = leg_key(position.symbol, position.side)
        watch = self._watches.setdefault(key, Watch())
        far = self._kernel.policy.guard.stop_distance_max_frac
        verdict = proof.judge(position, account.orders, self._fresh_mark(position.symbol), far)
        proof.learn(watch, verdict, now_ns, since_ns)
        act, why = proof.decide(watch, verdict, now_ns, kernel_acts=self._kernel_acts(position))
        if act is Act.WATCH or watch.acting or not self._may(act):
            self._report(position, verdict, watch, "" if act is Act.WATCH else f"would {act}")
            if act is not Act.WATCH and not self._may(act):
                self._tell_once(position, watch, f"not allowed to {act}: {why}")
            return
        watch.acting = True
        self._group.create_task(
            self._act(act, why, position, account, watch), name=f"coverage:{key}"
        )

    # -------------------------------------------------------------- what the kernel knows

    def _fresh_mark(self, symbol: str) -> float | None:
        market = self._kernel.state.markets.get(symbol)
        if market is None or market.mark <= 0.0:
            return None
        age_ns = self._clock.now_ns() - market.mark_received_ns
        return market.mark if age_ns <= FRESH_NS else None

    def _any_mark(self, position: PositionState) -> float:
        """Return the last mark known, or the entry price: a stop somewhere beats none."""
        market = self._kernel.state.markets.get(position.symbol)
        return (
            market.mark if market is not None and market.mark > 0.0 else float(position.entry_price)
        )

    def _kernel_acts(self, position: PositionState) -> bool:
        """Whether the kernel has a protecting order for this leg on its way just now."""
        now_ns = self._clock.now_ns()
        return any(
            belief.status in (OrderStatus.PENDING, OrderStatus.UNKNOWN)
            and belief.symbol == position.symbol
            and belief.position_side is position.side
            and belief.purpose in PROTECTORS
            and now_ns - belief.sent_ns < POLITE_NS
            for belief in self._kernel.state.orders.values()
        )

    def _may(self, act: Act) -> bool:
        enforce = self._kernel.policy.guard.enforce
        if self._parts.options.read_only or not self._kernel.policy.guard_on:
            return False
        return enforce is Enforce.FULL or (enforce is Enforce.STOP_ONLY and act is Act.RESCUE)

    # -------------------------------------------------------------- acting

    async def _act(
        self,
        act: Act,
        why: str,
        position: PositionState,
        account: AccountState,
        watch: Watch,
    ) -> None:
        try:
            instrument = await self._instrument(position.symbol)
            if instrument is None:
                return
            if act is Act.RESCUE:
                await self._rescue(position, instrument, watch, why)
            else:
                await self._close(position, account, instrument, watch, why)
        finally:
            watch.acting = False

    async def _rescue(
        self,
        position: PositionState,
        instrument: Instrument,
        watch: Watch,
        why: str,
    ) -> None:
        mark = self._any_mark(position)
        wanted = self._kernel.wanted_stop(position.symbol, position.side)
        distance = self._parts.options.rescue_distance_frac
        trigger = rescue.rescue_trigger(position, mark, instrument, wanted, distance)
        draft = rescue.stop_draft(position, position.qty, trigger, f"coverage: {why}")
        sent = await self._send(draft, instrument, position, mark)
        if sent.refused and sent.code not in NOT_SENT:
            watch.failures += 1
            if sent.code in AT_ONCE:
                watch.hopeless = f"a stop at {trigger} would trigger at once"
        self._done(position, "stop", sent, f"placed a rescue stop at {trigger}: {why}")

    async def _close(
        self,
        position: PositionState,
        account: AccountState,
        instrument: Instrument,
        watch: Watch,
        why: str,
    ) -> None:
        mark = self._any_mark(position)
        draft = rescue.close_draft(position, instrument, f"coverage: {why}")
        sent = await self._send(draft, instrument, position, mark)
        if sent.code in rescue.RESERVED:
            await rescue.make_room(self._parts, account, position)
        if sent.filled and draft.qty >= position.qty:
            # a leg seen later is another one: its own stop is tried before it is closed
            self._watches.pop(leg_key(position.symbol, position.side), None)
        if not sent.refused:
            watch.ending_since_ns.clear()
        self._done(position, "flatten", sent, f"closing the position at market: {why}")

    async def _send(
        self,
        draft: OrderDraft,
        instrument: Instrument,
        position: PositionState,
        mark: float,
    ) -> rescue.Sent:
        self._ids += 1
        sent = await rescue.send(
            self._parts,
            draft,
            instrument=instrument,
            position=position,
            mark=mark,
            client_order_id=f"bw{self._parts.run_id[:8]}-c{self._ids}",
        )
        for event in sent.events:
            self._emit(event)
        self._answered(position.symbol, sent.events)
        return sent

    async def _instrument(self, symbol: str) -> Instrument | None:
        """Return the contract; one the kernel never loaded (opened by hand) is loaded here."""
        market = self._kernel.state.markets.get(symbol)
        if market is not None and market.instrument is not None:
            return market.instrument
        if symbol not in self._instruments:
            try:
                async with asyncio.timeout(self._parts.options.read_deadline_s):
                    loaded = await self._parts.guard.instruments((symbol,))
            except outcomes.FAILURES as error:
                text = f"the contract of a held position cannot be read: {outcomes.told(error)}"
                self._say(Severity.CRITICAL, "coverage", text, symbol)
                return None
            now_ns = self._clock.now_ns()
            self._emit(InstrumentsLoaded(now_ns, now_ns, loaded))
            self._instruments.update({one.symbol: one for one in loaded})
        return self._instruments.get(symbol)

    # -------------------------------------------------------------- telling

    def _done(self, position: PositionState, action: str, sent: rescue.Sent, text: str) -> None:
        if sent.refused:
            action, text = f"{action} refused", f"{text}; refused: {sent.code} {sent.reason}"
        elif sent.unknown:
            action, text = f"{action} unknown", f"{text}; no answer, looking again"
        order_id = sent.order.client_order_id if sent.order is not None else ""
        self._say(Severity.CRITICAL, "coverage", text, position.symbol)
        now_ns = self._clock.now_ns()
        self._emit(
            CoverageReported(
                now_ns, now_ns, position.symbol, position.side, False, action, order_id
            )
        )

    def _report(self, position: PositionState, verdict: Verdict, watch: Watch, action: str) -> None:
        """Tell the kernel on every change, and now and then anyway."""
        told = f"{verdict.covered}{action}"
        now_ns = self._clock.monotonic_ns()
        if told == watch.told and now_ns - watch.told_ns < RETELL_NS:
            return
        watch.told, watch.told_ns = told, now_ns
        wall_ns = self._clock.now_ns()
        self._emit(
            CoverageReported(
                wall_ns, wall_ns, position.symbol, position.side, verdict.covered, action
            )
        )

    def _tell_once(self, position: PositionState, watch: Watch, text: str) -> None:
        if watch.warned != text:
            watch.warned = text
            self._say(Severity.CRITICAL, "coverage", text, position.symbol)
