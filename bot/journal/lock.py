"""One daemon, one state directory: a lock that the system drops when its holder dies."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.domain.errors import JournalBroken, StateLocked
from bot.journal.statedir import FILE_MODE, make_private, refusal

NAME = "lock"
PID_BYTES = 20


class StateLock:
    """A held state directory; free it with `release`, or leave the `with` block."""

    def __init__(self, directory: Path, handle: int) -> None:
        self.directory = directory
        self._handle = handle

    def release(self) -> None:
        """Let another daemon have the directory; releasing twice is harmless."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def hold_state(directory: Path) -> StateLock:
    """Take the state directory for this process, making it if it is missing.

    The lock file stays behind and means nothing by itself: only a living holder counts.

    Raises:
        StateLocked: another process holds it; the line names its pid.
        JournalBroken: the directory cannot be made or written.
    """
    make_private(directory)
    path = directory / NAME
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        raise JournalBroken(refusal(path, error)) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    except BlockingIOError:
        holder = _holder(handle)
        os.close(handle)
        raise StateLocked(
            f"{directory} is held by another breakwater (pid {holder}): stop it first, or give this"
            f" one a state directory of its own"
        ) from None
    except OSError as error:
        os.close(handle)
        raise JournalBroken(refusal(path, error)) from error
    return StateLock(directory, handle)


def _holder(handle: int) -> str:
    """Return the pid the holder wrote; it may not have come to that yet."""
    text = os.pread(handle, PID_BYTES, 0).decode("ascii", "replace").strip()
    return text if text.isdigit() else "unknown"
