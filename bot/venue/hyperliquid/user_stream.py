"""The account's own channels: ccxt's connection, our reading of it, its life proven."""

import asyncio
from collections import deque
from typing import Any, Final

from bot.domain.errors import VenueDataInvalid
from bot.domain.market import FeedStatus
from bot.domain.messages import OrderUpdate
from bot.domain.orders import OrderState
from bot.ports import Clock, Emit
from bot.venue.backoff import Backoff
from bot.venue.breaker import Breaker
from bot.venue.caller import Caller
from bot.venue.hyperliquid.news import CHANNELS, Ear
from bot.venue.private_stream import AGE_MAX_NS, DIAL_S, ECHO_NS, HELD_NS, LOOK_S, STREAM, Notes

REMEMBERED: Final = 256


class HyperliquidStream:
    """Order, fill, position and wallet events of one account, losslessly, until cancelled."""

    name = STREAM

    def __init__(
        self, caller: Caller, clock: Clock, breaker: Breaker, notes: Notes, url: str, user: str
    ) -> None:
        self._caller = caller
        self._clock = clock
        self._breaker = breaker
        self._notes = notes
        self._url = url
        self._user = user
        self._emit: Emit | None = None
        self._live = False
        self._verdict = ""
        self._ended: Any = None
        self._awaited: dict[str, int] = {}
        self._open: set[str] = set()
        self._all_open = asyncio.Event()
        self._told: deque[str] = deque(maxlen=REMEMBERED)
        self.ear = Ear(user)
        self.connections = 0
        self.messages = 0
        self.junk = 0

    def expect(self, client_order_id: str) -> None:
        """Take note that the venue acknowledged an order: the stream must speak of it."""
        if self._live and client_order_id not in self._told:
            self._awaited[client_order_id] = self._clock.monotonic_ns()

    def know(self, *orders: OrderState) -> None:
        """Take orders as they are sent or read whole."""
        self.ear.know(*orders)

    async def run(self, emit: Emit) -> None:
        """Stream until cancelled; each FeedStatus with live set means: read the account now."""
        self._emit = emit
        backoff = Backoff()
        while True:
            began_ns = self._clock.monotonic_ns()
            reason = await self._connection()
            held = self._live and self._clock.monotonic_ns() - began_ns >= HELD_NS
            self._say(live=False, reason=reason)
            if held:
                backoff.reset()
            silence_s = self._breaker.silence_s(places=False)
            await self._clock.sleep_s(max(backoff.next_s(), silence_s))

    async def _connection(self) -> str:
        """Dial, subscribe, watch to the end; return why it ended."""
        wire = self._caller.wire
        self._verdict = ""
        connected, ended = wire.attach(self._url, self._take, self._fault)
        self._ended = ended
        try:
            await asyncio.wait(
                {connected, ended}, timeout=DIAL_S, return_when=asyncio.FIRST_COMPLETED
            )
            if not connected.done() or ended.done():
                return f"no connection: {_how(ended)}"
            self.connections += 1
            self._awaited.clear()
            self.ear.begin()
            trouble = await self._subscribe()
            if trouble:
                return trouble
            self._notes.unsettled()
            self._say(live=True, reason="connected")
            return await self._watch(ended)
        finally:
            await wire.detach(self._url)
            for future in (connected, ended):
                if future.done() and not future.cancelled():
                    future.exception()  # looked at: asyncio would report it as never retrieved

    async def _subscribe(self) -> str:
        """Ask for every channel and wait until all are open; return what went wrong.

        What happens before the venue says that a channel is open is told to nobody: an account
        that was read in between would miss it.
        """
        client = self._caller.wire.clients.get(self._url)
        self._open.clear()
        self._all_open.clear()
        try:
            async with asyncio.timeout(DIAL_S):
                for channel in CHANNELS:
                    wanted = {"type": channel, "user": self._user}
                    await client.send({"method": "subscribe", "subscription": wanted})
                await self._all_open.wait()
        except TimeoutError:
            missing = ", ".join(sorted({*CHANNELS} - self._open))
            return f"the venue did not open {missing}"
        except Exception as failed:  # noqa: BLE001  (ccxt's untyped client fails in many ways)
            return f"connection lost: {type(failed).__name__} at a subscription"
        return ""

    async def _watch(self, ended: Any) -> str:  # noqa: ANN401  (ccxt's untyped future)
        since_ns = self._clock.monotonic_ns()
        while True:
            # waiting does not cancel the future, and a future cancelled by ccxt is not our own end
            await asyncio.wait({ended}, timeout=LOOK_S)
            if self._verdict or ended.done():
                return self._verdict or _how(ended)
            now_ns = self._clock.monotonic_ns()
            if now_ns - since_ns > AGE_MAX_NS:
                return "planned: the socket is 23 h old"
            for client_order_id, at_ns in self._awaited.items():
                if now_ns - at_ns > ECHO_NS:
                    self._verdict = f"silent: {client_order_id} was acknowledged and never told"

    def _take(self, _url: str, message: object) -> None:
        """Read one message as it arrives; called by ccxt's receive loop."""
        self.messages += 1
        try:
            said = self.ear.news(message, self._clock.now_ns())
        except VenueDataInvalid as nonsense:
            self._fault(nonsense)
            return
        if said.opened:
            self._open.add(said.opened)
            if self._open.issuperset(CHANNELS):
                self._all_open.set()
        for client_order_id in said.client_order_ids:
            self._told.append(client_order_id)
            self._awaited.pop(client_order_id, None)
        for symbol in said.touched:
            self._notes.touched(symbol)
        for event in said.events:
            if isinstance(event, OrderUpdate):
                self._notes.touched(event.order.symbol)
            if self._emit is not None:
                self._emit(event)
        if said.reread:
            self._reread(said.reread)

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
