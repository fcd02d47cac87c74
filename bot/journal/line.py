"""One line to the server: a connection that is cut when it falters, and made anew when needed."""

import logging
import select
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from bot.domain.errors import BotError
from bot.journal.server import DRIVER, Server, connect, cut, server_spoken

CHANNEL = "breakwater"
# A connection that was cut cannot be closed politely, and the pool would put its grief on stderr.
logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)


class Line:
    """Transactions over one connection; use it from one thread at a time."""

    def __init__(self, server: Server, *, answer_s: float | None = None) -> None:
        self.server = server
        self._answer_s = answer_s
        self._engine: Engine = create_engine(f"{DRIVER}://", creator=self._made, poolclass=NullPool)
        self._listens = False
        self._beneath: socket.socket | None = None
        self._connection: Connection | None = None

    def _made(self) -> object:
        raw, self._beneath = connect(self.server, answer_s=self._answer_s)
        if self._listens:
            raw.cursor().execute(f"LISTEN {CHANNEL}")
            raw.commit()
        return raw

    @contextmanager
    def transaction(self, doing: str) -> Iterator[Connection]:
        """Open a transaction that is committed at the end of the block.

        Raises:
            JournalBroken: nothing was kept, or the commit was sent and not answered.
        """
        with server_spoken(self.server, doing):
            connection = self._connected()
            try:
                with connection.begin():
                    yield connection
            except (BotError, IntegrityError):
                raise
            except BaseException:
                self.drop()
                raise

    def listen(self) -> None:
        """Hear from now on what is told on our channel, on every connection made; see `heard`.

        Raises:
            JournalBroken: the server is away.
        """
        self._listens = True
        with self.transaction("listening") as connection:
            connection.execute(text(f"LISTEN {CHANNEL}"))

    def heard(self, wait_s: float) -> list[str]:
        """Return what was told on the channel, waiting for the first word at most `wait_s`.

        Raises:
            JournalBroken: the line broke; what was told meanwhile was missed.
        """
        beneath = self._beneath
        if beneath is not None:
            with suppress(OSError, ValueError):
                select.select([beneath], [], [], wait_s)
        with self.transaction("listening") as connection:
            connection.execute(text("SELECT 1"))
            waiting = connection.connection.driver_connection
            notes: deque[tuple[int, str, str]] = getattr(waiting, "notifications", deque())
            told = [str(note[2]) for note in notes]
            if told:
                notes.clear()
            return told

    def drop(self) -> None:
        """Give the connection up at once, answered or not."""
        connection, self._connection = self._connection, None
        if self._beneath is not None:
            cut(self._beneath)
            self._beneath = None
        if connection is not None:
            with suppress(Exception):
                connection.invalidate()
            with suppress(Exception):
                connection.close()

    def close(self) -> None:
        """Let go of the connection in order."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()
        self._beneath = None
        self._engine.dispose()

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection
