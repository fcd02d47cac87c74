"""The file of JSON lines: rotated, packed, kept to a number; a disk that is full is told once.

loguru's own file prints the raw record, not yet scrubbed, for each line that it cannot write, and
writes on into a file that somebody removed. Here lines are missed, counted and told instead.
"""

import gzip
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loguru import Message

PACKED = ".gz"


class LogFile:
    """A sink of loguru for one file; used by one thread at a time."""

    def __init__(self, path: Path, *, rotate_bytes: int, kept: int) -> None:
        """Open the file.

        Raises:
            OSError: it cannot be opened.
        """
        self._path = path
        self._rotate_bytes = rotate_bytes
        self._kept = kept
        self._handle = -1
        self._own = (0, 0)
        self._size = 0
        self._torn = False
        """Whether the last line was cut short: the next one begins on a line of its own."""
        self._missed = 0
        self._aside_ms = 0
        """Of the newest name that was given: they never come in another order."""
        self._open()

    def write(self, message: "Message | str") -> None:
        """Add a line; one that cannot be written is missed, and that is told on the terminal."""
        data = str(message).encode()
        try:
            self._make_ready(len(data))
            self._put(data)
        except OSError as error:
            if not self._missed:
                why = error.strerror or type(error).__name__
                _tell(f"{self._path} takes no more lines ({why}): they are on the terminal alone")
            self._missed += 1
            return
        if self._missed:
            _tell(f"{self._path} is written again; {self._missed} lines are missing in it")
            self._missed = 0

    def stop(self) -> None:
        """Close the file."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)

    def _put(self, data: bytes) -> None:
        data = b"\n" + data if self._torn else data
        written = os.write(self._handle, data)
        self._size += written
        if written < len(data):
            self._torn = True
            self._put_rest(data[written:])
        self._torn = False

    def _put_rest(self, data: bytes) -> None:
        """Try for the rest of a line that was cut short, which raises where there is no room."""
        while data:
            written = os.write(self._handle, data)
            self._size += written
            data = data[written:]

    def _make_ready(self, coming: int) -> None:
        if self._handle < 0 or self._inode() != self._own:
            self.stop()
            self._open()
        elif self._size and self._size + coming > self._rotate_bytes:
            self.stop()
            aside = self._aside()
            self._path.rename(aside)
            self._open()
            self._pack(aside)

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._handle = os.open(self._path, flags, 0o600)
        found = os.fstat(self._handle)
        self._own, self._size = (found.st_dev, found.st_ino), found.st_size

    def _inode(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return (0, 0)
        return found.st_dev, found.st_ino

    def _aside(self) -> Path:
        """Return a free name that sorts by time, for what was written until now."""
        at_ms = max(self._path.stat().st_mtime_ns // 1_000_000, self._aside_ms + 1)
        while True:
            at_s, part_ms = divmod(at_ms, 1_000)
            stamp = time.strftime("%Y-%m-%d_%H-%M-%S", time.gmtime(at_s)) + f"_{part_ms:03d}"
            aside = self._path.with_name(f"{self._path.stem}.{stamp}{self._path.suffix}")
            if not (aside.exists() or aside.with_name(aside.name + PACKED).exists()):
                self._aside_ms = at_ms
                return aside
            at_ms += 1

    def _pack(self, aside: Path) -> None:
        """Pack what was set aside and drop the oldest; where there is no room it stays as it is."""
        packed = aside.with_name(aside.name + PACKED)
        try:
            with aside.open("rb") as source, gzip.open(packed, "wb") as target:
                shutil.copyfileobj(source, target)
            aside.unlink()
        except OSError:
            packed.unlink(missing_ok=True)
        old = sorted(self._path.parent.glob(f"{self._path.stem}.*{self._path.suffix}*"))
        for each in old[: -self._kept]:
            each.unlink(missing_ok=True)


def _tell(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"{text}\n")
