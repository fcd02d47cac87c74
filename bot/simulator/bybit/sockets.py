"""The WebSocket addresses: public topics for everybody, private ones after a signed word."""

import hmac
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Final

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from bot.simulator.binance import connection
from bot.simulator.binance.streams import Client
from bot.simulator.binance.world import World
from bot.simulator.bybit.flow import greeting
from bot.simulator.bybit.words import Row

PRIVATE_TOPICS: Final = ("order", "execution", "position", "wallet")
PUBLIC_KINDS: Final = ("publicTrade", "tickers", "orderbook", "allLiquidation", "kline")
HEARTBEAT_S: Final = 60.0
PUBLIC_PATH: Final = "/v5/public/linear"
PRIVATE_PATH: Final = "/v5/private"


class Listener(msgspec.Struct):
    """One connection and what its owner has shown."""

    client: Client
    private: bool


def socket_routes(world: World) -> list[web.RouteDef]:
    """Return the addresses of the streams."""
    return [
        web.get(PUBLIC_PATH, _handler(world, private=False)),
        web.get(PRIVATE_PATH, _handler(world, private=True)),
    ]


def _handler(
    world: World, *, private: bool
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(request: web.Request) -> web.StreamResponse:
        return await connection.serve(
            world.hub,
            request,
            lambda client: _read(world, Listener(client, private)),
            heartbeat_s=HEARTBEAT_S,
        )

    return serve


async def _read(world: World, listener: Listener) -> None:
    async for message in listener.client.socket:
        if message.type is not WSMsgType.TEXT:
            listener.client.condemn(WSCloseCode.UNSUPPORTED_DATA)
            return
        for answer in _obey(world, listener, message.data):
            listener.client.put(msgspec.json.encode(answer).decode())


def _obey(world: World, listener: Listener, text: str) -> list[Row]:
    try:
        asked = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return [_word("", success=False, said="error:invalid json")]
    if not isinstance(asked, dict):
        return [_word("", success=False, said="error:invalid op")]
    number, args = asked.get("req_id", ""), asked.get("args") or []
    match asked.get("op"):
        case "ping":
            if listener.private:
                return [{"req_id": number, "op": "pong", "args": [str(world.now_ms())]}]
            return [_word("ping", success=True, said="pong", number=number)]
        case "auth" if listener.private:
            return [_sign_in(world, listener, args)]
        case "subscribe":
            return _subscribe(world, listener, args, number)
        case "unsubscribe":
            world.hub.unsubscribe(listener.client, [str(topic) for topic in args])
            return [_word("unsubscribe", success=True, number=number)]
        case _:
            return [_word("", success=False, said="error:invalid op", number=number)]


def _sign_in(world: World, listener: Listener, args: object) -> Row:
    if not isinstance(args, list) or len(args) != 3:
        return _word("auth", success=False, said="Params Error")
    name, expires, signature = (str(part) for part in args)
    key = world.keys.get(name)
    if key is None or not expires.isdigit() or int(expires) < world.now_ms():
        return _word("auth", success=False, said="Request expired or key unknown")
    expected = hmac.new(key.secret.encode(), f"GET/realtime{expires}".encode(), sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        return _word("auth", success=False, said="error:USVC1111")
    listener.client.account_id = key.account_id
    return _word("auth", success=True)


def _subscribe(world: World, listener: Listener, args: object, number: object) -> list[Row]:
    topics = [str(topic) for topic in args] if isinstance(args, list) else []
    if listener.private and not listener.client.account_id:
        return [_word("subscribe", success=False, said="Request not authorized", number=number)]
    for topic in topics:
        if not _known(world, topic, private=listener.private):
            said = f"error:handler not found,topic:{topic}"
            return [_word("subscribe", success=False, said=said, number=number)]
    fresh = [topic for topic in topics if topic not in listener.client.streams]
    world.hub.subscribe(listener.client, fresh)
    greetings = [greeting(world, topic) for topic in fresh]
    told = [frame for frame in greetings if frame is not None]
    return [_word("subscribe", success=True, number=number), *told]


def _known(world: World, topic: str, *, private: bool) -> bool:
    if private:
        return topic.partition(".")[0] in PRIVATE_TOPICS
    kind, _, rest = topic.partition(".")
    contract = rest.rpartition(".")[2]
    listed = {item.venue_id for item in world.by_symbol.values()}
    return kind in PUBLIC_KINDS and contract in listed


def _word(op: str, *, success: bool, said: str = "", number: object = "") -> Row:
    return {"success": success, "ret_msg": said, "conn_id": "embedded", "req_id": number, "op": op}
