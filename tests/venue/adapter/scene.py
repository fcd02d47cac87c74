"""What adapter tests share: an order to send, a room on the embedded venue, events that arrive."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import TypeVar

from aiohttp import web

from bot.app.clock import SystemClock
from bot.domain.messages import Event
from bot.domain.orders import (
    ApprovedOrder,
    OrderKind,
    OrderSide,
    PositionSide,
    Purpose,
    TimeInForce,
    TriggerBy,
)
from bot.domain.units import NS_PER_MIN, NS_PER_S
from bot.ports import Clock
from bot.venue.open import VenueConfig, VenueRoom, open_room
from tests.fakes.embedded import BTC, ETH, EmbeddedVenue, LoopbackResolver

T = TypeVar("T")
DEADLINE_S = 20.0


class MidMinute(SystemClock):
    """The machine's clock moved so that a test does not meet the turn of a minute."""

    def __init__(self) -> None:
        self._ahead_ns = 10 * NS_PER_S - super().now_ns() % NS_PER_MIN

    def now_ns(self) -> int:
        return super().now_ns() + self._ahead_ns


def entry(client_order_id: str = "bw00000001-1-0", **changes: object) -> ApprovedOrder:
    """A market buy of 0.05 BTC."""
    fields: dict[str, object] = {
        "client_order_id": client_order_id,
        "symbol": BTC,
        "side": OrderSide.BUY,
        "position_side": PositionSide.LONG,
        "kind": OrderKind.MARKET,
        "purpose": Purpose.ENTRY,
        "qty": Decimal("0.05"),
        "price": None,
        "trigger_price": None,
        "trigger_by": TriggerBy.MARK,
        "time_in_force": TimeInForce.GTC,
        "reduce_only": False,
        "close_position": False,
        "hedged": False,
        "reason": "test",
    }
    return ApprovedOrder(**{**fields, **changes})


def stop(client_order_id: str = "bw00000001-2-0", **changes: object) -> ApprovedOrder:
    """A reduce-only stop below the market."""
    fields: dict[str, object] = {
        "side": OrderSide.SELL,
        "kind": OrderKind.STOP_MARKET,
        "purpose": Purpose.STOP,
        "trigger_price": Decimal("70000.0"),
        "reduce_only": True,
    }
    return entry(client_order_id, **{**fields, **changes})


def config_of(venue: EmbeddedVenue, **changes: object) -> VenueConfig:
    fields: dict[str, object] = {
        "mode": "paper",
        "symbols": (BTC, ETH),
        "api_key": venue.api_key,
        "api_secret": venue.secret,
        "base_url": venue.url,
    }
    return VenueConfig(**{**fields, **changes})


@asynccontextmanager
async def opened(
    venue: EmbeddedVenue, clock: Clock | None = None, **changes: object
) -> AsyncIterator[VenueRoom]:
    """A room in paper mode over `venue`."""
    room = await open_room(config_of(venue, **changes), clock or SystemClock())
    try:
        yield room
    finally:
        await room.close()


@asynccontextmanager
async def opened_by_name(venue: EmbeddedVenue, mode: str) -> AsyncIterator[VenueRoom]:
    """A room of `mode` with the production names, led to `venue` over TLS."""
    config = config_of(venue, mode=mode, base_url="")
    room = await open_room(
        config,
        SystemClock(),
        ssl_context=venue.client_ssl(),
        resolver=LoopbackResolver(venue.port),
    )
    try:
        yield room
    finally:
        await room.close()


class Heard:
    """Events of running feeds, with waiting that has a deadline instead of a guess."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = asyncio.Event()

    def emit(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, kind: type[T], wanted: Callable[[T], bool], since: int = 0) -> T:
        """The first event of `kind` after position `since` that is `wanted`."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                for event in self.events[since:]:
                    if isinstance(event, kind) and wanted(event):
                        return event
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def listening(*feeds: object) -> AsyncIterator[Heard]:
    """Run feeds for the length of the block."""
    heard = Heard()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(feed.run(heard.emit)) for feed in feeds]
        try:
            yield heard
        finally:
            for task in tasks:
                task.cancel()


async def when(done: Callable[[], bool]) -> None:
    """Wait until `done()`."""
    async with asyncio.timeout(DEADLINE_S):
        while not done():
            await asyncio.sleep(0.01)


class FastClock(SystemClock):
    """A clock on which a second lasts `1 / factor`: for deadlines of minutes and hours."""

    def __init__(self, factor: int) -> None:
        self._factor = factor

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() * self._factor

    async def sleep_s(self, seconds: float) -> None:
        await super().sleep_s(seconds / self._factor)


class FrameServer:
    """A venue of which only the sockets exist, and they say what a test tells them to say."""

    def __init__(self) -> None:
        self.sockets: dict[str, list[web.WebSocketResponse]] = {}
        self.subscribed: list[str] = []
        self.asked: list[str] = []
        self.url = ""

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        kept = self.sockets.setdefault(request.path.split("/")[1], [])
        kept.append(socket)
        try:
            async for message in socket:
                asked = json.loads(message.data)
                self.subscribed += asked["params"]
                await socket.send_json({"result": None, "id": asked["id"]})
        finally:
            kept.remove(socket)
        return socket

    async def _rest(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        answers: dict[str, object] = {
            "/fapi/v1/listenKey": {"listenKey": "k" * 64},
            "/fapi/v1/time": {"serverTime": SystemClock().now_ns() // 10**6},
            "/fapi/v1/fundingInfo": [],
        }
        return web.json_response(answers.get(request.path, {}))

    async def say(self, kind: str, *frames: object) -> None:
        """Send frames (bytes, text, or anything as JSON) on the newest socket of `kind`."""
        await when(lambda: bool(self.sockets.get(kind)))
        socket = self.sockets[kind][-1]
        with suppress(ConnectionError):  # who hears enough hangs up
            for frame in frames:
                if isinstance(frame, bytes):
                    await socket.send_bytes(frame)
                else:
                    await socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))


@asynccontextmanager
async def frame_server() -> AsyncIterator[FrameServer]:
    server = FrameServer()
    app = web.Application()
    app.router.add_get("/{kind:market|public|private}/ws", server._stream)
    app.router.add_route("*", "/{tail:.*}", server._rest)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


@asynccontextmanager
async def opened_on_frames(
    server: FrameServer, clock: Clock | None = None, **changes: object
) -> AsyncIterator[VenueRoom]:
    """A room whose streams come from `server`."""
    fields: dict[str, object] = {
        "mode": "paper", "symbols": (BTC, ETH), "api_key": "k", "api_secret": "s",
        "base_url": server.url,
    }  # fmt: skip
    room = await open_room(VenueConfig(**{**fields, **changes}), clock or SystemClock())
    try:
        yield room
    finally:
        await room.close()
