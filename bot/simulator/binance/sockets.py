"""The WebSocket addresses: what each opens, and its life from handshake to close."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from bot.simulator.binance import connection
from bot.simulator.binance.streams import (
    USER_STREAM,
    Category,
    Client,
    read_client,
)
from bot.simulator.binance.world import World

HEARTBEAT_S: Final = 180.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def socket_routes(world: World) -> list[web.RouteDef]:
    """Return the addresses of the streams.

    Raw: /<category>/ws/..., /ws. Combined: /<category>/stream, /stream. Streams may be named in
    the path (joined by /) or by ?streams=. The private ones are named by ?listenKey= or, at the
    old address, by /ws/<listenKey>.
    """
    routes = []
    for category in Category:
        root = "" if category is Category.ALL else f"/{category.value}"
        for tail, combined in (("/ws", False), ("/ws/{rest:.+}", False), ("/stream", True)):
            routes.append(web.get(root + tail, _handler(world, category, combined=combined)))
    return routes


def _handler(world: World, category: Category, *, combined: bool) -> Handler:
    async def serve(request: web.Request) -> web.StreamResponse:
        return await _serve(world, category, request, combined=combined)

    return serve


async def _serve(
    world: World, category: Category, request: web.Request, *, combined: bool
) -> web.StreamResponse:
    async def read(client: Client) -> None:
        _subscribe(world, client, request)
        await read_client(world.hub, client, world.clock.now_ns)

    return await connection.serve(
        world.hub, request, read, heartbeat_s=HEARTBEAT_S, category=category, combined=combined
    )


def _subscribe(world: World, client: Client, request: web.Request) -> None:
    rest = request.match_info.get("rest", "")
    names = [n for n in (*rest.split("/"), *request.query.get("streams", "").split("/")) if n]
    listen_key = request.query.get("listenKey", "")
    owner = None
    for name in (listen_key, *names):
        found = world.listen_keys.owner(name, world.clock.now_ns()) if name else None
        if found is not None:
            owner, listen_key = found, name
    if owner is not None:
        client.account_id, client.listen_key = owner, listen_key
        world.hub.subscribe(client, (USER_STREAM,))
    elif listen_key:
        client.listen_key = listen_key
        world.end_listening(listen_key)
    streams = [n for n in names if n != listen_key and "@" in n]
    world.hub.subscribe(client, streams)
