"""Starts programs by fork from a process that has loaded them: a second of imports saved each.

`python -m tests.fakes.nursery FD` serves requests on the socket FD. A child is a process of its own
in everything a test does to it: pid, signals, files, environment. What must be proved with the real
start (the command line itself, installation, units) starts it as users do.
"""

import ctypes
import json
import os
import random
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LOADED = (
    "alembic.command", "bot.app.cli.commands.run", "bot.app.cli.commands.venue",
    "bot.app.wiring.page", "bot.app.embedded.main", "bot.app.wiring.graph", "uvloop",
)  # fmt: skip
LOOK_S = 0.005
DEATH_OF_PARENT = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


class Nursery:
    """The tests' side: one nursery for a process of pytest, made on first use."""

    _one: "Nursery | None" = None

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        env = {k: v for k, v in os.environ.items() if not k.startswith("BREAKWATER_")}
        env |= {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.nursery", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            env=env,
            cwd=ROOT,
            pass_fds=[theirs.fileno()],
            process_group=0,
        )
        theirs.close()
        self._lines = ours.makefile("rw", encoding="utf-8")
        self._lock = threading.Lock()

    @classmethod
    def of_tests(cls) -> "Nursery":
        """Return the nursery of this process."""
        if cls._one is None:
            cls._one = cls()
        return cls._one

    def ask(self, **request: Any) -> Any:
        """Send a request and return its answer."""
        with self._lock:
            self._lines.write(json.dumps(request) + "\n")
            self._lines.flush()
            return json.loads(self._lines.readline())


class Child:
    """A child of the nursery, with the part of `subprocess.Popen` that the stand uses."""

    def __init__(
        self, module: str, args: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path
    ) -> None:
        self._nursery = Nursery.of_tests()
        self.pid: int = self._nursery.ask(
            module=module, args=list(args), env=dict(env), cwd=str(cwd), log=str(log)
        )
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit code (negative: the signal that ended it), None while it lives."""
        if self.returncode is None:
            self.returncode = self._nursery.ask(pid=self.pid)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Wait for its end and return the exit code.

        Raises:
            subprocess.TimeoutExpired: it lives on.
        """
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(f"pid {self.pid}", timeout)
            time.sleep(LOOK_S)
        return code


# ------------------------------------------------------------------ the nursery's side


def serve(line: socket.socket) -> dict[str, Any] | None:
    """Answer requests; return what to be in each child, None when the tests have gone."""
    lines = line.makefile("rw", encoding="utf-8")
    ended: dict[int, int] = {}
    while request := lines.readline():
        wish = json.loads(request)
        if "pid" in wish:
            answer: int | None = _code_of(wish["pid"], ended)
        else:
            answer = os.fork()
            if answer == 0:
                lines.close()
                line.close()
                return dict(wish)
        lines.write(json.dumps(answer) + "\n")
        lines.flush()
    return None


def _code_of(pid: int, ended: dict[int, int]) -> int | None:
    if pid not in ended:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found == 0:
            return None
        ended[pid] = os.waitstatus_to_exitcode(status)
    return ended[pid]


def become(wish: Mapping[str, Any]) -> None:
    """Turn this fork into the program that was wished for; it ends with the run of tests."""
    ctypes.CDLL(None).prctl(DEATH_OF_PARENT, signal.SIGKILL)
    os.setpgid(0, 0)
    os.chdir(wish["cwd"])
    sink = os.open(wish["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    os.close(sink)
    os.environ.clear()
    os.environ.update(wish["env"])
    random.seed()
    sys.argv = [wish["module"], *wish["args"]]
    runpy.run_module(wish["module"], run_name="__main__", alter_sys=True)


def main() -> None:
    """Load, serve, and be a child in each fork."""
    import importlib

    for name in LOADED:
        importlib.import_module(name)
    if len(os.listdir("/proc/self/task")) > 1:
        raise SystemExit("nursery: a library started a thread: it cannot be forked")
    wish = serve(socket.socket(fileno=int(sys.argv[1])))
    if wish is not None:
        become(wish)


if __name__ == "__main__":
    main()
