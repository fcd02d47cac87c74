"""Secrets in every corner of a run that goes wrong, and nothing of them in what it leaves behind.

Budget: 40 s of one core.
"""

import base64
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.fakes.daemon import Daemon, NotReady, Stand, until
from tests.fakes.market_folder import PRICE

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("process-canaries")]

SOURCE_KEY = "canary-of-a-source-7Jx2+/9aQ=="
QUESTIONS = (
    "status", "positions", "risk", "orders", "why", "market", "pulse", "funding", "levels",
    "sources", "trades", "doctor", "config", "nonsense", SOURCE_KEY,
)  # fmt: skip
TABLES = (
    "intents",
    "orders",
    "order_notes",
    "decisions",
    "notices",
    "commands",
    "answers",
    "modes",
)
OWN_OF_VENUE = "venue"
"""The embedded venue's folder: it hands its key out there, by design, to its owner alone."""
HOLD_SECRETS = {OWN_OF_VENUE, "secrets"}


def spellings(secret: str) -> set[bytes]:
    raw = secret.encode()
    return {
        raw, raw.hex().encode(), quote(secret, safe="").encode(),
        base64.b64encode(raw).rstrip(b"="), base64.urlsafe_b64encode(raw).rstrip(b"="),
    }  # fmt: skip


def files_of(stand: Stand) -> Iterator[Path]:
    for folder in (stand.state, stand.root / "logs"):
        for path in folder.rglob("*"):
            if path.is_file() and not HOLD_SECRETS & set(path.relative_to(folder).parts):
                yield path
    yield from stand.root.glob("*.log")
    yield from stand.root.glob("*.txt")


@pytest.fixture
def stand() -> Iterator[Stand]:
    with Stand() as made:
        secrets = made.state / "secrets"
        secrets.mkdir(parents=True, mode=0o700)
        key = secrets / "coinglass_key"
        key.write_text(SOURCE_KEY)
        key.chmod(0o600)
        made.env |= {
            "BREAKWATER_SOURCES__COINGLASS__ENABLED": "true",
            "BREAKWATER_SOURCES__COINGLASS__URL": "http://127.0.0.1:9",
        }
        yield made


def provoke(stand: Stand, daemon: Daemon) -> list[str]:
    """Let the venue repeat key and secret in its refusals, and ask everything; return answers."""
    venue = stand.venue
    echo = f"Invalid key {venue.key} secret {venue.secret} signature={'ab' * 32}"
    for path in ("*/algoOrder", "*/order", "*/account", "*/openOrders", "*/positionRisk"):
        venue.fault("reject", path=path, times=3, code=-2015, message=echo, http_status=401)
    began_ns = venue.by_hand("BUY", "0.02")
    until(lambda: venue.stops_asked(began_ns), "protection comes through in the end")
    venue.clear_faults()
    until(venue.covers, "and covers")
    for path in ("*/algoOrder", "*/account"):
        venue.fault("lose_ack", path=path, times=2)
    venue.move(PRICE * 0.99)
    told = [asked(daemon, name) for name in QUESTIONS]
    told += [
        asked(daemon, name, symbol=venue.key, text=SOURCE_KEY)
        for name in ("flatten", "pause", "resume")
    ]
    venue.clear_faults()
    daemon.await_ready()
    told += [asked(daemon, "journal", table=table, limit="500") for table in TABLES]
    told.append(stand.run("status").stdout)
    return told


def asked(daemon: Daemon, name: str, **args: str) -> str:
    try:
        return json.dumps(daemon.request(name, **args))
    except NotReady as refusal:
        return str(refusal)


def test_no_secret_is_in_anything_a_run_leaves_behind(stand: Stand) -> None:
    stand.start_venue()
    before = os.umask(0)
    try:
        daemon = stand.start_daemon()
    finally:
        os.umask(before)
    venue = stand.venue
    told = provoke(stand, daemon)
    listen_keys = {
        str(row["params"]["listenKey"]) for row in venue.log() if "listenKey" in row["params"]
    }
    assert_private(stand)
    assert daemon.terminate() == 0
    canaries = {venue.key, venue.secret, SOURCE_KEY, "ab" * 32, *listen_keys}
    words = {spelling: secret for secret in canaries for spelling in spellings(secret)}
    looked = {path: path.read_bytes() for path in files_of(stand)}
    assert any(path.name.startswith("journal.db") for path in looked)
    assert any(b"Invalid key ***" in data for data in looked.values()), "the echo was told of"
    found = [
        f"{secret[:6]}... in {where}"
        for where, data in (*looked.items(), *(("an answer", text.encode()) for text in told))
        for spelling, secret in words.items()
        if spelling in data
    ]
    assert not found


def assert_private(stand: Stand) -> None:
    """Though the run was started with umask 0: folders are 0700, files 0600."""
    for path in (stand.state, *stand.state.rglob("*"), *(stand.root / "logs").rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if OWN_OF_VENUE in path.parts or path.is_symlink():
            continue
        assert not mode & 0o077, f"{path}: {mode:04o}"
    assert stat.S_IMODE((stand.state / OWN_OF_VENUE).stat().st_mode) == 0o700
    assert stat.S_IMODE((stand.state / OWN_OF_VENUE / "address.json").stat().st_mode) == 0o600
