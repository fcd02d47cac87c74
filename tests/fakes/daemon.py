"""A stand for whole processes: the venue, the daemon, their folders; ends only what it started.

`with Stand() as stand:` makes a folder with a configuration of its own. `stand.start_venue()` and
`stand.start_daemon()` start real processes; the venue stands still at PRICE until it is moved.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from tests.fakes.market_folder import PRICE, flat_folder, levels_for
from tests.fakes.nursery import Child
from tests.fakes.venue_handle import VenueHandle

ROOT = Path(__file__).resolve().parents[2]
LOOK_S = 0.02
LOOK_MAX_S = 0.25
PATIENCE_S = 60.0
LINES_TOLD = 30
T = TypeVar("T")

TRIP_WIRE = '''
"""Wishes one long trade at each hundred above the trip, as long as the price is there."""

from bot.sdk import Intent, Memory, Parameters, PositionSide, View


class Params(Parameters, frozen=True):
    trip: float = 80_100.0
    stop_frac: float = 0.01
    target_frac: float = 0.03


class TripWire:
    """A hundred has one signal id for ever: whoever trades it twice has forgotten something."""

    name = "trip_wire"
    needs = ()
    warmup_bars = 1

    def __init__(self, params: Params):
        self.trip = params.trip
        self.stop_frac = params.stop_frac
        self.target_frac = params.target_frac

    def start(self) -> Memory:
        return {}

    def evaluate(self, view: View, memory: Memory):
        if view.close < self.trip:
            return memory, ()
        wire = view.close // 100.0 * 100.0
        wish = Intent(
            symbol=view.symbol,
            side=PositionSide.LONG,
            stop_price=wire * (1.0 - self.stop_frac),
            target_price=wire * (1.0 + self.target_frac),
            reason=f"wire {wire:.0f} was crossed",
            signal_id=f"trip_wire|{view.symbol}|{wire:.0f}",
        )
        return memory, (wish,)
'''


def until(look: Callable[[], T | None], what: str, patience_s: float = PATIENCE_S) -> T:
    """Return the first true value of `look`; asked again and again, ever slower; errors are no."""
    end = time.monotonic() + patience_s
    trouble, pause_s = "", LOOK_S
    while time.monotonic() < end:
        try:
            found = look()
        except (OSError, NotReady, LookupError) as error:  # not there yet
            found, trouble = None, f" (last trouble: {error})"
        if found:
            return found
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.3, LOOK_MAX_S)
    raise AssertionError(f"{what}: not within {patience_s:g} s{trouble}")


class NotReady(Exception):
    """Asked too early; `until` asks again."""


class Process:
    """One child process with its output in a file."""

    def __init__(
        self,
        module: str,
        args: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        log: Path,
        *,
        fresh: bool = False,
    ) -> None:
        self.log = log
        self.popen: Child | subprocess.Popen[bytes]
        if not fresh:
            self.popen = Child(module, args, env, cwd, log)
            return
        with log.open("ab") as sink:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", module, *args],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                cwd=cwd,
                env=dict(env),
                process_group=0,
            )

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    def text(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        if self.alive:
            os.kill(self.pid, signal.SIGKILL)
        self.popen.wait(timeout=PATIENCE_S)

    def terminate(self) -> int:
        """SIGTERM; return the exit code."""
        if self.alive:
            os.kill(self.pid, signal.SIGTERM)
        return self.popen.wait(timeout=PATIENCE_S)

    def ended(self, patience_s: float = PATIENCE_S) -> int:
        """Wait for its own end; return the exit code (-9: killed)."""
        return self.popen.wait(timeout=patience_s)


class Daemon(Process):
    """A running `breakwater run`, asked through its control socket."""

    def __init__(self, *args: Any, state: Path, fresh: bool = False) -> None:
        super().__init__(*args, fresh=fresh)
        self.state = state

    def request(self, name: str, **args: str) -> dict[str, Any]:
        from bot.app.cli.reach import DaemonAbsent, _request
        from bot.domain.errors import BotError

        try:
            return _request(self.state / "control.sock", name, args)
        except (DaemonAbsent, BotError) as error:
            if not self.alive:
                raise AssertionError(f"the daemon is gone:\n{self.text()[-3000:]}") from None
            raise NotReady(str(error)) from None

    def ask(self, name: str, **args: str) -> dict[str, Any]:
        """Ask a question; return its data."""
        answer = self.request(name, **args)
        if not isinstance(answer.get("data"), dict):
            raise NotReady(f"{name}: {answer}")
        return answer["data"]

    def status(self) -> dict[str, Any]:
        return self.ask("status")

    def positions(self) -> list[dict[str, Any]]:
        return self.ask("positions")["positions"]

    def journal(self, table: str, limit: int = 1000) -> list[dict[str, Any]]:
        """Rows of the journal, newest first, read through the socket as people do."""
        return self.ask("journal", table=table, limit=str(limit))["rows"]

    def await_mode(self, mode: str, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            status = self.status()
            return status if status["mode"] == mode else None

        return self._until(look, f"mode {mode}", patience_s)

    def await_ready(self, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """Wait until it may trade: ACTIVE, and a live price is known."""

        def look() -> dict[str, Any] | None:
            status = self.status()
            known = status["markets"] and all(
                m["mark"] is not None and m["feed_live"] and m["last"] for m in status["markets"]
            )
            return status if status["mode"] == "ACTIVE" and known else None

        return self._until(look, "the daemon is ready to trade", patience_s)

    def await_protected(self, qty: str = "", patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """Wait until the daemon itself believes in a position with a full stop."""

        def look() -> dict[str, Any] | None:
            held = self.positions()
            good = held and all(leg["protected"] for leg in held)
            return held[0] if good and qty in ("", held[0]["qty"]) else None

        return self._until(look, f"a protected position {qty}", patience_s)

    def await_flat(self, patience_s: float = PATIENCE_S) -> None:
        self._until(lambda: not self.positions(), "flat", patience_s)

    def _until(self, look: Callable[[], T | None], what: str, patience_s: float) -> T:
        """As `until`; what never came is told with the daemon's last lines, which say why."""
        try:
            return until(look, what, patience_s)
        except AssertionError as error:
            lines = self.text().splitlines()[-LINES_TOLD:]
            raise AssertionError("\n".join((str(error), *lines))) from None


