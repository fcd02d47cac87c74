"""Keeps what a failed trial of whole processes left: logs, journal, the venue's book."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.fakes.daemon import NotReady, Stand

QUESTIONS = ("status", "positions", "orders")


def keep(stand: Stand, told: str) -> Path:
    """End the daemons of a stand; return a new folder with the evidence of a violation.

    What cannot be read is told in its file and hides nothing else. The journal is copied when
    nobody writes it any more.
    """
    folder = Path(tempfile.mkdtemp(prefix="breakwater-violation-"))
    (folder / "violation.txt").write_text(told + "\n")
    living = [daemon for daemon in stand.daemons if daemon.alive]
    for daemon in living:
        for name in QUESTIONS:
            _write(folder / f"{name}-{daemon.pid}.json", lambda d=daemon, n=name: d.ask(n))
    _write(folder / "venue.json", lambda: _venue(stand))
    for daemon in living:
        daemon.kill()
    for found in (*stand.root.glob("*.log"), *stand.state.glob("journal.db*")):
        shutil.copy(found, folder / found.name)
    return folder


def _venue(stand: Stand) -> dict[str, object]:
    venue = stand.venue
    return {
        "position": str(venue.position()),
        "orders": venue.all_orders(),
        "conditional": venue.all_algos(),
        "requests": venue.log(),
    }


def _write(path: Path, read: Callable[[], object]) -> None:
    try:
        told = json.dumps(read(), indent=1, default=str)
    except (AssertionError, NotReady, OSError) as error:
        told = json.dumps({"unread": str(error)})
    path.write_text(told)
