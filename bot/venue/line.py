"""One public socket that watches itself: dials, subscribes, reads, reconnects, reports its gaps."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import aiohttp
from msgspec import structs

from bot.domain.errors import VenueDataInvalid, VenueError
from bot.domain.market import FeedStatus
from bot.domain.messages import Event
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.ports import Clock, Emit
from bot.venue.backoff import Backoff
from bot.venue.breaker import Breaker
from bot.venue.tally import Tally
from bot.venue.tape import Recorder, tape

DIAL_S: Final = 10.0
LOOK_S: Final = 1.0
RETRY_SYMBOL_NS: Final = 300 * NS_PER_S
"""One silent contract among live ones is dialled for no more often than this."""
AGE_MAX_NS: Final = 23 * NS_PER_H
"""Venues drop sockets after 24 h: leave before, at a moment of our own."""
HELD_NS: Final = 30 * NS_PER_S
FRAME_MAX_BYTES: Final = 1 << 20
JUNK_MAX: Final = 100
FRAMES_PER_TURN: Final = 64


class FrameReader(Protocol):
    """Makes events of frames, one connection at a time."""

    def connected(self) -> None:
        """Begin a connection."""
        ...

    def told_ns(self, symbol: str) -> int | None:
        """Return the venue's time of the newest price of `symbol`, None before the first."""
        ...

    def read(self, raw: bytes | str, received_ns: int) -> Sequence[Event]:
        """Return what a frame says, or raise VenueDataInvalid."""
        ...


class Dialect(Protocol):
    """How a venue is asked for streams, and what keeps its connection open."""

    heartbeat_s: float | None
    """Pings of the protocol itself; None where the venue does not answer them."""
    ping: str
    """A ping in the venue's own words, empty for none; sent every `ping_s`."""
    ping_s: float

    def symbols(self) -> Sequence[str]:
        """Return the symbols whose prices must stay fresh."""
        ...

    def messages(self) -> Sequence[str]:
        """Return what to send after dialling."""
        ...


