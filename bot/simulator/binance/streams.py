"""WebSocket clients and who hears what; a slow client is dropped and never blocks the venue."""

import asyncio
from collections.abc import Callable, Iterable
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from bot.domain.units import NS_PER_S
from bot.simulator.faults import FaultBoard, FaultKind

QUEUE_FRAMES_MAX: Final = 4_096
FRAME_BYTES_MAX: Final = 64 * 1024
STREAMS_MAX: Final = 1_024
INBOUND_PER_S_MAX: Final = 10
SEND_DEADLINE_S: Final = 10.0
USER_STREAM: Final = "user"
PUBLIC_SUFFIXES: Final = ("@trade", "@bookTicker", "@depth", "@rpiDepth", "!bookTicker")


class Category(StrEnum):
    """The part of the stream address that decides what is delivered."""

    PUBLIC = "public"
    MARKET = "market"
    PRIVATE = "private"
    ALL = "all"

    def carries(self, stream: str) -> bool:
        """Tell whether this kind of connection delivers `stream`."""
        if self is Category.ALL:
            return True
        if self is Category.PRIVATE:
            return stream == USER_STREAM
        is_public = any(suffix in stream for suffix in PUBLIC_SUFFIXES)
        return is_public is (self is Category.PUBLIC)


class Client:
    """One connection: what it hears, and a bounded queue of what it has yet to be sent."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        category: Category,
        *,
        combined: bool,
        abort: Callable[[], None],
        account_id: str = "",
        listen_key: str = "",
    ) -> None:
        self.socket = socket
        self._abort = abort
        self.category = category
        self.combined = combined
        self.account_id = account_id
        self.listen_key = listen_key
        self.streams: dict[str, None] = {}
        self.close_code: int | None = None
        self.held: str | None = None
        self._queue: asyncio.Queue[str | None] = asyncio.Queue(QUEUE_FRAMES_MAX)
        self._second = 0
        self._inbound = 0

    def put(self, text: str) -> None:
        """Queue a frame; a client with a full queue is condemned instead."""
        if self.close_code is not None:
            return
        try:
            self._queue.put_nowait(text)
        except asyncio.QueueFull:
            self.condemn(WSCloseCode.POLICY_VIOLATION)

    def condemn(self, code: int) -> None:
        """Stop sending and close with `code`; 0 cuts the connection without a word."""
        if self.close_code is not None:
            return
        self.close_code = code
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    def count_inbound(self, now_ns: int) -> bool:
        """Count a message from the client; False when it sends too many in a second."""
        second = now_ns // NS_PER_S
        if second != self._second:
            self._second, self._inbound = second, 0
        self._inbound += 1
        return self._inbound <= INBOUND_PER_S_MAX

    async def write(self) -> None:
        """Send what is queued until condemned, then close."""
        try:
            while (text := await self._queue.get()) is not None:
                async with asyncio.timeout(SEND_DEADLINE_S):
                    await self.socket.send_str(text)
        except (TimeoutError, ConnectionError):
            self.close_code = 0
        await self._close()

    async def _close(self) -> None:
        if self.close_code == 0:
            self._abort()
            return
        try:
            async with asyncio.timeout(SEND_DEADLINE_S):
                await self.socket.close(code=self.close_code or WSCloseCode.GOING_AWAY)
        except TimeoutError:
            self._abort()


class StreamHub:
    """All clients by stream; frames are encoded once and only when somebody listens."""

    def __init__(self, faults: FaultBoard, now_ns: Callable[[], int]) -> None:
        self._faults = faults
        self._now_ns = now_ns
        self._clients: dict[Client, None] = {}
        self._by_stream: dict[str, dict[Client, None]] = {}

    @property
    def clients(self) -> tuple[Client, ...]:
        """Every open connection."""
        return tuple(self._clients)

    def streams(self) -> tuple[str, ...]:
        """Every stream that somebody hears."""
        return tuple(name for name, clients in self._by_stream.items() if clients)

    def is_heard(self, stream: str) -> bool:
        """Whether anybody hears `stream`."""
        return bool(self._by_stream.get(stream))

    def add(self, client: Client) -> None:
        """Take a client in."""
        self._clients[client] = None

    def remove(self, client: Client) -> None:
        """Let a client go."""
        self._clients.pop(client, None)
        self.unsubscribe(client, tuple(client.streams))

    def subscribe(self, client: Client, streams: Iterable[str]) -> None:
        """Let `client` hear `streams`; those its address does not carry stay silent."""
        for stream in streams:
            client.streams[stream] = None
            if client.category.carries(stream):
                self._by_stream.setdefault(stream, {})[client] = None

    def unsubscribe(self, client: Client, streams: Iterable[str]) -> None:
        """Take `streams` from `client`."""
        for stream in streams:
            client.streams.pop(stream, None)
            heard = self._by_stream.get(stream)
            if heard is not None:
                heard.pop(client, None)
                if not heard:
                    del self._by_stream[stream]

    def publish(self, stream: str, event: str, frame: object) -> None:
        """Send `frame` (JSON-able) to all who hear the public `stream`."""
        heard = self._by_stream.get(stream)
        if heard:
            self._send(stream, event, "", tuple(heard), frame)

    def publish_user(self, account_id: str, event: str, frame: object) -> None:
        """Send `frame` to every user stream of the account."""
        clients = tuple(
            c for c in self._by_stream.get(USER_STREAM, ()) if c.account_id == account_id
        )
        if clients:
            self._send(USER_STREAM, event, account_id, clients, frame)

    def publish_private(self, topic: str, account_id: str, event: str, frame: object) -> None:
        """Send `frame` to the connections of the account that hear the private `topic`.

        Faults know every private topic under the one name of the user stream.
        """
        heard = self._by_stream.get(topic, ())
        clients = tuple(client for client in heard if client.account_id == account_id)
        if clients:
            self._send(USER_STREAM, event, account_id, clients, frame)

    def tell_one(self, client: Client, frame: object) -> None:
        """Send `frame` to one client, whatever it hears."""
        text = msgspec.json.encode(frame).decode()
        name = client.listen_key
        client.put(f'{{"stream":"{name}","data":{text}}}' if client.combined else text)

    def _send(
        self, stream: str, event: str, account_id: str, clients: tuple[Client, ...], frame: object
    ) -> None:
        fate = self._faults.on_frame(stream, event, account_id, self._now_ns())
        if fate in (FaultKind.FREEZE, FaultKind.DROP_FRAME):
            return
        text = msgspec.json.encode(frame).decode()
        copies = 2 if fate is FaultKind.DUPLICATE else 1
        for client in clients:
            name = client.listen_key if stream == USER_STREAM else stream
            told = f'{{"stream":"{name}","data":{text}}}' if client.combined else text
            if fate is FaultKind.REORDER and client.held is None:
                client.held = told
                continue
            for _ in range(copies):
                client.put(told)
            if client.held is not None:
                client.put(client.held)
                client.held = None

    def close_matching(self, code: int, pattern: str = "") -> int:
        """Close every client hearing a stream like `pattern` (all when empty); return how many."""
        doomed = [
            client
            for client in self._clients
            if not pattern or any(fnmatchcase(name, pattern) for name in client.streams)
        ]
        for client in doomed:
            client.condemn(code)
        return len(doomed)


async def read_client(hub: StreamHub, client: Client, now_ns: Callable[[], int]) -> None:
    """Obey SUBSCRIBE, UNSUBSCRIBE and LIST_SUBSCRIPTIONS until the client leaves."""
    async for message in client.socket:
        if message.type is not WSMsgType.TEXT:
            client.condemn(WSCloseCode.UNSUPPORTED_DATA)
            return
        if not client.count_inbound(now_ns()):
            client.condemn(WSCloseCode.POLICY_VIOLATION)
            return
        client.put(msgspec.json.encode(_obey(hub, client, message.data)).decode())


def _obey(hub: StreamHub, client: Client, text: str) -> object:
    try:
        asked = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        return {"error": {"code": 3, "msg": f"Invalid JSON: {error}"}}
    if not isinstance(asked, dict):
        return {"error": {"code": 2, "msg": "Invalid request: an object is needed"}}
    number = asked.get("id")
    names = asked.get("params", [])
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        return _complaint(2, "Invalid request: params must be an array of streams", number)
    match asked.get("method"):
        case "SUBSCRIBE":
            if len(client.streams) + len(names) > STREAMS_MAX:
                return _complaint(2, f"Invalid request: at most {STREAMS_MAX} streams", number)
            hub.subscribe(client, (n for n in names if n != USER_STREAM))
        case "UNSUBSCRIBE":
            hub.unsubscribe(client, (n for n in names if n != USER_STREAM))
        case "LIST_SUBSCRIPTIONS":
            return {"result": list(client.streams), "id": number}
        case _:
            return _complaint(2, "Invalid request: unknown method", number)
    return {"result": None, "id": number}


def _complaint(code: int, text: str, number: object) -> object:
    return {"error": {"code": code, "msg": text}, "id": number}