class Stand:
    """A folder with config, state and logs, and the processes that use it."""

    handle: type[VenueHandle] = VenueHandle
    """How the venue is moved and read: by its protocol."""

    def __init__(self, **env: str) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="bw-"))
        self.state = self.root / "state"
        self.processes: list[Process] = []
        self._starts = 0
        shutil.copytree(ROOT / "config", self.root / "config")
        shutil.copytree(ROOT / "strategies", self.root / "strategies")
        (self.root / "strategies" / "trip_wire.py").write_text(TRIP_WIRE)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("BREAKWATER_")}
        inherited.pop("STATE_DIRECTORY", None)
        inherited.pop("NOTIFY_SOCKET", None)
        self.env: dict[str, str] = {
            **inherited,
            "PYTHONPATH": str(ROOT),
            "BREAKWATER_CONFIG_DIR": str(self.root / "config"),
            "BREAKWATER_BREAKWATER__PAPER__SCENARIO": str(flat_folder()),
            "BREAKWATER_BREAKWATER__PAPER__BAR_S": "1",
            "BREAKWATER_STRATEGIES__ENABLED": "[]",
            "BREAKWATER_DASHBOARD__ENABLED": "false",
            "BREAKWATER_LEVELS__BOOK": levels_for(PRICE),
            **env,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what was started here, by pid, and remove the folder."""
        for process in reversed(self.processes):
            with suppress(subprocess.TimeoutExpired):
                process.kill()
        self.end_venue_of_daemon()
        shutil.rmtree(self.root, ignore_errors=True)

    def end_venue_of_daemon(self) -> None:
        """Kill venues that a daemon of this stand started: their pids are in its folders."""
        for address in self.state.glob("**/venue/address.json"):
            with suppress(OSError, ValueError, KeyError):
                pid = json.loads(address.read_text())["pid"]
                command = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
                if str(self.state) in command:
                    os.kill(pid, signal.SIGKILL)

    # ------------------------------------------------------------------ processes

    def start_venue(self, *, roomy: bool = False, module: str = "bot", **env: str) -> Process:
        """Start `breakwater venue` on the book of this stand; it outlives every daemon.

        `roomy`: without the weight limit, for tests that read and restart very often.
        """
        module = "tests.fakes.roomy_venue" if roomy else module
        folder = str(self.state / "venue")
        process = self._start(Process, "venue", module, "venue", "--state", folder, **env)

        def look() -> bool:
            if not process.alive:
                raise AssertionError(f"the venue ended:\n{process.text()[-3000:]}")
            address = json.loads((self.state / "venue" / "address.json").read_text())
            return address["pid"] == process.pid and self.venue.reachable()

        until(look, "the venue listens")
        return process

    def start_daemon(
        self,
        *options: str,
        module: str = "bot",
        ready: bool = True,
        fresh: bool = False,
        **env: str,
    ) -> Daemon:
        """Start the daemon; `module` is the program that stands in for `-m bot`.

        `fresh`: by a new interpreter, for what measures or proves the start itself.
        """
        daemon: Daemon = self._start(
            Daemon, "daemon", module, "run", *options,
            more={"state": self.state, "fresh": fresh}, **env,
        )  # fmt: skip
        if ready:
            daemon.await_ready()
        return daemon

    def run(self, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a short command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "bot", *args],
            env={**self.env, **env},
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def _start(
        self,
        kind: Any,
        name: str,
        module: str,
        *args: str,
        more: Mapping[str, Any] | None = None,
        **env: str,
    ) -> Any:
        self._starts += 1
        log = self.root / f"{name}-{self._starts}.log"
        process = kind(module, args, {**self.env, **env}, self.root, log, **(more or {}))
        self.processes.append(process)
        return process

    @property
    def daemons(self) -> list[Daemon]:
        """Every daemon that was started here, oldest first."""
        return [process for process in self.processes if isinstance(process, Daemon)]

    # ------------------------------------------------------------------ the venue's handle

    @property
    def venue(self) -> VenueHandle:
        """A handle on the venue that now keeps the book of this stand."""
        try:
            return self.handle(self.state / "venue", ca=self.root / "ca.pem")
        except (OSError, ValueError) as error:
            raise NotReady(f"no address: {error}") from None
