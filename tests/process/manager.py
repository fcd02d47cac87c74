"""Stands where systemd stands: hears the notify socket, ends a silent daemon, starts it anew."""

import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.fakes.daemon import Daemon, Stand

LOOK_S = 0.05


class Manager:
    """`Type=notify`, `WatchdogSec`, `WatchdogSignal=SIGKILL`, `Restart=always` of one daemon."""

    def __init__(self, stand: Stand, watchdog_s: float, **env: str) -> None:
        self._stand = stand
        self._watchdog_s = watchdog_s
        self._path = stand.root / "notify.sock"
        self._env = {**env, "NOTIFY_SOCKET": str(self._path)}
        self._heard_s = 0.0
        self.daemon: Daemon
        self.ready = False
        self.fed = 0
        self.kills = 0
        self.statuses: list[str] = []

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.bind(os.fspath(self._path))
        self._socket.setblocking(False)
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()
        Path(self._path).unlink(missing_ok=True)

    def start(self) -> None:
        """Start a life; the watchdog counts from its READY on."""
        self.ready = False
        self.daemon = self._stand.start_daemon(
            module="tests.process.disturbed", ready=False, **self._env
        )

    def tend(self, seconds: float) -> None:
        """Do a manager's work for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.look()
            time.sleep(LOOK_S)

    def look(self) -> bool:
        """Hear what was said, act on silence or death; return whether a life is ready."""
        with suppress(BlockingIOError):
            while True:
                self._hear(self._socket.recv(4_096).decode())
        if self.ready and time.monotonic() - self._heard_s > self._watchdog_s:
            self.kills += 1
            os.kill(self.daemon.pid, signal.SIGKILL)
            self.daemon.popen.wait(timeout=10.0)
        if not self.daemon.alive:
            self.start()
        return self.ready

    def _hear(self, text: str) -> None:
        for line in text.splitlines():
            name, _, value = line.partition("=")
            if name == "READY":
                self.ready, self._heard_s = True, time.monotonic()
            elif name == "WATCHDOG":
                self.fed += 1
                self._heard_s = time.monotonic()
            elif name == "STATUS":
                self.statuses.append(value)
