"""One WebSocket connection of any protocol, from handshake to close."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.simulator.binance.streams import FRAME_BYTES_MAX, Category, Client, StreamHub

Read = Callable[[Client], Awaitable[None]]


async def serve(
    hub: StreamHub,
    request: web.Request,
    read: Read,
    *,
    heartbeat_s: float,
    category: Category = Category.ALL,
    combined: bool = False,
) -> web.StreamResponse:
    """Keep a client on the hub while `read` takes what it says; write beside it until it ends."""
    socket = web.WebSocketResponse(
        heartbeat=heartbeat_s, max_msg_size=FRAME_BYTES_MAX, compress=False
    )
    await socket.prepare(request)
    transport = request.transport
    abort = transport.abort if transport is not None else socket.force_close
    client = Client(socket, category, combined=combined, abort=abort)
    hub.add(client)
    try:
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(client.write())
            await read(client)
            if client.close_code is None:
                writer.cancel()
    finally:
        hub.remove(client)
    return socket
