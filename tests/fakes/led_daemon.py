"""`python -m tests.fakes.led_daemon run ...`: the daemon in a world where every name is loopback.

Every host name it resolves and every address it connects to is written to $WENT_TO, a line each.
With $LED_TO a port, names resolve to the TLS venue there, whose test CA ($TLS_FOLDER/ca.pem) is
trusted: the production URLs are used unchanged, and nothing leaves this machine.
"""

import functools
import os
import socket
import ssl
import sys
from pathlib import Path

import aiohttp
from aiohttp.abc import ResolveResult
from typing_extensions import override

import bot.app.wiring.graph
from bot.app.cli import main

WENT_TO, LED_TO, FOLDER = "WENT_TO", "LED_TO", "TLS_FOLDER"


def note(where: str) -> None:
    """Write down one place the daemon turned to."""
    with Path(os.environ[WENT_TO]).open("a", encoding="utf-8") as file:
        file.write(f"{where}\n")


class LoopbackResolver(aiohttp.abc.AbstractResolver):
    """Every name is this machine, at one port."""

    def __init__(self, port: int) -> None:
        self._port = port

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        note(f"name {host}")
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=self._port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    @override
    async def close(self) -> None:
        return


class WatchedResolver(aiohttp.ThreadedResolver):
    """The system's resolver, watched."""

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        note(f"name {host}")
        return await super().resolve(host, port, family)


def _audit(event: str, args: tuple[object, ...]) -> None:
    if event == "socket.connect" and isinstance(args[1], tuple):
        note(f"address {args[1][0]}")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        note(f"name {args[0]!s}")


def install() -> None:
    """Put watchers and the leading resolver in place."""
    sys.addaudithook(_audit)
    port = os.environ.get(LED_TO, "")
    if not port:
        aiohttp.connector.DefaultResolver = WatchedResolver
        return
    context = ssl.create_default_context(cafile=str(Path(os.environ[FOLDER]) / "ca.pem"))
    bot.app.wiring.graph.open_room = functools.partial(
        bot.app.wiring.graph.open_room,
        ssl_context=context,
        resolver=LoopbackResolver(int(port)),
    )


if __name__ == "__main__":
    install()
    main()
