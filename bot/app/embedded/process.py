"""Keeps the embedded venue as a process of its own, which outlives a killed bot."""

import fcntl
import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bot.app.clock import pause_s
from bot.app.config.places import Places
from bot.domain.errors import ConfigInvalid, StateLocked, VenueUnreachable
from bot.ports import Clock

ADDRESS_FILE = "address.json"
LOCK_FILE = "lock"
USAGE = 2
"""How the venue ends when its command line or its data is at fault."""
LOG_FILE = "venue.log"
READY_DEADLINE_S = 60.0
PROGRAM = str(Path(__file__).resolve().parents[3])
END_DEADLINE_S = 5.0
FIRST_LINES_BYTES_MAX = 65_536
_children: "dict[int, subprocess.Popen[bytes]]" = {}
"""Venues this process started: they may outlive it, but the dead among them must be buried."""


class Address(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """Where a living venue listens, and who it is."""

    pid: int
    port: int
    api_key: str
    api_secret: str
    wall_ns: int
    """When it began this time, and ..."""
    market_ns: int
    """... which instant its market stood at then; from there on it runs at `speed`."""
    speed: float
    protocol: str = "binance"

    @property
    def base_url(self) -> str:
        """Its HTTP address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """Its WebSocket address."""
        return f"ws://127.0.0.1:{self.port}"

    def wall_of(self, market_ns: int) -> int:
        """Return when (wall clock, ns) the market comes to an instant of its own time."""
        return max(self.wall_ns + round((market_ns - self.market_ns) / self.speed), 0)


class VenueLock:
    """The right to be the venue of one book; the system drops it when its holder dies."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._handle = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self) -> bool:
        """Take the lock; False when another process holds it."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let go."""
        os.close(self._handle)


def publish(folder: Path, address: Address) -> None:
    """Write down where this venue listens, for the bots that come later."""
    temporary = folder / f".{ADDRESS_FILE}.{os.getpid()}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(address))
    temporary.replace(folder / ADDRESS_FILE)


def living(folder: Path) -> Address | None:
    """Return the address of the venue that holds the book in `folder`; None when nobody does.

    Raises:
        StateLocked: somebody holds it, but has not said where it listens.
    """
    lock = VenueLock(folder)
    try:
        if lock.take():
            return None
    finally:
        lock.release()
    address = last_address(folder)
    if address is None:
        raise StateLocked(
            f"{folder}: a venue holds this book, its address is unreadable: end it and start anew"
        )
    return address


def last_address(folder: Path) -> Address | None:
    """Return what the last venue of this book published: its port and key are kept for ever."""
    try:
        return msgspec.json.decode((folder / ADDRESS_FILE).read_bytes(), type=Address)
    except (OSError, msgspec.MsgspecError):
        return None


def ensure_venue(places: Places, arguments: Sequence[str], clock: Clock) -> tuple[Address, bool]:
    """Return (address, whether it was started now) of the venue that keeps this paper account.

    Raises:
        VenueUnreachable: it could not be started; the line holds its own reason.
        StateLocked: as `living`.
    """
    found = living(places.venue)
    if found is not None:
        return found, False
    _bury()
    places.logs.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "bot", "venue", "--state", str(places.venue), *arguments]
    inherited = os.environ.get("PYTHONPATH")
    with (places.logs / LOG_FILE).open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own arguments
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=places.root,
            process_group=0,
            env={
                **os.environ,
                "BREAKWATER_CONFIG_DIR": str(places.config),
                # a service has its configuration in /etc, where no program lies
                "PYTHONPATH": os.pathsep.join(filter(None, (PROGRAM, inherited))),
            },
        )
    _children[process.pid] = process
    try:
        _await_ready(process, places, clock)
    except BaseException:
        process.terminate()
        raise
    address = living(places.venue)
    if address is None:
        raise VenueUnreachable(f"the embedded venue ended at once: see {places.logs / LOG_FILE}")
    return address, True


def end_venue(address: Address, clock: Clock, folder: Path) -> None:
    """Ask the venue to end in order and wait until it has let go of its book."""
    try:
        os.kill(address.pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    deadline_ns = clock.monotonic_ns() + round(END_DEADLINE_S * 1e9)
    lock = VenueLock(folder)
    try:
        while not lock.take():
            if clock.monotonic_ns() > deadline_ns:
                os.kill(address.pid, signal.SIGKILL)  # it holds the lock: the pid is its own
                break
            pause_s(0.02)
    finally:
        lock.release()
    child = _children.pop(address.pid, None)
    if child is not None:
        child.wait()


def _bury() -> None:
    """Forget children that have ended."""
    for pid in [pid for pid, child in _children.items() if child.poll() is not None]:
        del _children[pid]


def _await_ready(process: "subprocess.Popen[bytes]", places: Places, clock: Clock) -> None:
    """Read the venue's ready line, or say why it did not come."""
    stdout = process.stdout
    assert stdout is not None  # noqa: S101 - asked for a pipe above
    deadline_ns = clock.monotonic_ns() + round(READY_DEADLINE_S * 1e9)
    told = b""
    with selectors.DefaultSelector() as selector, stdout:
        selector.register(stdout, selectors.EVENT_READ)
        while b"\n" not in told and len(told) < FIRST_LINES_BYTES_MAX:
            left_s = (deadline_ns - clock.monotonic_ns()) / 1e9
            if left_s <= 0.0 or not selector.select(left_s):
                raise VenueUnreachable(
                    f"the embedded venue was not ready within {READY_DEADLINE_S:g} s: "
                    f"see {places.logs / LOG_FILE}"
                )
            part = os.read(stdout.fileno(), 4096)
            if not part:
                break
            told += part
    if _is_ready(told):
        return
    code = process.wait()
    told_why = f"the embedded venue did not start: {_last_line(places.logs / LOG_FILE)}"
    if code == USAGE:
        raise ConfigInvalid(told_why)
    raise VenueUnreachable(f"{told_why} (exit {code})")


def _is_ready(told: bytes) -> bool:
    try:
        line = json.loads(told.split(b"\n", 1)[0])
    except ValueError:
        return False
    return isinstance(line, dict) and line.get("ready") is True


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text("utf-8", "replace").strip().splitlines()
    except OSError:
        return "no log"
    return lines[-1][:300] if lines else f"see {path}"
