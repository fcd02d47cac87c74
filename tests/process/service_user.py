"""The service of an account of its own (`install-service --user`), in the trial's systemd.

A user manager is started as a login would start it; no message bus and no logind are needed.
"""

import json
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from tests.fakes.daemon import until

TESTER = "tester"
HOME = Path("/home") / TESTER
PROGRAM = Path("/opt/breakwater")
LEFT_OUT = shutil.ignore_patterns(".venv", "state", "logs")


def prepare() -> dict[str, str]:
    """An account with the program in its home, and its manager; return its environment."""
    _run("useradd", "--create-home", "--home-dir", str(HOME), TESTER)
    own = pwd.getpwnam(TESTER)
    shutil.copytree(PROGRAM, HOME / "breakwater", ignore=LEFT_OUT)
    (HOME / "breakwater" / ".venv").symlink_to(PROGRAM / ".venv")
    _run("chown", "-R", f"{TESTER}:{TESTER}", str(HOME))
    room = Path("/run/user") / str(own.pw_uid)
    room.mkdir(parents=True, mode=0o700)
    os.chown(room, own.pw_uid, own.pw_gid)
    env = {"HOME": str(HOME), "USER": TESTER, "XDG_RUNTIME_DIR": str(room),
           "PATH": "/usr/bin:/bin"}  # fmt: skip
    _run(
        "systemd-run", "--unit=manager-of-tester", f"--uid={TESTER}", "--property=Delegate=yes",
        *(f"--setenv={name}={value}" for name, value in env.items()),
        "/lib/systemd/systemd", "--user", "--log-target=null",
    )  # fmt: skip
    until((room / "systemd" / "private").exists, "the user's manager listens", 20.0)
    return env


def tried(env: dict[str, str]) -> tuple[dict[str, object], list[str]]:
    """Install, look, kill, remove; return figures and violations."""
    python = str(HOME / "breakwater" / ".venv" / "bin" / "python")
    install = (python, "-m", "bot", "install-service", "--user", "--json")
    told = json.loads(_as_tester(env, *install, "--apply"))
    wrong = []
    if _show(env, "ActiveState") != "active":
        wrong.append(f"--user: not active: {_show(env, 'Result')}")
    front = str(HOME / ".local" / "bin" / "breakwater")
    mode = until(lambda: _mode(env, front), "the user's service is ACTIVE", 60.0)
    first = int(_show(env, "MainPID"))
    if Path(f"/proc/{first}").stat().st_uid != pwd.getpwnam(TESTER).pw_uid:
        wrong.append("--user: runs as somebody else")
    os.kill(first, signal.SIGKILL)
    until(lambda: _show(env, "NRestarts") == "1", "it is started anew", 60.0)
    until(lambda: _mode(env, front), "ACTIVE once more", 60.0)
    _as_tester(env, *install, "--uninstall", "--apply")
    if (HOME / ".config" / "systemd" / "user" / "breakwater.service").exists():
        wrong.append("--user: the unit is still there")
    seen: dict[str, object] = {"user_install_steps": len(told["steps"]), "user_mode": mode}
    return seen, wrong


def _mode(env: dict[str, str], front: str) -> str:
    """Return ACTIVE when it is; empty while nobody answers."""
    done = _done(env, front, "status", "--json")
    found = json.loads(done.stdout)["mode"] if done.returncode == 0 else ""
    return str(found) if found == "ACTIVE" else ""


def _show(env: dict[str, str], key: str) -> str:
    show = ("systemctl", "--user", "show", "breakwater", "-p", key, "--value")
    return _as_tester(env, *show).strip()


def _as_tester(env: dict[str, str], *argv: str) -> str:
    done = _done(env, *argv)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(argv)}: {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def _done(env: dict[str, str], *argv: str) -> subprocess.CompletedProcess[str]:
    words = [f"{name}={value}" for name, value in env.items()]
    return subprocess.run(
        ["setpriv", f"--reuid={TESTER}", f"--regid={TESTER}", "--init-groups", "env", "-i", *words,
         *argv],
        cwd=HOME / "breakwater", capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(argv)}: {done.returncode}: {done.stdout}{done.stderr}")
