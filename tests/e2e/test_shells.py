"""Completion in the shells of people, and the live view on a terminal: as they are installed.

The completion scripts are the program's own; each shell that is installed loads one and completes.
"""

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from bot.app.service.unit import Machine, front_text
from tests.fakes.daemon import ROOT, Stand, until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-shells")]
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `breakwater` as install-service writes it, alone in a folder."""
    folder = tmp_path_factory.mktemp("bin")
    machine = Machine(
        scope="user", program=ROOT, python=Path(sys.executable), config=ROOT / "config",
        secrets=ROOT / "state",
    )  # fmt: skip
    path = folder / "breakwater"
    path.write_text(front_text(machine))
    path.chmod(0o755)
    return path


def asked(front: Path, shell: str, **env: str) -> str:
    done = subprocess.run(
        [front], capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        env={**os.environ, "_BREAKWATER_COMPLETE": f"{'source' if not env else 'complete'}_{shell}",
             **env},
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_offered_the_commands(front: Path, shell: str) -> None:
    """What a shell is told when somebody presses Tab after `breakwater po`."""
    words = {
        "bash": {"COMP_WORDS": "breakwater po", "COMP_CWORD": "1"},
        "zsh": {"_TYPER_COMPLETE_ARGS": "breakwater po"},
        "fish": {
            "_TYPER_COMPLETE_ARGS": "breakwater po",
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            "_TYPER_COMPLETE_WORD_TO_COMPLETE": "po",
        },
    }[shell]
    assert "positions" in asked(front, shell, **words)
    assert f"_BREAKWATER_COMPLETE=complete_{shell}" in asked(front, shell)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_itself_takes_the_script(front: Path, tmp_path: Path, shell: str) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed: its completion was NOT loaded")
    script = tmp_path / f"completion.{shell}"
    script.write_text(asked(front, shell))
    line = {
        "bash": f"source {script}; COMP_WORDS=(breakwater po); COMP_CWORD=1; "
        "_breakwater_completion breakwater; printf '%s\\n' \"${COMPREPLY[@]}\"",
        "zsh": f"autoload -Uz compinit; compinit -D -u; source {script}; "
        "whence -w _breakwater_completion",
        "fish": f"source {script}; complete --do-complete 'breakwater po'",
    }[shell]
    done = subprocess.run(
        [found, "-c", line], capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        env={**os.environ, "PATH": f"{front.parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    wanted = "_breakwater_completion: function" if shell == "zsh" else "positions"
    assert wanted in done.stdout, done.stderr


def test_watch_follows_the_bot_until_it_is_interrupted() -> None:
    with Stand() as stand:
        daemon = stand.start_daemon()
        near, far = pty.openpty()
        sized = {k: v for k, v in stand.env.items() if k not in ("COLUMNS", "LINES")}
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
        heard = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` ignores it
        watch = subprocess.Popen(
            [sys.executable, "-m", "bot", "watch", "--every", "0.2"], stdin=far, stdout=far,
            stderr=far, cwd=stand.root, start_new_session=True,
            env={**sized, "TERM": "xterm-256color"},
        )  # fmt: skip
        signal.signal(signal.SIGINT, heard)
        os.close(far)
        screen = Screen(near)
        try:
            until(lambda: screen.shows("ACTIVE"), "the mode is on the screen")
            stand.venue.by_hand("BUY", "0.02")
            daemon.await_protected("0.02")
            until(lambda: screen.shows("BTC LONG"), "the position is on the screen")
            until(lambda: screen.shows("protective stop"), "what was decided is on the screen")
            os.kill(watch.pid, signal.SIGINT)
            until(lambda: screen.shows("") and watch.poll() is not None, "it ends")
            assert watch.returncode == 0
            assert "Traceback" not in screen.text
        finally:
            watch.kill()
            watch.wait()
            os.close(near)


class Screen:
    """What a program wrote on its terminal so far."""

    def __init__(self, near: int) -> None:
        self._near = near
        self.text = ""

    def shows(self, words: str) -> bool:
        """Read what there is, and look for `words`."""
        end = time.monotonic() + 0.5
        while time.monotonic() < end and select.select([self._near], [], [], 0.05)[0]:
            try:
                told = os.read(self._near, 65_536).decode("utf-8", "replace")
            except OSError:
                break
            self.text += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", told)
        return words in self.text
