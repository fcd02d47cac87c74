"""Invariants 16, 17, 25, 26, 27: how the kernel's belief may move, watched step by step."""

from collections.abc import Sequence
from typing import Final

from bot.domain import messages as m
from bot.domain.messages import Effect, Event
from bot.domain.orderlife import allowed
from bot.domain.orders import OrderStatus, Purpose
from bot.domain.risk import TradingMode
from bot.lab.simulation.life import Life
from bot.lab.simulation.monitors.sends import SendMonitor
from bot.lab.simulation.monitors.verdicts import Verdicts
from bot.lab.simulation.world import World

SAVED_NS: Final = 2_000_000_000
SAYS_NOTHING: Final = (*m.MARKET_EVENTS, m.TimerFired)
"""Events that are about no order."""


class BeliefMonitor:
    """Called after every step of the kernel."""

    def __init__(self, world: World, verdicts: Verdicts, sends: SendMonitor) -> None:
        self._world = world
        self._verdicts = verdicts
        self._sends = sends
        self._status: dict[str, OrderStatus] = {}
        self._filled: dict[str, object] = {}
        self._mode = TradingMode.REDUCING
        self._wanted = TradingMode.ACTIVE
        self._latched_ns = 0
        self._executed: set[str] = set()
        self._run_id = ""

    def observe(self, life: Life, event: Event, effects: list[Effect]) -> None:
        """Judge one step."""
        if life.run_id != self._run_id:
            self._begin(life)
        for effect in effects:
            self._effect(effect)
        if not isinstance(event, SAYS_NOTHING):
            for client_order_id in _named(event):
                self._order(life, client_order_id)
        self._modes(life, event)

    def _broken(self, invariant: int, text: str) -> None:
        self._world.note(f"VIOLATION {invariant} {text}")
        self._verdicts.broken(invariant, self._world.lived_s, text)

    def _begin(self, life: Life) -> None:
        """A new life: what was latched and kept must be latched still."""
        self._run_id = life.run_id
        self._status = {}
        self._filled = {}
        self._mode = TradingMode.REDUCING
        if self._latched_ns and not life.kernel.state.latched:
            if life.born_ns - self._latched_ns > SAVED_NS:
                self._broken(26, f"a latch was forgotten by a restart: {life.run_id}")
            self._latched_ns = 0

    def _effect(self, effect: Effect) -> None:
        now_ns = self._world.now_ns
        if isinstance(effect, m.SubmitOrder):
            order = effect.order
            self._world.sent_orders[order.client_order_id] = order
            self._status.setdefault(order.client_order_id, OrderStatus.PENDING)
            if order.purpose is Purpose.ENTRY:
                self._sends.entries_decided[order.client_order_id] = now_ns
            elif order.purpose in (Purpose.CUT, Purpose.FLATTEN):
                self._sends.decided[order.client_order_id] = now_ns
        elif isinstance(effect, m.Answer) and effect.accepted:
            if effect.command_id in self._executed:
                self._broken(25, f"a command was executed twice: {effect.command_id}")
            self._executed.add(effect.command_id)

    def _order(self, life: Life, client_order_id: str) -> None:
        belief = life.kernel.state.orders.get(client_order_id)
        if belief is None:
            return
        before = self._status.get(client_order_id)
        if before is not None and before is not belief.status:
            self._world.mark(f"order_{before.value}_{belief.status.value}")
            if not allowed(before, belief.status):
                text = f"{before.value} to {belief.status.value}"
                self._broken(16, f"an order moved from {text}: {client_order_id}")
        self._status[client_order_id] = belief.status
        filled = self._filled.get(client_order_id)
        if filled is not None and belief.filled_qty < filled:  # type: ignore[operator]
            self._broken(17, f"a filled quantity fell: {client_order_id}")
        if belief.qty and belief.filled_qty > belief.qty:
            self._broken(17, f"more filled than ordered: {client_order_id}")
        self._filled[client_order_id] = belief.filled_qty

    def _modes(self, life: Life, event: Event) -> None:
        state = life.kernel.state
        if state.latched:
            self._latched_ns = self._latched_ns or self._world.now_ns
        elif self._latched_ns:
            if not (isinstance(event, m.Command) and event.name == "rearm"):
                self._broken(26, f"a latch opened by itself: {type(event).__name__}")
            self._latched_ns = 0
        if state.mode is TradingMode.ACTIVE:
            self._active(life)
        if state.mode is self._mode:
            return
        self._world.mark(f"mode_{self._mode.value}_{state.mode.value}")
        self._mode = state.mode

    def _active(self, life: Life) -> None:
        """What nobody may be while the operator or a doubt forbids it."""
        state = life.kernel.state
        if state.latched or state.wanted_mode is not TradingMode.ACTIVE:
            self._broken(27, f"active against the operator's word: {state.mode_reason}")
        if not state.user_stream_live or not state.stops_proven or state.key_flaw:
            self._broken(31, f"active in doubt: {state.mode_reason}")


def _named(event: Event) -> Sequence[str]:
    """Return the orders that a step may have moved."""
    match event:
        case m.OrderUpdate(order=order):
            return (order.client_order_id,)
        case m.AccountSnapshot(account=account):
            return [order.client_order_id for order in account.orders]
        case (
            m.Fill()
            | m.OrderAccepted()
            | m.OrderRefused()
            | m.OrderOutcomeUnknown()
            | m.OrderNotFound()
            | m.CancelFailed()
        ):
            return (event.client_order_id,)
        case _:
            return ()
