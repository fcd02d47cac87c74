"""Keeps the venue's files true: inputs are appended and synced, and at times a picture is taken."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from bot.simulator.inputs import InputLog
from bot.simulator.venue_file import log_head, log_path, write_file

SETTLE_DEADLINE_S: Final = 5.0
RETRY_S: Final = 1.0
LOG_BYTES_MAX: Final = 4 * 1024 * 1024
"""A longer log gives way to a new picture."""


class Saver:
    """Writes what changed; changes during a write share the next one.

    A disk that fails is reported once and tried again every second, with a new picture each time,
    while the venue goes on.
    """

    def __init__(
        self,
        path: Path | None,
        log: InputLog,
        take: Callable[[int], bytes],
        report: Callable[[str], None],
        *,
        generation: int = 0,
    ) -> None:
        self._path = path
        self._log = log
        self._take = take
        self._report = report
        self._generation = generation
        self._changed = asyncio.Event()
        self._saved = asyncio.Condition()
        self._wanted = 0
        self._done = 0
        self._log_bytes = 0
        self._needs_picture = True
        self._complained = False
        self._writing: asyncio.Future[None] | None = None
        log.is_on = path is not None

    def mark(self) -> None:
        """Say that something worth a write changed."""
        self._wanted += 1
        self._changed.set()

    async def settled(self) -> None:
        """Wait until every change so far is on disk, at most 5 s; without a file, not at all."""
        target = self._wanted
        if self._path is None or self._done >= target:
            return
        try:
            async with asyncio.timeout(SETTLE_DEADLINE_S), self._saved:
                await self._saved.wait_for(lambda: self._done >= target or self._complained)
        except TimeoutError:
            self._report(f"{self._path}: the disk takes more than {SETTLE_DEADLINE_S} s")

    async def run(self, sleep_s: Callable[[float], Awaitable[None]]) -> None:
        """Save on change until cancelled."""
        if self._path is None:
            return
        while True:
            await self._changed.wait()
            self._changed.clear()
            if not await self._save(self._path):
                await sleep_s(RETRY_S)
                self._changed.set()

    async def _save(self, path: Path) -> bool:
        wanted = self._wanted
        loop = asyncio.get_running_loop()
        self._writing = loop.run_in_executor(None, self._next_work(path))
        try:
            await asyncio.shield(self._writing)
        except OSError as error:
            self._complain(error)
        else:
            self._done, self._complained = wanted, False
        async with self._saved:
            self._saved.notify_all()
        return not self._complained

    def _next_work(self, path: Path) -> Callable[[], None]:
        """Return what to do on a thread: append the new inputs, or write a picture."""
        data = self._log.take()
        if not self._needs_picture and self._log_bytes + len(data) <= LOG_BYTES_MAX:
            self._log_bytes += len(data)
            return lambda: _append(log_path(path), data)
        self._generation += 1
        generation, self._log_bytes, self._needs_picture = self._generation, 0, False
        picture = self._take(generation)
        return lambda: _renew(path, picture, generation)

    def _complain(self, error: OSError) -> None:
        self._needs_picture = True
        if not self._complained:
            self._report(
                f"{self._path}: {error.strerror or error}; the venue goes on, but a restart "
                "would forget what happens from now on"
            )
        self._complained = True

    async def close(self) -> None:
        """Wait for a write under way, then write a picture: the end of the process."""
        if self._path is None:
            return
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=SETTLE_DEADLINE_S)
            if not self._writing.done():
                self._report(f"{self._path}: the disk hangs; the last changes are not saved")
                return
        self._needs_picture = True
        try:
            self._next_work(self._path)()
        except OSError as error:
            self._complain(error)


def _append(path: Path, data: bytes) -> None:
    if not data:
        return
    with path.open("ab") as file:
        file.write(data)
        file.flush()
        os.fdatasync(file.fileno())


def _renew(path: Path, picture: bytes, generation: int) -> None:
    """Write a picture, then a log that begins with it; in between the old log is outdated."""
    write_file(path, picture)
    write_file(log_path(path), log_head(generation))
