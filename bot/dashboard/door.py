"""The page as a door of the daemon: served in its loop, on a socket of its own."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvicorn
from loguru import logger
from typing_extensions import override

from bot.dashboard.config import PageConfig
from bot.dashboard.history import Ask, History
from bot.dashboard.login import Doorkeeper
from bot.dashboard.rooms import Rooms
from bot.dashboard.site import make_site
from bot.dashboard.stream import Stream
from bot.domain.errors import ChannelFailed
from bot.ports import Clock, House

CONNECTIONS_MAX = 64
GRACE_S = 1


class _Server(uvicorn.Server):
    """Leaves the daemon's signals alone."""

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Page:
    """Implements bot.ports.Door."""

    name = "page"

    def __init__(
        self,
        config: PageConfig,
        ask: Ask,
        clock: Clock,
        metrics: Callable[[], Awaitable[bytes]],
    ) -> None:
        self._config = config
        self._metrics = metrics
        self._ask = ask
        self._clock = clock

    async def run(self, house: House) -> None:
        """Serve until cancelled.

        Raises:
            ChannelFailed: the port is taken or the address is not this machine's.
        """
        rooms = Rooms(
            config=self._config,
            ask=self._ask,
            house=house,
            keeper=Doorkeeper(self._config.token, self._clock),
            history=History(self._ask, self._clock),
            stream=Stream(self._ask, self._clock),
            metrics=self._metrics,
        )
        listener = open_listener(self._config)
        settings = uvicorn.Config(
            make_site(rooms),
            lifespan="off",
            log_config=None,
            access_log=False,
            ws="none",
            server_header=False,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_graceful_shutdown=GRACE_S,
        )
        logger.info("page: {}, opened by what lies in {}", self._config.url, self._config.token_at)
        server = _Server(settings)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(rooms.history.run(), name="page:history")
                group.create_task(rooms.stream.run(), name="page:stream")
                group.create_task(server.serve(sockets=[listener]), name="page:server")
        finally:
            listener.close()


def open_listener(config: PageConfig) -> socket.socket:
    """Return a bound socket.

    Raises:
        ChannelFailed: one line with the address and what to do.
    """
    family = socket.AF_INET6 if ":" in config.address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((config.address, config.port))
    except OSError as error:
        listener.close()
        raise ChannelFailed(
            f"page at {config.url}: {error.strerror}; free the port or choose another in "
            "config/dashboard.toml"
        ) from None
    return listener
