"""A server on loopback that answers whatever it is asked with the same wrong words."""

import asyncio
import threading
from types import TracebackType
from typing import Self

HEAD_END = b"\r\n\r\n"


def http(body: bytes, status: str = "200 OK", kind: str = "application/json") -> bytes:
    """Return one whole answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


WORDS: dict[str, bytes] = {
    "a page": http(b"<html><body>We will be back soon</body></html>", kind="text/html"),
    "a page of its guard": http(b"<html>Request blocked</html>", "403 Forbidden", "text/html"),
    "a bad gateway": http(b"<html>502 Bad Gateway</html>", "502 Bad Gateway", "text/html"),
    "nothing": http(b""),
    "null": http(b"null"),
    "an empty list": http(b"[]"),
    "an empty object": http(b"{}"),
    "a list of empty objects": http(b"[{}]"),
    "a word": http(b'"ok"'),
    "a success without content": http(b'{"code":200,"msg":"success"}'),
    "half an answer": http(b'[{"symbol":"BTCUSDT","positionAmt":"0.0'),
    "wrong types": http(b'[{"symbol":7,"positionAmt":{},"orderId":[],"updateTime":"soon"}]'),
    "no text": http(bytes(range(256)) * 8),
    "less than promised": http(b"[]").replace(b"Length: 2", b"Length: 2000"),
    "no protocol": bytes(range(128, 256)) * 4 + HEAD_END,
}
"""What venues and what stands before them have been seen to answer, and worse."""


class Garbage:
    """Set `answer` at any time from any thread; the next request gets it."""

    def __init__(self, answer: bytes = b"") -> None:
        self.answer = answer
        self.port = 0
        self.answered = 0
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="garbage", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._up.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(timeout=10.0)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        await self._ended.wait()
        server.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(HEAD_END)
                self.answered += 1
                writer.write(self.answer)
                await writer.drain()
                if b"Content-Length: 2000" in self.answer:
                    return
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            return
        finally:
            writer.close()
