"""A PostgreSQL server as the journal reaches it: its address, one socket, its errors in a line."""

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

import msgspec
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from typing_extensions import override

from bot.domain.errors import BotError, ConfigInvalid, JournalBroken

DRIVER = "postgresql+pg8000"
PORT = 5432
ACCOUNT = re.compile(r"[a-z][a-z0-9_]{0,39}")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
ANSWER_S = 4.0
"""A server that is silent for longer is away: the socket is given up."""
SETTINGS = {
    "statement_timeout": "4000",
    "lock_timeout": "3000",
    "idle_in_transaction_session_timeout": "3000",  # a leader cut off in a commit blocks nobody
    "synchronous_commit": "on",
    "client_encoding": "UTF8",
}


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """Where the state lies, and of which account; the password is never part of a text."""

    url: str
    """postgresql+pg8000://USER@HOST[:PORT]/DATABASE[?unix_sock=PATH]"""
    account: str
    password: str | None = None
    tls: bool = True
    """Whether the server must prove its name; a socket file and loopback need not."""
    answer_s: float = ANSWER_S

    @override
    def __repr__(self) -> str:
        return f"Server({self.label})"

    @property
    def label(self) -> str:
        """Name account and database for people."""
        return f"account {self.account} in {self.url.removeprefix('postgresql+pg8000://')}"

    @property
    def schema(self) -> str:
        """The account's own room in the database: its tables and their version."""
        return f"bw_{self.account}"


def refuse_bad(server: Server) -> None:
    """Look at the address before anything is reached.

    Raises:
        ConfigInvalid: it is no such address, it holds a password, or the driver is missing.
    """
    try:
        url = make_url(server.url)
    except ArgumentError:
        raise ConfigInvalid(f"state.url: no address; needed {DRIVER}://USER@HOST/DB") from None
    if url.drivername != DRIVER or not url.username or not url.database:
        raise ConfigInvalid(f"state.url: needed {DRIVER}://USER@HOST/DATABASE")
    if url.password is not None:
        raise ConfigInvalid(
            "state.url: holds a password: put it into the secret that state.password names"
        )
    if not ACCOUNT.fullmatch(server.account):
        raise ConfigInvalid(
            f"state.account: was {server.account!r:.50}, needed small letters, digits and _"
        )
    driver()


def driver() -> ModuleType:
    """Return pg8000.

    Raises:
        ConfigInvalid: the extra is not installed.
    """
    try:
        from pg8000 import dbapi
    except ImportError:
        raise ConfigInvalid(
            "state.url names a PostgreSQL server, but its driver is missing:"
            " .venv/bin/pip install 'breakwater[postgres]', or pg8000"
        ) from None
    found: ModuleType = dbapi
    return found


def connect(server: Server, *, answer_s: float | None = None) -> tuple[Any, socket.socket]:
    """Return a DBAPI connection and the socket beneath it; every answer has a deadline.

    Raises:
        OSError, or an error of the driver: wrap calls in `server_spoken`.
    """
    url = make_url(server.url)
    wait_s = server.answer_s if answer_s is None else answer_s
    beneath = _socket(url.host or "", url.port or PORT, url.query.get("unix_sock"), wait_s)
    secure = server.tls and url.host not in LOOPBACK and not url.query.get("unix_sock")
    try:
        raw = driver().connect(
            user=url.username,
            host=url.host or "localhost",
            database=url.database,
            password=server.password,
            sock=beneath,
            ssl_context=ssl.create_default_context() if secure else None,
            application_name=f"breakwater {server.account}",
            startup_params={**SETTINGS, "search_path": server.schema},
        )
    except BaseException:
        beneath.close()
        raise
    return raw, beneath


def _socket(host: str, port: int, path: object, wait_s: float) -> socket.socket:
    if isinstance(path, str):
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(wait_s)
        try:
            made.connect(path)
        except OSError:
            made.close()
            raise
        return made
    made = socket.create_connection((host, port), wait_s)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return made


def cut(beneath: socket.socket) -> None:
    """Make every use of the connection above fail at once, so that nobody waits for it."""
    with suppress(OSError):
        beneath.shutdown(socket.SHUT_RDWR)


@contextmanager
def server_spoken(server: Server, doing: str) -> Iterator[None]:
    """Turn what the driver raises inside into one line: which database, doing what, what to do.

    Raises:
        JournalBroken: any of it.
    """
    try:
        yield
    except BotError:
        raise
    except (SQLAlchemyError, driver().Error, OSError, UnicodeError) as error:
        told = _told(error)
        raise JournalBroken(f"{server.label}: {told}, while {doing}: {_advice(told)}") from error


def _told(error: BaseException) -> str:
    """Return the server's own sentence; pg8000 hands it over as fields under one-letter names."""
    root = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    first = root.args[0] if root.args else ""
    text = str(first.get("M", first)) if isinstance(first, dict) else str(root)
    return " ".join(text.split())[:160] or type(root).__name__


def _advice(told: str) -> str:
    low = told.lower()
    if "authentication" in low or "password" in low or "does not exist" in low:
        return "check state.url and the secret that state.password names"
    if "permission denied" in low:
        return "the role needs the right to create schemas in this database"
    if "space" in low:
        return "free space on the server's disk; nothing of this write was kept"
    return "check the server and the network to it"
