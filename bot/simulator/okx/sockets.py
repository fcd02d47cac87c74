"""The WebSocket addresses: public channels for everybody, the account's own after a login."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from bot.simulator.binance import connection
from bot.simulator.binance.streams import Client
from bot.simulator.binance.world import World
from bot.simulator.okx.flow import LIQUIDATIONS, greeting, topic
from bot.simulator.okx.gate import signature
from bot.simulator.okx.voice import opening
from bot.simulator.okx.words import PASSPHRASE, Row

PUBLIC: Final = frozenset(
    {"trades", "mark-price", "index-tickers", "funding-rate", "open-interest", "bbo-tbt"}
)
OWN: Final = {
    "private": frozenset({"orders", "balance_and_position"}),
    "business": frozenset({"orders-algo"}),
}
HEARTBEAT_S: Final = 60.0
LOGIN_S: Final = 30


class Listener(msgspec.Struct):
    """One connection; `kind` is public, private or business."""

    client: Client
    kind: str


def socket_routes(world: World) -> list[web.RouteDef]:
    """Return the addresses of the streams."""
    return [web.get(f"/ws/v5/{kind}", _handler(world, kind)) for kind in ("public", *OWN)]


def _handler(world: World, kind: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(request: web.Request) -> web.StreamResponse:
        return await connection.serve(
            world.hub,
            request,
            lambda client: _read(world, Listener(client, kind)),
            heartbeat_s=HEARTBEAT_S,
        )

    return serve


async def _read(world: World, listener: Listener) -> None:
    async for message in listener.client.socket:
        if message.type is not WSMsgType.TEXT:
            listener.client.condemn(WSCloseCode.UNSUPPORTED_DATA)
            return
        if message.data == "ping":
            listener.client.put("pong")
            continue
        for answer in _obey(world, listener, message.data):
            listener.client.put(msgspec.json.encode(answer).decode())


def _obey(world: World, listener: Listener, text: str) -> list[Row]:
    try:
        asked = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return [_error("60012", "Illegal request")]
    if not isinstance(asked, dict) or not isinstance(asked.get("args"), list):
        return [_error("60012", "Illegal request")]
    args = [arg for arg in asked["args"] if isinstance(arg, dict)]
    match asked.get("op"):
        case "login" if listener.kind != "public" and args:
            return [_login(world, listener, args[0])]
        case "subscribe":
            return [row for arg in args for row in _subscribe(world, listener, arg)]
        case "unsubscribe":
            for arg in args:
                world.hub.unsubscribe(listener.client, (_name(arg),))
            return [{"event": "unsubscribe", "arg": arg} for arg in args]
        case _:
            return [_error("60012", "Illegal request")]


def _login(world: World, listener: Listener, arg: Row) -> Row:
    key = world.keys.get(str(arg.get("apiKey")))
    stamp = str(arg.get("timestamp"))
    if key is None:
        return _error("60005", "Invalid apiKey")
    late = not stamp.isdigit() or abs(int(stamp) - world.now_ms() // 1000) > LOGIN_S
    if late:
        return _error("60006", "Timestamp request expired")
    expected = signature(key, f"{stamp}GET/users/self/verify")
    good = hmac.compare_digest(expected, str(arg.get("sign")))
    if not good or arg.get("passphrase") != PASSPHRASE:
        return _error("60007", "Invalid sign")
    listener.client.account_id = key.account_id
    return {"event": "login", "code": "0", "msg": "", "connId": "embedded"}


def _subscribe(world: World, listener: Listener, arg: Row) -> list[Row]:
    channel, subject = str(arg.get("channel")), str(arg.get("instId", ""))
    client = listener.client
    if channel in OWN.get(listener.kind, ()):
        if not client.account_id:
            return [_error("60011", "Please log in")]
        world.hub.subscribe(client, (channel,))
        told: list[Row] = [{"event": "subscribe", "arg": arg, "connId": "embedded"}]
        if channel == "balance_and_position":
            told.append(opening(world, client.account_id))
        return told
    listed = {item.venue_id for item in world.by_symbol.values()}
    known = subject in listed or (channel == "index-tickers" and f"{subject}-SWAP" in listed)
    if listener.kind != "public" or not (channel == LIQUIDATIONS or (channel in PUBLIC and known)):
        return [_error("60018", f"Wrong URL or channel:{channel},instId:{subject} doesn't exist")]
    world.hub.subscribe(client, (_name(arg),))
    told = [{"event": "subscribe", "arg": arg, "connId": "embedded"}]
    rows = greeting(world, channel, subject)
    return told + ([{"arg": arg, "data": rows}] if rows else [])


def _name(arg: Row) -> str:
    channel = str(arg.get("channel"))
    named = channel != LIQUIDATIONS and "instId" in arg
    return topic(channel, str(arg["instId"])) if named else channel


def _error(code: str, words: str) -> Row:
    return {"event": "error", "code": code, "msg": words, "connId": "embedded"}
