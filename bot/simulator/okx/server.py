"""OKX's protocol put together: all routes over one world."""

from collections.abc import Callable
from typing import Final

from aiohttp import web

from bot.simulator.binance.calls import Route
from bot.simulator.binance.control import Control
from bot.simulator.binance.gatekeeper import BODY_BYTES_MAX, Later
from bot.simulator.binance.world import World
from bot.simulator.okx import rest_account, rest_market, rest_orders
from bot.simulator.okx.gate import OkxGatekeeper
from bot.simulator.okx.sockets import socket_routes

ROUTES: Final[tuple[Route, ...]] = (
    *rest_market.ROUTES,
    *rest_account.ROUTES,
    *rest_orders.ROUTES,
)


def create_app(world: World, later: Later, move: Callable[[str, float], None]) -> web.Application:
    """Return the application: HTTP routes, streams and control addresses."""
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    gatekeeper = OkxGatekeeper(world, later)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, gatekeeper.handler(route))
    app.router.add_routes(socket_routes(world))
    app.router.add_routes(Control(world, move, later.durable).routes())
    return app