class Line:
    """One public socket with its streams; `name` is the stream name in its FeedStatus events."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        dialect: Dialect,
        reader: FrameReader,
        *,
        name: str,
        clock: Clock,
        breaker: Breaker,
        venue_now_ns: Callable[[], int],
        prepare: Callable[[], Awaitable[None]],
        must_prepare: bool,
        stale_ns: int,
    ) -> None:
        self.name = name
        self.reader = reader
        self.junk = 0
        self.connections = 0
        self.reason = "not dialled yet"
        self.error = ""
        self.tally = Tally()
        self._session = session
        self._url = url
        self._dialect = dialect
        self._clock = clock
        self._breaker = breaker
        self._venue_now_ns = venue_now_ns
        self._prepare = prepare
        self._must_prepare = must_prepare
        self._stale_ns = stale_ns
        self._symbols: Sequence[str] = ()
        self._silent: set[str] = set()
        self._tape = tape()
        self._verdict = ""
        self._proven = False
        self._since_ns = 0
        self._began_ns = 0
        self._pinged_ns = 0
        self._redialled_ns = -RETRY_SYMBOL_NS

    @property
    def live(self) -> bool:
        """Whether events arrive now."""
        return self._proven

    @property
    def silent(self) -> frozenset[str]:
        """The symbols without a fresh price."""
        return frozenset(self._silent)

    async def run(self, emit: Emit) -> None:
        """Stream until cancelled."""
        backoff = Backoff()
        while True:
            began_ns = self._clock.monotonic_ns()
            reason = await self._connection(emit)
            proven, self._proven = self._proven, False
            self.tally.begin()
            self._tell(emit, live=False, reason=reason)
            if proven and self._clock.monotonic_ns() - began_ns >= HELD_NS:
                backoff.reset()
            await self._clock.sleep_s(max(backoff.next_s(), self._ban_s()))

    async def _connection(self, emit: Emit) -> str:
        """Dial, subscribe and read one connection to its end; return why it ended."""
        self._verdict, connection_junk = "", self.junk
        if self._ban_s() > 0.0:
            return f"not dialled: the venue wants silence for {self._ban_s():.0f} s"
        try:
            await self._prepare()
        except VenueError as failed:
            if self._must_prepare:
                return f"not dialled: {failed}"
            # prices matter more than what would have refined them
            self._tell(emit, live=False, reason=f"dialling without preparation: {failed}")
        self._symbols = self._dialect.symbols()
        if not self._symbols:
            return "not dialled: the venue lists none of the symbols"
        try:
            async with asyncio.timeout(DIAL_S):
                socket = await self._session.ws_connect(
                    self._url,
                    heartbeat=self._dialect.heartbeat_s,
                    max_msg_size=FRAME_MAX_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
                )
        except (aiohttp.ClientError, OSError, TimeoutError, VenueError) as failed:
            return f"no connection: {type(failed).__name__} {str(failed)[:120]}".rstrip()
        self.connections += 1
        self.reader.connected()
        self._since_ns, self._began_ns = self._clock.monotonic_ns(), self._venue_now_ns()
        self._pinged_ns = self._since_ns
        try:
            await self._subscribe(socket)
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(self._watch(socket, emit))
                reason = await self._read(socket, emit, connection_junk + JUNK_MAX)
                watch.cancel()
        except (aiohttp.ClientError, OSError, TimeoutError) as failed:
            return f"connection lost: {type(failed).__name__}"
        finally:
            await socket.close()
        return self._verdict or reason

    async def _subscribe(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        for message in self._dialect.messages():
            async with asyncio.timeout(DIAL_S):
                await socket.send_str(message)

    async def _read(
        self, socket: aiohttp.ClientWebSocketResponse, emit: Emit, junk_max: int
    ) -> str:
        tally = self.tally
        recorder = self._tape if isinstance(self._tape, Recorder) else None
        async for message in socket:
            tally.frames += 1
            if tally.frames % FRAMES_PER_TURN == 0:
                await asyncio.sleep(0)  # a burst must not keep protection from its turn
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                break
            tally.frame_ns = now_ns = self._clock.now_ns()
            if recorder is not None:
                recorder.frame(self.name, message.data, now_ns)
            try:
                events = self.reader.read(message.data, now_ns)
            except VenueDataInvalid as nonsense:
                if self._is_hopeless(emit, nonsense, junk_max):
                    return f"too many unreadable frames, last: {nonsense}"
                continue
            if events and not self._proven:
                self._proven = True
                self._tell(emit, live=True, reason="connected")
            for event in events:
                emit(self._honest(event) if isinstance(event, FeedStatus) else event)
        lost = socket.exception()
        return f"closed with code {socket.close_code}{f' ({lost})' if lost else ''}"

    def _honest(self, status: FeedStatus) -> FeedStatus:
        """A remark about trades must not declare a contract live whose prices are stale."""
        if status.symbol not in self._silent:
            return status
        return structs.replace(status, live=False)

    def _is_hopeless(self, emit: Emit, nonsense: VenueDataInvalid, junk_max: int) -> bool:
        """Count junk, say so at 1, 10, 100 ..., give the connection up at `junk_max`."""
        self.junk += 1
        if str(self.junk).strip("0") == "1":
            reason = f"suspect: {self.junk} unreadable frames, last: {nonsense}"
            self._tell(emit, live=self._proven, reason=reason)
        return self.junk >= junk_max

    async def _watch(self, socket: aiohttp.ClientWebSocketResponse, emit: Emit) -> None:
        """Look every second whether prices are fresh; close the socket when they are not."""
        while True:
            await self._clock.sleep_s(LOOK_S)
            self.tally.look(self._clock.monotonic_ns())
            self._verdict = self._look(emit) or await self._keep_open(socket)
            if self._verdict:
                await socket.close()
                return

    async def _keep_open(self, socket: aiohttp.ClientWebSocketResponse) -> str:
        """Send the venue's own ping when it is due; return why the connection must end."""
        now_ns = self._clock.monotonic_ns()
        if not self._dialect.ping or now_ns - self._pinged_ns < self._dialect.ping_s * NS_PER_S:
            return ""
        self._pinged_ns = now_ns
        try:
            async with asyncio.timeout(DIAL_S):
                await socket.send_str(self._dialect.ping)
        except (aiohttp.ClientError, OSError, TimeoutError) as failed:
            return f"connection lost: {type(failed).__name__} at a ping"
        return ""

    def _look(self, emit: Emit) -> str:
        """Return why the connection must end, or nothing; report contracts that fell silent."""
        now_ns = self._venue_now_ns()
        if self._clock.monotonic_ns() - self._since_ns > AGE_MAX_NS:
            return "planned: the socket is 23 h old"
        silent = set()
        for symbol in self._symbols:
            told_ns = max(self.reader.told_ns(symbol) or 0, self._began_ns)
            if now_ns - told_ns > self._stale_ns:
                silent.add(symbol)
        if len(silent) == len(self._symbols):
            self._silent = silent
            return f"stale: no price for more than {self._stale_ns // NS_PER_S} s"
        return self._compare(silent, emit)

    def _compare(self, silent: set[str], emit: Emit) -> str:
        for symbol in sorted(silent - self._silent):
            self._tell(emit, live=False, reason="stale: no price", symbol=symbol)
        for symbol in sorted(self._silent - silent):
            self._tell(emit, live=True, reason="prices are back", symbol=symbol)
        self._silent = silent
        now_ns = self._clock.monotonic_ns()
        if silent and now_ns - self._redialled_ns > RETRY_SYMBOL_NS:
            self._redialled_ns = now_ns
            return f"stale: no price for {', '.join(sorted(silent))}"
        return ""

    def _ban_s(self) -> float:
        return self._breaker.silence_s(places=False)

    def _tell(self, emit: Emit, *, live: bool, reason: str, symbol: str = "") -> None:
        self.reason = reason
        if not live or reason.startswith("suspect"):
            self.error = reason
        venue_ns, ours_ns = self._venue_now_ns(), self._clock.now_ns()
        emit(FeedStatus(self.name, symbol, venue_ns, ours_ns, live, reason))
