"""Small files that are written whole or not at all."""

import asyncio
import os
from pathlib import Path

FILE_MODE = 0o600


class FileKeep:
    """One file under the state directory; implements bot.ports.Keep. Writes in a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = asyncio.Lock()

    def load(self) -> bytes | None:
        """Return what was saved last, None when nothing was."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None

    async def save(self, data: bytes) -> None:
        """Return when `data` is on disk."""
        async with self._lock:
            await asyncio.to_thread(write_whole, self._path, data)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside `path`, make it durable, and put it in its place."""
    fresh = path.with_name(path.name + ".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
