"""Runs as root under the systemd that `tests.process.service` booted; writes its figures."""

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fakes.daemon import until
from tests.fakes.market_folder import flat_folder
from tests.fakes.venue_handle import VenueHandle
from tests.process import service_user

PROGRAM = Path("/opt/breakwater")
SHARE, STATE = Path("/trial"), Path("/var/lib/breakwater")
CONFIG, SECRETS = Path("/etc/breakwater/config"), PROGRAM / "state" / "secrets"
UNIT = Path("/etc/systemd/system/breakwater.service")
ACCOUNT = "breakwater"
TOKEN = "a-token-that-came-as-a-credential-0123456789"
WATCHDOG_S = 20.0
MIGRATION = '''
"""Next."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("runs", sa.Column("note", sa.Text(), nullable=True))
'''


class Trial:
    """What was seen, step by step."""

    def __init__(self) -> None:
        self.figures: dict[str, Any] = {}
        self.violations: list[str] = []

    def timed(self, name: str, work: Callable[[], Any]) -> Any:
        began = time.monotonic()
        result = work()
        self.figures[f"{name}_s"] = round(time.monotonic() - began, 2)
        return result

    def expect(self, holds: object, words: str) -> None:
        if not holds:
            self.violations.append(words)


def run(*argv: str, ok: bool = True) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    if ok and done.returncode != 0:
        raise AssertionError(f"{' '.join(argv)}: {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def show(key: str, unit: str = "breakwater") -> str:
    return run("systemctl", "show", unit, "-p", key, "--value").strip()


def prepare() -> None:
    """A still market, strategies off, and a token that init would have left as a secret."""
    market = PROGRAM / "market"
    shutil.copytree(flat_folder(), market)
    market.chmod(0o755)
    _edit("breakwater.toml", r'scenario = "default"', f'scenario = "{market}"')
    _edit("strategies.toml", r"(?s)^enabled = \[.*?\]", "enabled = []")
    # there is no journald in the trial
    beside = UNIT.with_name("breakwater.service.d")
    beside.mkdir()
    (beside / "trial.conf").write_text("[Service]\nStandardError=file:/trial/err\n")
    SECRETS.mkdir(parents=True, mode=0o700)
    run("useradd", "--system", "--user-group", "--no-create-home", ACCOUNT)
    owner = pwd.getpwnam(ACCOUNT)
    for path in (STATE, STATE / "venue"):
        path.mkdir(mode=0o700)
        os.chown(path, owner.pw_uid, owner.pw_gid)


def _edit(name: str, pattern: str, text: str) -> None:
    path = PROGRAM / "config" / name
    changed, count = re.subn(pattern, lambda _: text, path.read_text(), flags=re.MULTILINE)
    assert count == 1, f"{name}: {pattern}"
    path.write_text(changed)


def start_venue(unit: str = "venue") -> VenueHandle:
    """The venue as a service of its own, so that it outlives every daemon."""
    run(
        "systemd-run", f"--unit={unit}", f"--uid={ACCOUNT}", "--working-directory=/opt/breakwater",
        "--property=StandardError=file:/trial/out",
        sys.executable, "-m", "bot", "venue", "--state", str(STATE / "venue"),
    )  # fmt: skip
    until(lambda: VenueHandle(STATE / "venue").reachable(), "the venue listens", 20.0)
    return VenueHandle(STATE / "venue")


def installed(trial: Trial) -> None:
    (Path("/etc/breakwater/secrets")).mkdir(parents=True, mode=0o700)
    credential = Path("/etc/breakwater/secrets/page_token")
    credential.write_text(TOKEN)
    credential.chmod(0o600)
    told = trial.timed(
        "install", lambda: run(sys.executable, "-m", "bot", "install-service", "--apply", "--json")
    )
    trial.figures["install_steps"] = len(json.loads(told)["steps"])
    trial.expect(show("ActiveState") == "active", f"not active: {show('Result')}")
    trial.figures["watchdog"] = show("WatchdogUSec")
    trial.figures["status_text"] = show("StatusText")
    seen = json.loads(run("/usr/local/bin/breakwater", "status", "--json"))
    trial.figures["mode"] = seen["mode"]
    trial.expect(seen["mode"] == "ACTIVE", f"mode {seen['mode']}")
    trial.expect(not (STATE / "secrets" / "page_token").exists(), "a credential was not found")
    asked = urllib.request.Request(
        f"{seen['page']}/api/v1/session", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    with urllib.request.urlopen(asked, timeout=5.0) as answer:
        trial.expect(answer.status == 200, "the page does not know the credential")


def walls(trial: Trial) -> None:
    """What the kernel says of the process itself."""
    pid = show("MainPID")
    status = Path(f"/proc/{pid}/status").read_text()
    uid = pwd.getpwnam(ACCOUNT).pw_uid
    for words, pattern in (
        ("its own user", rf"^Uid:\t{uid}\t{uid}"), ("no capability", r"^CapEff:\t0+$"),
        ("no new privileges", r"^NoNewPrivs:\t1"), ("system calls filtered", r"^Seccomp:\t2"),
    ):  # fmt: skip
        trial.expect(re.search(pattern, status, re.MULTILINE), f"{words}: not so")
    inside = ("nsenter", "-t", pid, "-m", "--", "sh", "-c")
    for words, command in (
        ("/etc can be written", "touch /etc/x"),
        ("the program can be written", "touch /opt/breakwater/x"),
        ("/root can be read", "ls /root/.bashrc /root/.profile"),
    ):
        done = subprocess.run([*inside, command], capture_output=True, timeout=10, check=False)
        trial.expect(done.returncode != 0, words)
    trial.figures["walls"] = "looked at"


def stopped_dead(trial: Trial, venue: VenueHandle) -> None:
    """SIGSTOP: the watchdog ends it, and the next life stops what is bare."""
    venue.by_hand("BUY", "0.02")
    until(venue.covers, "the position is covered")
    first, began_ns, began = int(show("MainPID")), time.time_ns(), time.monotonic()
    os.kill(first, signal.SIGSTOP)
    venue.fault("cancel_conditional")
    until(lambda: not venue.covers(), "bare, and nobody looks")
    until(lambda: show("NRestarts") == "1", "the watchdog bites", WATCHDOG_S + 40.0)
    trial.figures["stopped_to_restart_s"] = round(time.monotonic() - began, 1)
    stop, *_ = until(lambda: venue.stops_asked(began_ns), "the next life asks for a stop")
    trial.figures["stopped_to_stop_asked_s"] = round((stop["ns"] - began_ns) / 1e9, 1)
    until(venue.covers, "covered again")
    trial.expect(int(show("MainPID")) != first, "the same process lives")


def killed(trial: Trial, venue: VenueHandle) -> None:
    until(lambda: show("ActiveState") == "active", "ready again")
    began_ns = time.time_ns()
    os.kill(int(show("MainPID")), signal.SIGKILL)
    venue.fault("cancel_conditional")
    stop, *_ = until(lambda: venue.stops_asked(began_ns), "a stop after kill -9")
    trial.figures["kill_to_stop_asked_s"] = round((stop["ns"] - began_ns) / 1e9, 1)
    until(venue.covers, "covered after kill -9")
    until(lambda: show("ActiveState") == "active", "ready once more")


def renewed_and_removed(trial: Trial, venue: VenueHandle) -> None:
    again = json.loads(run(sys.executable, "-m", "bot", "install-service", "--apply", "--json"))
    trial.expect(
        f"keep {UNIT}: it is as it should be" in again["steps"], "a second time changes the unit"
    )
    trial.timed("restart", lambda: run("systemctl", "restart", "breakwater"))
    trial.expect(venue.covers(), "bare after an ordered restart")
    gone = (sys.executable, "-m", "bot", "install-service", "--uninstall", "--apply", "--json")
    trial.timed("uninstall", lambda: run(*gone))
    trial.expect(not UNIT.exists(), "the unit is still there")
    trial.expect(show("ActiveState") == "inactive", f"ended as {show('ActiveState')}")
    trial.expect(start_venue("venue-again").covers(), "the stop went with the service")
    trial.expect((STATE / "journal.db").exists(), "the journal went with the service")


def newer_and_back(trial: Trial, venue: VenueHandle) -> None:
    """docs/upgrade.md: a program with one more migration beside the old one, and the way back."""
    tomorrow = Path("/opt/breakwater-next")
    shutil.copytree(PROGRAM, tomorrow, ignore=shutil.ignore_patterns(".venv", "market"))
    (tomorrow / ".venv").symlink_to(PROGRAM / ".venv")
    schema = tomorrow / "bot" / "journal" / "schema.py"
    schema.write_text(schema.read_text().replace('("0001",)', '("0001", "0002")'))
    (schema.parent / "migrations" / "versions" / "0002_next.py").write_text(MIGRATION)
    backed_up = json.loads(run("/usr/local/bin/breakwater", "db", "backup", "--json"))
    trial.expect(Path(backed_up["backup"]).exists(), "no backup beside a running daemon")
    trial.timed("upgrade", lambda: _renew(tomorrow))
    seen = json.loads(run("/usr/local/bin/breakwater", "db", "check", "--json"))
    trial.expect(seen["ok"] and seen["schema"] == "0002", f"after the upgrade: {seen}")
    (before,) = (STATE / "backups").glob("before-0002-*.db")
    trial.expect(venue.covers(), "bare after the upgrade")
    run("systemctl", "stop", "breakwater")
    run("/usr/local/bin/breakwater", "db", "restore", str(before))
    trial.timed("rollback", lambda: _renew(PROGRAM))
    seen = json.loads(run("/usr/local/bin/breakwater", "db", "check", "--json"))
    trial.expect(seen["ok"] and seen["schema"] == "0001", f"after the way back: {seen}")
    until(venue.covers, "covered by the old program")
    trial.expect((UNIT.with_name("breakwater.service.old")).exists(), "the other unit is lost")


def _renew(program: Path) -> None:
    python = str(program / ".venv" / "bin" / "python")
    done = subprocess.run(
        [python, "-m", "bot", "install-service", "--apply", "--json"],
        cwd=program, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise AssertionError(f"{program}: {done.stderr}")
    run("systemctl", "restart", "breakwater")


def main() -> None:
    trial = Trial()
    try:
        prepare()
        venue = start_venue()
        installed(trial)
        walls(trial)
        stopped_dead(trial, venue)
        killed(trial, venue)
        newer_and_back(trial, venue)
        renewed_and_removed(trial, venue)
        run("systemctl", "stop", "venue-again")
        figures, wrong = trial.timed(
            "of_a_user", lambda: service_user.tried(service_user.prepare())
        )
        trial.figures |= figures
        trial.violations += wrong
    except Exception:  # noqa: BLE001 - told outside, where somebody reads it
        trial.violations.append(traceback.format_exc()[-3_000:])
        trial.violations += [
            log.read_text("utf-8", "replace")[-2_000:]
            for log in (SHARE / "out", SHARE / "err", Path("/var/log/breakwater/breakwater.jsonl"))
            if log.exists()
        ]
    document = {**trial.figures, "violations": trial.violations}
    (SHARE / "figures.json").write_text(json.dumps(document))
    (SHARE / "done").touch()


if __name__ == "__main__":
    main()
