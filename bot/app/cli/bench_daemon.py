"""Measures a whole daemon beside its venue: start, memory, and from fill to stop request."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from bot.app.cli.reach import ask_daemon
from bot.app.clock import pause_s
from bot.app.config.places import Places
from bot.app.embedded.process import Address, last_address
from bot.domain.errors import BotError, VenueUnreachable
from bot.domain.units import NS_PER_S
from bot.lab.bench.kernel import percentile
from bot.ports import Clock

DEADLINE_S = 60.0
LOOK_S = 0.02
QTY = Decimal("0.01")
SYMBOL = "BTCUSDT"
PROGRAM = Path(__file__).resolve().parents[2]
T = TypeVar("T")


def bench_daemon(places: Places, clock: Clock, rounds: int) -> dict[str, Any]:
    """Return ready time, RSS and fill-to-stop times of a daemon of its own in an empty folder.

    A copy of the program is started three times: where no byte code of it may be kept, as under
    PYTHONDONTWRITEBYTECODE (`unkept_`); then keeping it, which is what warms it; then as whoever
    starts it again does. The figures named `page_` are of one more start, with the web page on.

    Raises:
        VenueUnreachable: the daemon did not come up, or a stop did not come, in time.
    """
    with TemporaryDirectory(prefix="breakwater-bench-") as name:
        root = Path(name)
        shutil.copytree(places.config, root / "config")
        shutil.copytree(places.strategies, root / "strategies")
        shutil.copytree(PROGRAM, root / PROGRAM.name, ignore=shutil.ignore_patterns("__pycache__"))
        unkept = _measured(root, clock, 0, page=False, keep=False)
        _measured(root, clock, 0, page=True)
        figures = _measured(root, clock, rounds, page=False)
        again = _measured(root, clock, 0, page=True)
    named = {"": figures, "page_": again, "unkept_": unkept}
    return figures | {
        f"{prefix}{name}": told[name]
        for prefix, told in named.items()
        for name in ("ready_s", "ready_cpu_s", "rss_mb")
    }


def _measured(
    root: Path, clock: Clock, rounds: int, *, page: bool, keep: bool = True
) -> dict[str, Any]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BREAKWATER_")}
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "STATE_DIRECTORY"):
        environment.pop(name, None)
    if not keep:
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
    environment |= {
        "BREAKWATER_CONFIG_DIR": str(root / "config"),
        "BREAKWATER_STRATEGIES__ENABLED": "[]",
        "BREAKWATER_BREAKWATER__STATE_DIR": "state",
        "BREAKWATER_BREAKWATER__LOG_DIR": "logs",
        "BREAKWATER_DASHBOARD__ENABLED": str(page).lower(),
        "BREAKWATER_DASHBOARD__PORT": str(_free_port()),
        "PYTHONPATH": str(root),
    }
    began = clock.monotonic_ns()
    with (root / "daemon.log").open("wb") as log:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "bot", "run", "--mode", "paper"],
            env=environment,
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            process_group=0,
        )
    try:
        _until(clock, lambda: _is_active(root), "the daemon is not ready")
        figures: dict[str, Any] = {
            "ready_s": round((clock.monotonic_ns() - began) / NS_PER_S, 2),
            "ready_cpu_s": _cpu_s(daemon.pid),
        }
        if rounds:
            before = _sched_ns(daemon.pid)
            figures |= _protection(root, clock, rounds)
            ran_ns, waited_ns = (b - a for a, b in zip(before, _sched_ns(daemon.pid), strict=True))
            figures["waited_for_core_frac"] = round(waited_ns / max(ran_ns + waited_ns, 1), 3)
        figures["rss_mb"] = _rss_mb(daemon.pid)
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(timeout=DEADLINE_S)
    return figures


def _protection(root: Path, clock: Clock, rounds: int) -> dict[str, float | str]:
    """Open and close a position by hand, again and again; time fill -> stop request."""
    address = last_address(root / "state" / "venue")
    if address is None:
        raise VenueUnreachable("bench: the venue did not publish its address")
    spent: list[int] = []
    for _ in range(rounds):
        since = clock.now_ns()
        _by_hand(address, "BUY", reduce_only=False)
        asked_ns = _until(clock, partial(_stop_asked, address, since), "no stop was asked for")
        spent.append(asked_ns - since)
        _until(clock, lambda: _is_stopped(root), "the stop does not work")
        _by_hand(address, "SELL", reduce_only=True)
        _until(clock, lambda: _is_flat(root), "the position does not close")
    spent.sort()
    return {
        "fill_to_stop_request_ms_p50": round(percentile(spent, 0.50) / 1e6, 2),
        "fill_to_stop_request_ms_p99": round(percentile(spent, 0.99) / 1e6, 2),
        "fill_to_stop_request_ms_max": round(spent[-1] / 1e6, 2),
        "fill_to_stop_rounds": rounds,
        "aim": "p99 <= 10 ms; ready <= 1.5 s CPU; RSS <= 150 MiB",
        "unkept": "the same start where byte code of the program may not be kept",
    }


def _until(clock: Clock, look: Callable[[], T | None], complaint: str) -> T:
    deadline_ns = clock.monotonic_ns() + round(DEADLINE_S * NS_PER_S)
    while clock.monotonic_ns() < deadline_ns:
        found = look()
        if found:
            return found
        pause_s(LOOK_S)
    raise VenueUnreachable(f"bench: {complaint} after {DEADLINE_S:g} s")


def _ask(root: Path, name: str) -> dict[str, Any] | None:
    try:
        return ask_daemon(root / "state" / "control.sock", name, {})
    except BotError:
        return None


def _is_active(root: Path) -> bool:
    status = _ask(root, "status")
    if status is None or status["mode"] != "ACTIVE":
        return False
    return bool(status["markets"]) and all(
        market["mark_age_s"] is not None and market["last"] for market in status["markets"]
    )


def _is_stopped(root: Path) -> bool:
    found = _ask(root, "positions")
    return bool(found and found["positions"] and found["positions"][0]["protected"])


def _is_flat(root: Path) -> bool:
    found = _ask(root, "positions")
    return found is not None and not found["positions"]


def _stop_asked(address: Address, since_ns: int) -> int | None:
    """Return when the venue received the first stop after `since_ns`, by this machine's clock."""
    with urllib.request.urlopen(  # noqa: S310 - loopback, our own process
        f"{address.base_url}/_control/log?since_ns={since_ns}", timeout=5.0
    ) as answer:
        seen = json.load(answer)
    for row in seen:
        if row["method"] == "POST" and row["path"].endswith("/algoOrder"):
            return int(row["ns"])
    return None


def _by_hand(address: Address, side: str, *, reduce_only: bool) -> None:
    """Trade as a human would, behind the bot's back."""
    body = {"symbol": SYMBOL, "side": side, "qty": str(QTY), "reduce_only": reduce_only}
    request = urllib.request.Request(  # noqa: S310 - loopback, our own process
        f"{address.base_url}/_control/position",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=5.0):  # noqa: S310 - loopback
        return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cpu_s(pid: int) -> float:
    """Return the processor seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    ticks = int(fields[11]) + int(fields[12])
    return round(ticks / os.sysconf("SC_CLK_TCK"), 2)


def _sched_ns(pid: int) -> tuple[int, int]:
    """Return how long a process's first thread, its event loop, ran and stood ready to run, in ns.

    A loop that stands ready for long shares its core with others, and its times tell of them.
    """
    ran, waited, _ = Path(f"/proc/{pid}/schedstat").read_text().split()
    return int(ran), int(waited)


def _rss_mb(pid: int) -> float:
    """Return the resident memory of a process in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / 1024, 1)
    raise VenueUnreachable("bench: the daemon is gone")
