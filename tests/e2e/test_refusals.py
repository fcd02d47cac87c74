"""Bad ground: two daemons, taken ports, read-only and full disks, broken and newer journals."""

import resource
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.e2e.lives import ENV
from tests.fakes.daemon import PATIENCE_S, Daemon, Stand, until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-refusals")]

USAGE, UNHEALTHY = 2, 3


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Stand, Daemon]]:
    with Stand(**ENV) as stand:
        stand.start_venue()
        yield stand, stand.start_daemon()


@pytest.fixture
def empty() -> Iterator[Stand]:
    with Stand() as stand:
        yield stand


def assert_one_clear_line(told: str, *words: str) -> None:
    """No traceback; the last line says what, where and what to do."""
    assert "Traceback" not in told, told
    assert "breakwater has a fault" not in told, told
    lines = told.strip().splitlines()
    assert lines, "nothing was said"
    for word in words:
        assert word in lines[-1], f"{word!r} is not in {lines[-1]!r}"


def refused(
    stand: Stand, code: int, *words: str, args: tuple[str, ...] = ("run",), **env: str
) -> None:
    ended = stand.run(*args, **env)
    assert ended.returncode == code, ended.stderr
    assert_one_clear_line(ended.stderr, *words)


# ---------------------------------------------------------------------- starting


def test_a_second_daemon_on_the_same_state_is_refused(running: tuple[Stand, Daemon]) -> None:
    stand, daemon = running
    refused(stand, UNHEALTHY, str(stand.state), f"pid {daemon.pid}")
    assert daemon.alive
    assert daemon.status()["mode"] == "ACTIVE"


def test_a_second_venue_on_the_same_book_is_refused(running: tuple[Stand, Daemon]) -> None:
    stand, _ = running
    folder = stand.state / "venue"
    refused(stand, UNHEALTHY, str(folder), args=("venue", "--state", str(folder)))
    assert stand.venue.reachable()


def test_a_taken_port_is_said(empty: Stand) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        refused(
            empty, USAGE, f"{port}",
            args=("venue", "--state", str(empty.state / "venue"), "--port", str(port)),
        )  # fmt: skip


def test_a_daemon_whose_venue_lost_its_port_says_so(empty: Stand) -> None:
    """The kept book names a port that somebody else has taken meanwhile."""
    empty.start_venue()
    port = empty.venue.port
    for process in empty.processes:
        process.kill()
    with closing(socket.create_server(("127.0.0.1", port))):
        ended = empty.run("run")
    assert ended.returncode in (USAGE, UNHEALTHY)
    assert_one_clear_line(ended.stderr, f"{port}")


def test_a_state_directory_that_cannot_be_made_is_said(empty: Stand) -> None:
    blocked = empty.root / "file"
    blocked.write_text("not a directory")
    state = str(blocked / "state")
    refused(empty, USAGE, state, BREAKWATER_BREAKWATER__STATE_DIR=state)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BREAKWATER_RISK__RISK_FRAK", "0.1"),
        ("BREAKWATER_RISK__SIZING__RISK_FRAC", "7"),
        ("BREAKWATER_RISK__SIZING__RISK_FRAC", "nan"),
        ("BREAKWATER_RISK__SYMBOLS", '["BTC/USD:BTC"]'),
        ("BREAKWATER_BREAKWATER__PAPER__SCENARIO", "no-such-market"),
        ("BREAKWATER_STRATEGIES__ENABLED", '["no_such_strategy"]'),
    ],
)
def test_a_configuration_fault_is_said_before_anything_starts(
    empty: Stand, name: str, value: str
) -> None:
    refused(empty, USAGE, **{name: value})
    assert not (empty.state / "control.sock").exists()


def test_live_mode_asks_for_its_words(empty: Stand) -> None:
    refused(empty, USAGE, "live_confirmed", "--yes-live", args=("run", "--mode", "live"))


