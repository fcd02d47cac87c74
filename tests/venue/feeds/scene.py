"""A venue of which only public sockets and a few answers exist; they say what a test tells them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from bot.app.clock import SystemClock
from bot.ports import Clock
from bot.venue.senses import SenseConfig, SenseRoom, open_senses
from tests.venue.adapter.scene import when

BTC, ETH, PEPE = "BTC/USDT:USDT", "ETH/USDT:USDT", "1000PEPE/USDT:USDT"
HOUR_MS = 3_600_000


def now_ms() -> int:
    return SystemClock().now_ns() // 10**6


def bybit_listing() -> dict:
    def row(symbol: str, minutes: int = 480, **more: str) -> dict:
        return {"symbol": symbol, "status": "Trading", "settleCoin": "USDT",
                "fundingInterval": minutes, **more}  # fmt: skip

    rows = [row("BTCUSDT"), row("ETHUSDT", 240), row("1000PEPEUSDT"),
            row("OLDUSDT", status="Closed"), row("BTCPERP", settleCoin="USDC")]  # fmt: skip
    return {"retCode": 0, "retMsg": "OK", "result": {"list": rows, "nextPageCursor": ""}}


def okx_listing() -> dict:
    def row(base: str, size: str, **more: str) -> dict:
        return {"instId": f"{base}-USDT-SWAP", "ctVal": size, "ctMult": "1", "ctValCcy": base,
                "ctType": "linear", "settleCcy": "USDT", "state": "live", **more}  # fmt: skip

    rows = [row("BTC", "0.01"), row("ETH", "0.1"), row("PEPE", "10000000"),
            row("OLD", "1", state="suspend")]  # fmt: skip
    return {"code": "0", "msg": "", "data": rows}


def hyperliquid_meta() -> dict:
    return {"universe": [{"name": "BTC", "szDecimals": 5}, {"name": "ETH", "szDecimals": 4},
                         {"name": "kPEPE", "szDecimals": 0},
                         {"name": "OLD", "isDelisted": True}]}  # fmt: skip


class PublicServer:
    """Sockets and answers of one venue."""

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self.sockets: list[web.WebSocketResponse] = []
        self.dialled = 0
        self.said: list[str] = []
        self.asked: list[str] = []
        self.answers: dict[str, object] = {
            "/v5/market/instruments-info": bybit_listing(),
            "/api/v5/public/instruments": okx_listing(),
            "meta": hyperliquid_meta(),
        }
        self.status = 200
        self.url = ""

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        # as the venues do: frames of the protocol itself are not answered
        socket = web.WebSocketResponse(compress=False, autoping=False)
        await socket.prepare(request)
        self.dialled += 1
        self.sockets.append(socket)
        try:
            async for message in socket:
                if message.type is web.WSMsgType.TEXT:
                    self.said.append(message.data)
                    await self._answer(socket, message.data)
        finally:
            self.sockets.remove(socket)
        return socket

    async def _answer(self, socket: web.WebSocketResponse, said: str) -> None:
        if said == "ping":
            await socket.send_str("pong")
            return
        asked = json.loads(said)
        if asked.get("op") == "ping":
            await socket.send_json({"success": True, "ret_msg": "pong", "op": "ping"})
        elif asked.get("method") == "ping":
            await socket.send_json({"channel": "pong"})

    async def rest(self, request: web.Request) -> web.Response:
        key = request.path
        if request.method == "POST":
            key = str((await request.json())["type"])
        self.asked.append(key)
        return web.json_response(self.answers.get(key, {}), status=self.status)

    @property
    def subscribed(self) -> list[object]:
        """Topics, channels or subscriptions asked for, pings left out."""
        found: list[object] = []
        for said in self.said:
            asked = {} if said == "ping" else json.loads(said)
            found += asked.get("args", [])
            if asked.get("method") == "subscribe":
                found.append(asked["subscription"])
        return found

    async def say(self, *frames: object) -> None:
        """Send frames on the newest socket."""
        await when(lambda: bool(self.sockets))
        with suppress(ConnectionError):
            for frame in frames:
                text = frame if isinstance(frame, str) else json.dumps(frame)
                await self.sockets[-1].send_str(text)

    async def drop(self) -> None:
        """Close the newest socket."""
        await when(lambda: bool(self.sockets))
        await self.sockets[-1].close(code=1001)


@asynccontextmanager
async def public_server(venue: str) -> AsyncIterator[PublicServer]:
    server = PublicServer(venue)
    app = web.Application()
    for path in ("/v5/public/linear", "/ws/v5/public", "/ws", "/market/ws", "/public/ws"):
        app.router.add_get(path, server.stream)
    app.router.add_route("*", "/{tail:.*}", server.rest)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


@asynccontextmanager
async def sensing(
    *servers: PublicServer, clock: Clock | None = None, **changes: object
) -> AsyncIterator[SenseRoom]:
    """A sense room whose venues are `servers`."""
    fields: dict[str, object] = {
        "symbols": (BTC, ETH),
        "venues": tuple(server.venue for server in servers),
        "loopback": {server.venue: server.url for server in servers},
    }
    room = await open_senses(SenseConfig(**{**fields, **changes}), clock or SystemClock())
    try:
        yield room
    finally:
        await room.close()
        await asyncio.sleep(0)


def ticker(base: str = "BTC", *, late_ms: int = 0, **fields: str) -> dict:
    data = {"symbol": f"{base}USDT", "markPrice": "80000", "indexPrice": "80010",
            "openInterest": "68744.7", "fundingRate": "0.0001", "fundingIntervalHour": "8",
            "nextFundingTime": str((now_ms() // HOUR_MS + 1) * HOUR_MS)}  # fmt: skip
    return {"topic": f"tickers.{base}USDT", "type": "snapshot", "ts": now_ms() - late_ms,
            "data": {**data, **fields}}  # fmt: skip


def bybit_forced(base: str = "BTC", **fields: str) -> dict:
    row = {"T": now_ms(), "s": f"{base}USDT", "S": "Buy", "v": "0.5", "p": "79000"}
    return {"topic": f"allLiquidation.{base}USDT", "type": "snapshot", "ts": now_ms(),
            "data": [{**row, **fields}]}  # fmt: skip


def okx_frame(channel: str, base: str = "BTC", **fields: object) -> dict:
    name = f"{base}-USDT-SWAP"
    row = {"instId": name, "ts": str(now_ms()), **fields}
    return {"arg": {"channel": channel, "instId": name}, "data": [row]}


def hyperliquid_frames(coin: str = "BTC") -> list[dict]:
    state = {"markPx": "80000", "oraclePx": "80010", "funding": "0.0000125",
             "openInterest": "30000"}  # fmt: skip
    return [
        {"channel": "bbo", "data": {"coin": coin, "time": now_ms(), "bbo": [None, None]}},
        {"channel": "activeAssetCtx", "data": {"coin": coin, "ctx": state}},
    ]
