"""The public feed: two aiohttp sockets that watch themselves, reconnect, and report their gaps."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import aiohttp
from msgspec import structs

from bot.domain.errors import VenueDataInvalid, VenueError
from bot.domain.market import FeedStatus
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.ports import Clock, Emit
from bot.venue.backoff import Backoff
from bot.venue.breaker import Breaker
from bot.venue.profiles import binance
from bot.venue.reader import PublicReader

HEARTBEAT_S: Final = 10.0
DIAL_S: Final = 10.0
LOOK_S: Final = 1.0
STALE_NS: Final = 10 * NS_PER_S
BOOK_STALE_NS: Final = 60 * NS_PER_S
RETRY_SYMBOL_NS: Final = 300 * NS_PER_S
"""One silent contract among live ones is dialled for no more often than this."""
AGE_MAX_NS: Final = 23 * NS_PER_H
"""The venue drops every socket after 24 h: leave before, at a moment of our own."""
HELD_NS: Final = 30 * NS_PER_S
FRAME_MAX_BYTES: Final = 1 << 20
STREAMS_PER_MESSAGE: Final = 100
JUNK_MAX: Final = 100
FRAMES_PER_TURN: Final = 64
MARKET_STREAMS: Final = ("aggTrade", "markPrice@1s", "forceOrder")
BOOK_STREAMS: Final = ("bookTicker",)


class Line:
    """One public socket with its streams; `name` is the stream name in its FeedStatus events."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        streams: Sequence[str],
        symbols: Sequence[str],
        *,
        name: str,
        clock: Clock,
        breaker: Breaker,
        venue_now_ns: Callable[[], int],
        prepare: Callable[[PublicReader], Awaitable[None]],
        stale_ns: int,
    ) -> None:
        self.name = name
        self.reader = PublicReader(symbols)
        self.junk = 0
        self.connections = 0
        self._session = session
        self._url = url
        self._streams = streams
        self._symbols = symbols
        self._clock = clock
        self._breaker = breaker
        self._venue_now_ns = venue_now_ns
        self._prepare = prepare
        self._stale_ns = stale_ns
        self._silent: set[str] = set()
        self._verdict = ""
        self._proven = False
        self._since_ns = 0
        self._began_ns = 0
        self._redialled_ns = -RETRY_SYMBOL_NS

    async def run(self, emit: Emit) -> None:
        """Stream until cancelled."""
        backoff = Backoff()
        while True:
            began_ns = self._clock.monotonic_ns()
            reason = await self._connection(emit)
            self._tell(emit, live=False, reason=reason)
            if self._proven and self._clock.monotonic_ns() - began_ns >= HELD_NS:
                backoff.reset()
            await self._clock.sleep_s(max(backoff.next_s(), self._ban_s()))

    async def _connection(self, emit: Emit) -> str:
        """Dial, subscribe and read one connection to its end; return why it ended."""
        self._proven, self._verdict, connection_junk = False, "", self.junk
        if self._ban_s() > 0.0:
            return f"not dialled: the venue wants silence for {self._ban_s():.0f} s"
        try:
            await self._prepare(self.reader)
        except VenueError as failed:  # prices matter more than what prepare would have refined
            self._tell(emit, live=False, reason=f"dialling without preparation: {failed}")
        try:
            async with asyncio.timeout(DIAL_S):
                socket = await self._session.ws_connect(
                    self._url,
                    heartbeat=HEARTBEAT_S,
                    max_msg_size=FRAME_MAX_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
                )
        except (aiohttp.ClientError, OSError, TimeoutError, VenueError) as failed:
            return f"no connection: {type(failed).__name__} {str(failed)[:120]}".rstrip()
        self.connections += 1
        self.reader.connected()
        self._since_ns, self._began_ns = self._clock.monotonic_ns(), self._venue_now_ns()
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
        for start in range(0, len(self._streams), STREAMS_PER_MESSAGE):
            part = self._streams[start : start + STREAMS_PER_MESSAGE]
            async with asyncio.timeout(DIAL_S):
                await socket.send_json({"method": "SUBSCRIBE", "params": part, "id": start + 1})

    async def _read(
        self, socket: aiohttp.ClientWebSocketResponse, emit: Emit, junk_max: int
    ) -> str:
        frames = 0
        async for message in socket:
            frames += 1
            if frames % FRAMES_PER_TURN == 0:
                await asyncio.sleep(0)  # a burst must not keep protection from its turn
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                break
            try:
                events = self.reader.read(message.data, self._clock.now_ns())
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
            self._verdict = self._look(emit)
            if self._verdict:
                await socket.close()
                return

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
        venue_ns, ours_ns = self._venue_now_ns(), self._clock.now_ns()
        emit(FeedStatus(self.name, symbol, venue_ns, ours_ns, live, reason))


class PublicFeed:
    """Prices, liquidations and book tops of one venue: a line for each of its two addresses."""

    name = binance.NAME

    def __init__(self, market: Line, book: Line) -> None:
        self.market = market
        self.book = book

    async def run(self, emit: Emit) -> None:
        """Stream both lines until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.market.run(emit))
            group.create_task(self.book.run(emit))


def stream_names(symbols: Sequence[str], kinds: Sequence[str]) -> list[str]:
    """Return the venue's stream names of `symbols`."""
    return [f"{binance.venue_id(symbol).lower()}@{kind}" for symbol in symbols for kind in kinds]
