"""The protocol put together: two addresses, one WebSocket, and those of `/_control`."""

from collections.abc import Callable, Sequence
from typing import Final

from aiohttp import web

from bot.domain.messages import Event
from bot.simulator.binance.control import Control
from bot.simulator.binance.gatekeeper import Later
from bot.simulator.binance.world import World
from bot.simulator.hyperliquid.desk import Desk
from bot.simulator.hyperliquid.flow import HyperliquidFlow
from bot.simulator.hyperliquid.gate import BODY_BYTES_MAX, Gate
from bot.simulator.hyperliquid.sockets import socket_handler
from bot.simulator.hyperliquid.voice import Voice

CONDITIONAL_PATH: Final = "/exchange/stop"
WEIGHT_PER_MIN: Final = 1_200


class Hyperliquid:
    """One venue's speech: its parts share a desk, made when the first of them is asked for."""

    def __init__(self) -> None:
        self._desk: Desk | None = None

    def _of(self, world: World) -> Desk:
        if self._desk is None or self._desk.world is not world:
            self._desk = Desk(world)
        return self._desk

    def flow(self, world: World) -> HyperliquidFlow:
        """Return the public streams."""
        return HyperliquidFlow(self._of(world))

    def voice(self, world: World, account_id: str) -> Callable[[Sequence[Event]], None]:
        """Return what tells an account its own events."""
        return Voice(self._of(world), account_id)

    def app(
        self, world: World, later: Later, move: Callable[[str, float], None]
    ) -> web.Application:
        """Return the application."""
        desk = self._of(world)
        gate = Gate(desk, later)
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_post("/info", gate.info)
        app.router.add_post("/exchange", gate.exchange)
        app.router.add_get("/ws", socket_handler(desk))
        app.router.add_routes(Control(world, move, later.durable).routes())
        return app
