"""What stands at the other end of an alert: an HTTP server, a mail server, a file that can fail."""

import asyncio
from contextlib import suppress
from typing import Self

from aiohttp import web


class HttpSink:
    """Answers every POST with the next scripted status, 204 when there is none; keeps them all."""

    def __init__(self, *statuses: int, retry_after: str = "") -> None:
        self.statuses = list(statuses)
        self.retry_after = retry_after
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("POST", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        status = self.statuses.pop(0) if self.statuses else 204
        headers = {"Retry-After": self.retry_after} if status == 429 else {}
        if status == 302:
            headers["Location"] = self.url + "/elsewhere"
        self.got.append((request.path, dict(request.headers), body))
        return web.Response(status=status, headers=headers)


class SmtpSink:
    """Takes mails, as plain as a mail server can be."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        with suppress(ConnectionError):
            while line := await reader.readline():
                word = line.split()[0].upper() if line.split() else b""
                if word == b"DATA":
                    writer.write(b"354 go on\r\n")
                    self.mails.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                    writer.write(b"250 taken\r\n")
                elif word == b"QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    writer.write(b"250 ok\r\n")
                await writer.drain()
        writer.close()


class MemoryKeep:
    """A file in memory; `broken` makes the disk full."""

    def __init__(self, data: bytes | None = None) -> None:
        self.data = data
        self.broken = False
        self.saves = 0

    def load(self) -> bytes | None:
        return self.data

    async def save(self, data: bytes) -> None:
        if self.broken:
            raise OSError(28, "No space left on device")
        self.saves += 1
        self.data = data