# ---------------------------------------------------------------------- the journal


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of a daemon that ran and ended in order."""
    kept = tmp_path_factory.mktemp("used") / "journal.db"
    with Stand(**ENV) as stand:
        stand.start_venue()
        daemon = stand.start_daemon()
        stand.venue.move(80_150.0)
        until(stand.venue.covers, "a trade")
        daemon.await_protected()
        assert daemon.terminate() == 0
        shutil.copy(stand.state / "journal.db", kept)
    return kept


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as base:
        base.execute("update alembic_version set version_num = '9999_tomorrow'")
        base.commit()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 77])


def _scribbled(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for at in range(4_096, len(data) - 64, 4_096):
        data[at : at + 64] = b"\xff" * 64
    path.write_bytes(bytes(data))


def _other(path: Path) -> None:
    path.write_bytes(b"this is no database\n" * 1_000)


@pytest.mark.parametrize("spoil", [_newer, _cut, _scribbled, _other])
def test_a_journal_that_cannot_be_believed_is_refused_and_kept(
    empty: Stand, used: Path, spoil: Callable[[Path], None]
) -> None:
    empty.state.mkdir()
    journal = empty.state / "journal.db"
    shutil.copy(used, journal)
    spoil(journal)
    before = journal.read_bytes()
    refused(empty, UNHEALTHY, str(journal))
    assert journal.read_bytes() == before, "evidence is not written over"


# ---------------------------------------------------------------------- the socket


def _send(stand: Stand, payload: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
        wire.settimeout(PATIENCE_S)
        wire.connect(str(stand.state / "control.sock"))
        try:
            wire.sendall(payload)
            wire.shutdown(socket.SHUT_WR)
            while wire.recv(65_536):
                pass
        except (BrokenPipeError, ConnectionResetError):
            return


JUNK = {
    "random bytes": bytes(range(256)) * 64 + b"\n",
    "no end of line": b"x" * 10_000,
    "twenty megabytes in a line": b"y" * 20_000_000 + b"\n",
    "a hundred thousand brackets": b"[" * 100_000 + b"\n",
    "numbers beyond all": b'{"name": "status", "args": {"limit": "' + b"9" * 5_000 + b'"}}\n',
    "NaN": b'{"name": NaN}\n',
    "wrong shapes": b'[]\n{}\n"x"\n{"name": 1}\n{"name": "status", "args": []}\n',
    "unknown words": b'{"name": "sell everything"}\n{"name": "status", "more": 1}\n',
    "nothing": b"",
    "a refused reduction": b'{"name": "reduce", "args": {"fraction": "NaN"}}\n' * 100,
}


def test_junk_on_the_socket_changes_nothing(running: tuple[Stand, Daemon]) -> None:
    stand, daemon = running
    before = daemon.status()
    for payload in JUNK.values():
        _send(stand, payload)
        assert daemon.alive
    idle = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(40)]
    try:
        for wire in idle:
            wire.setblocking(False)
            wire.connect_ex(str(stand.state / "control.sock"))
        venue = stand.venue
        began_ns = venue.by_hand("BUY", "0.02")
        until(lambda: venue.stops_asked(began_ns), "protection is not held up")
    finally:
        for wire in idle:
            wire.close()
    after = until(daemon.status, "it still answers")
    assert after["run_id"] == before["run_id"]
    assert after["mode"] == "ACTIVE"
    daemon.await_protected("0.02")
    venue.by_hand("SELL", "0.02", reduce_only=True)
    daemon.await_flat()
    assert "Traceback" not in daemon.text()


# ---------------------------------------------------------------------- the disk


@contextmanager
def file_limit(stand: Stand, daemon: Daemon) -> Iterator[None]:
    """The journal's log may not grow by a byte: writes fail with EFBIG. Smaller files go on."""
    log = stand.state / "journal.db-wal"
    size = until(lambda: log.stat().st_size, "the journal writes")
    assert size > 4 * daemon.log.stat().st_size, "the terminal must stay writable"
    before = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def full_disk(stand: Stand, daemon: Daemon) -> Iterator[None]:
    """The state directory lies on a file system that has no byte left: ENOSPC."""
    ballast = stand.state / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4_096)
        except OSError:
            pass
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def moved_away(stand: Stand, daemon: Daemon) -> Iterator[None]:
    """Somebody tidies up the state directory while the daemon writes into it."""
    journal, aside = stand.state / "journal.db", stand.root / "aside.db"
    journal.rename(aside)
    try:
        yield
    finally:
        aside.rename(journal)


def _small_state(stand: Stand) -> bool:
    """Mount a small file system as the state directory; False where that is not permitted."""
    stand.state.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(stand.state)],
        capture_output=True,
        check=False,
    )
    return made.returncode == 0


@pytest.fixture
def stand_of(request: pytest.FixtureRequest) -> Iterator[Stand]:
    small = request.getfixturevalue("trouble") is full_disk
    with Stand(**ENV) as stand:
        mounted = small and _small_state(stand)
        if small and not mounted:
            pytest.skip("mounting a small file system is not permitted here")
        try:
            outside = stand.root / "venue-book"
            outside.mkdir()
            stand.state.mkdir(exist_ok=True)
            (stand.state / "venue").symlink_to(outside)
            stand.start_venue()
            yield stand
        finally:
            for process in reversed(stand.processes):
                process.kill()
            if mounted:
                subprocess.run(["umount", str(stand.state)], check=True)


@pytest.mark.parametrize("trouble", [file_limit, full_disk, moved_away])
def test_a_disk_that_takes_nothing_stops_entries_and_not_protection(
    stand_of: Stand, trouble: Callable[[Stand, Daemon], object]
) -> None:
    stand = stand_of
    daemon = stand.start_daemon()
    venue = stand.venue
    with trouble(stand, daemon):
        began_ns = venue.by_hand("BUY", "0.02")
        until(lambda: venue.stops_asked(began_ns), "a stop goes out all the same")
        until(venue.covers, "covered")
        until(lambda: "journal_broken" in daemon.text(), "the operator is told")
        venue.by_hand("SELL", "0.02", reduce_only=True)
        until(lambda: not venue.open_algos(), "and removed")
        daemon.await_flat()
        venue.move(80_150.0)  # the trip wire wishes
        until(
            lambda: (
                "INTENT_NOT_JOURNALED" in daemon.text()
                or any("INTENT" in name for name in daemon.status()["counters"]["refusals"])
                or _entry_refused(daemon)
            ),
            "an entry without a durable intent is refused",
        )
        assert venue.position() == 0
        assert daemon.alive
    until(lambda: "journal_whole" in daemon.text(), "it writes again")
    venue.move(80_250.0)
    until(venue.covers, "entries are taken again")
    intents = [row for row in daemon.journal("intents") if row["purpose"] == "ENTRY"]
    assert len({row["client_order_id"] for row in intents}) == len(intents)
    assert daemon.terminate() == 0


def _entry_refused(daemon: Daemon) -> bool:
    orders = daemon.ask("orders", all="true")["orders"]
    return any(row["purpose"] == "ENTRY" and row["status"] == "REJECTED" for row in orders)
