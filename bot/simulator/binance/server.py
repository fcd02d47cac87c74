"""The protocol put together: all routes over one world, served on a loopback port."""

import ssl
from collections.abc import Callable
from typing import Final

from aiohttp import web

from bot.domain.errors import ConfigInvalid
from bot.simulator.binance import (
    rest_account,
    rest_conditional,
    rest_klines,
    rest_market,
    rest_orders,
    rest_settings,
)
from bot.simulator.binance.calls import Route
from bot.simulator.binance.control import Control
from bot.simulator.binance.gatekeeper import BODY_BYTES_MAX, Gatekeeper, Later
from bot.simulator.binance.sockets import socket_routes
from bot.simulator.binance.world import World

HOST: Final = "127.0.0.1"
SHUTDOWN_S: Final = 2.0
ROUTES: Final[tuple[Route, ...]] = (
    *rest_market.ROUTES,
    *rest_klines.ROUTES,
    *rest_account.ROUTES,
    *rest_settings.ROUTES,
    *rest_orders.ROUTES,
    *rest_conditional.ROUTES,
)


def create_app(world: World, later: Later, move: Callable[[str, float], None]) -> web.Application:
    """Return the application: HTTP routes, streams and control addresses."""
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    gatekeeper = Gatekeeper(world, later)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, gatekeeper.handler(route))
    app.router.add_routes(socket_routes(world))
    app.router.add_routes(Control(world, move, later.durable).routes())
    return app


async def open_port(
    app: web.Application, port: int, ssl_context: ssl.SSLContext | None
) -> tuple[web.AppRunner, int]:
    """Serve `app` on 127.0.0.1:`port` (0: any free one); return the runner and the port.

    Raises:
        ConfigInvalid: the port cannot be had.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    site = web.TCPSite(runner, HOST, port, ssl_context=ssl_context)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise ConfigInvalid(
            f"port {port} on {HOST}: {error.strerror or error}; choose another port, or 0 for "
            "any free one"
        ) from None
    address = runner.addresses[0]
    return runner, int(address[1])
