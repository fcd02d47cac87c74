"""A private stream: ccxt's connection, our reading of it, its life proven; lost words are told."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from typing import Any, Final, Protocol

from bot.domain.errors import VenueDataInvalid, VenueError
from bot.domain.market import FeedStatus
from bot.domain.messages import OrderUpdate
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.ports import Clock, Emit
from bot.venue.backoff import Backoff
from bot.venue.breaker import Breaker
from bot.venue.caller import Caller
from bot.venue.news import News

STREAM: Final = "user"
DIAL_S: Final = 12.0
"""ccxt gives a dial up after 10 s; ours stands behind it."""
LOOK_S: Final = 1.0
ECHO_NS: Final = 10 * NS_PER_S
"""An order the venue acknowledged must be told here within this time, or the stream is dead."""
AGE_MAX_NS: Final = 23 * NS_PER_H
HELD_NS: Final = 30 * NS_PER_S
REMEMBERED: Final = 256


class Notes(Protocol):
    """What the stream asks and tells the rest of the room."""

    def fee_of(self, symbol: str, is_maker: bool) -> float | None:  # noqa: FBT001
        """Return the fee fraction of a contract, None when unknown."""
        ...

    def touched(self, symbol: str) -> None:
        """Take note that `symbol` has orders."""
        ...

    def unsettled(self) -> None:
        """Take note that what was remembered of the account may be wrong."""
        ...


class PrivateStream(ABC):
    """Order, fill, position and wallet events of one account, losslessly, until cancelled.

    An exchange says where to dial, what to say first, what keeps the line open, and what a
    message means.
    """

    name = STREAM
    no_address = "not dialled"

    def __init__(
        self,
        caller: Caller,
        clock: Clock,
        breaker: Breaker,
        notes: Notes,
    ) -> None:
        self._caller = caller
        self._clock = clock
        self._breaker = breaker
        self._notes = notes
        self._emit: Emit | None = None
        self._live = False
        self._verdict = ""
        self._ended: Any = None
        self._awaited: dict[str, int] = {}
        self._told: deque[str] = deque(maxlen=REMEMBERED)
        self.connections = 0
        self.messages = 0
        self.junk = 0

    def expect(self, client_order_id: str) -> None:
        """Take note that the venue acknowledged an order: the stream must speak of it."""
        if self._live and client_order_id not in self._told:
            self._awaited[client_order_id] = self._clock.monotonic_ns()

    async def run(self, emit: Emit) -> None:
        """Stream until cancelled; each FeedStatus with live set means: read the account now."""
        self._emit = emit
        backoff = Backoff()
        while True:
            began_ns = self._clock.monotonic_ns()
            try:
                reason = await self._connection()
            except VenueError as failed:
                reason = f"{self.no_address}: {failed}"
            held = self._live and self._clock.monotonic_ns() - began_ns >= HELD_NS
            self._say(live=False, reason=reason)
            if held:
                backoff.reset()
            silence_s = self._breaker.silence_s(places=False)
            await self._clock.sleep_s(max(backoff.next_s(), silence_s))

    # ------------------------------------------------------------------ the exchange's part

    @abstractmethod
    async def _address(self) -> str:
        """Return where to dial; may raise VenueError."""

    async def _greet(self, url: str) -> None:
        """Say what a fresh connection must hear; may set the verdict that ends it."""
        del url

    async def _keep(self, url: str, now_ns: int) -> str:
        """Do what keeps the line open; return why it must end, or nothing."""
        del url, now_ns
        return ""

    @abstractmethod
    def _news(self, message: object) -> News:
        """Return what a message says; may raise VenueDataInvalid."""

    # ------------------------------------------------------------------ one connection

    async def _connection(self) -> str:
        """Dial, greet, watch to the end; return why it ended."""
        wire = self._caller.wire
        self._verdict = ""
        url = await self._address()
        connected, ended = wire.attach(url, self._take, self._fault)
        self._ended = ended
        try:
            await asyncio.wait(
                {connected, ended}, timeout=DIAL_S, return_when=asyncio.FIRST_COMPLETED
            )
            if not connected.done() or ended.done():
                return f"no connection: {_how(ended)}"
            self.connections += 1
            self._awaited.clear()
            self._notes.unsettled()
            await self._greet(url)
            if self._verdict:
                return self._verdict
            self._say(live=True, reason="connected")
            return await self._watch(url, ended)
        finally:
            await wire.detach(url)
            for future in (connected, ended):
                if future.done() and not future.cancelled():
                    future.exception()  # looked at: asyncio would report it as never retrieved

    async def _watch(self, url: str, ended: Any) -> str:  # noqa: ANN401  (ccxt's untyped future)
        since_ns = self._clock.monotonic_ns()
        while True:
            # waiting does not cancel the future, and a future cancelled by ccxt is not our own end
            await asyncio.wait({ended}, timeout=LOOK_S)
            if self._verdict or ended.done():
                return self._verdict or _how(ended)
            now_ns = self._clock.monotonic_ns()
            if now_ns - since_ns > AGE_MAX_NS:
                return "planned: the socket is 23 h old"
            over = await self._keep(url, now_ns)
            if over:
                return over
            self._check_echoes(now_ns)

    def _check_echoes(self, now_ns: int) -> None:
        for client_order_id, at_ns in self._awaited.items():
            if now_ns - at_ns > ECHO_NS:
                self._verdict = f"silent: {client_order_id} was acknowledged and never told"

    def _take(self, _url: str, message: object) -> None:
        """Read one message as it arrives; called by ccxt's receive loop."""
        self.messages += 1
        try:
            said = self._news(message)
        except VenueDataInvalid as nonsense:
            self._fault(nonsense)
            return
        if said.client_order_id:
            self._heard(said.client_order_id)
        for event in said.events:
            if isinstance(event, OrderUpdate):
                self._notes.touched(event.order.symbol)
            if self._emit is not None:
                self._emit(event)
        if said.reread:
            self._reread(said.reread)
        if said.ended:
            self._verdict = said.ended
            if self._ended is not None:
                self._ended.cancel()  # wakes the watch at once

    def _heard(self, client_order_id: str) -> None:
        """Take note that the stream spoke of an order."""
        self._told.append(client_order_id)
        self._awaited.pop(client_order_id, None)

    def _fault(self, fault: Exception) -> None:
        """A private message that cannot be read may have been a fill: the account must be read."""
        self.junk += 1
        self._reread(f"suspect: unreadable message ({str(fault)[:160]})")

    def _reread(self, reason: str) -> None:
        self._notes.unsettled()
        if self._live:
            self._say(live=False, reason=reason)
            self._say(live=True, reason=f"read the account: {reason}")

    def _say(self, *, live: bool, reason: str) -> None:
        self._live = live
        if self._emit is not None:
            now_ns = self._clock.now_ns()
            venue_ns = self._caller.venue_now_ns()
            self._emit(FeedStatus(STREAM, "", venue_ns, now_ns, live, reason))


def _how(ended: Any) -> str:  # noqa: ANN401  (ccxt's untyped future)
    if not ended.done():
        return "timed out"
    if ended.cancelled():
        return "connection closed"
    fault = ended.exception()
    return f"connection lost: {str(fault)[:160]}" if fault is not None else "connection ended"
