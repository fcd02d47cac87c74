"""A TCP proxy on loopback that makes a network bad: latency, slicing, resets, a black hole."""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

CHUNK = 65_536
HOLE_S = 0.05
RST = struct.pack("ii", 1, 0)


class Proxy:
    """Set its fields at any time from any thread; connections see them at their next chunk."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = 0
        self.latency_s = 0.0
        """Before each chunk, in both directions."""
        self.slice_bytes = 0
        """Chunks are cut so small; 0: they are left whole."""
        self.black_hole = False
        """Connections are taken and stay open; nothing passes."""
        self.refuses = False
        """New connections are reset at once."""
        self.connections = 0
        self.drops = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._up = threading.Event()

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

    def drop(self) -> int:
        """Reset every connection; return how many there were."""
        return self._do(self._drop())

    def clear(self) -> None:
        """Be a good network again."""
        self.latency_s, self.slice_bytes = 0.0, 0
        self.black_hole = self.refuses = False

    def _do(self, work: Coroutine[Any, Any, int]) -> int:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10.0)

    async def _drop(self) -> int:
        count = len(self._open)
        for writer in tuple(self._open):
            _reset(writer)
        self.drops += count > 0
        return count

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _serve(self) -> None:
        self._ended = asyncio.Event()
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        await self._ended.wait()
        server.close()
        await self._drop()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=2.0)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.refuses:
            _reset(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            _reset(writer)
            return
        self._open |= {writer, far_writer}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, far_writer))
                group.create_task(self._pass(far_reader, writer))
        except* OSError:
            pass
        finally:
            self._open -= {writer, far_writer}
            for end in (writer, far_writer):
                with suppress(OSError, RuntimeError):
                    end.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            size = self.slice_bytes or len(data)
            for start in range(0, len(data), size):
                while self.black_hole:
                    await asyncio.sleep(HOLE_S)
                if self.latency_s and start == 0:
                    await asyncio.sleep(self.latency_s)
                writer.write(data[start : start + size])
                await writer.drain()
                if self.slice_bytes:
                    await asyncio.sleep(0)
        raise ConnectionResetError("the other end is done")


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the other end sees a reset, not an orderly end."""
    own = writer.get_extra_info("socket")
    if own is not None:
        with suppress(OSError):
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
    writer.transport.abort()
