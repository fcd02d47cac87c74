"""One database as the store sees it: a file or a server, behind the same four calls."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection


class Link(Protocol):
    """A connection of one thread; its faults come as JournalBroken, in one line."""

    @property
    def label(self) -> str:
        """Name the database for people, without anything secret."""
        ...

    @property
    def remedy(self) -> str:
        """Say what an operator does about damaged rows."""
        ...

    @property
    def steps_max(self) -> int:
        """How many steps of the kernel may share a commit."""
        ...

    def transaction(self, doing: str, *, writes: bool) -> AbstractContextManager[Connection]:
        """Open a transaction that is committed, durably, at the end of the block.

        Raises:
            JournalBroken: nothing of it was kept, or nobody can tell; Fenced: another process
                drives this account now.
        """
        ...

    def tidy(self) -> None:
        """Do what is better done now than while an order waits."""
        ...

    def backup(self, now_ns: int, keep: int) -> Path:
        """Copy all of it into a file. Raises JournalBroken where that is not ours to do."""
        ...

    def close(self) -> None:
        """Let go of the database. Raises JournalBroken when that was not orderly."""
        ...
