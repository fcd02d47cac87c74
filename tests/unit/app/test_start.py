"""What can keep the bot from starting is told in one line, before anything was sent."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.app.clock import SystemClock
from bot.app.config.mode import RunWish
from bot.app.config.places import make_state, places_of
from bot.app.config.settings import load_settings
from bot.app.wiring.graph import run_bot, run_id_of
from bot.domain.errors import BotError, ConfigInvalid, JournalBroken, StateLocked
from bot.journal.lock import hold_state
from bot.journal.store import open_journal

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def places(config):
    before = signal.getsignal(signal.SIGTERM)
    yield places_of(load_settings(config), config)
    signal.signal(signal.SIGTERM, before)


def refused(places, kind: type[BotError], wish: RunWish | None = None) -> str:
    with pytest.raises(kind) as caught:
        run_bot(load_settings(places.config), places, wish or RunWish())
    assert "\n" not in str(caught.value)
    assert not (places.venue / "address.json").exists(), "a venue was started for nothing"
    return str(caught.value)


def test_a_second_daemon_is_refused_by_name(places):
    with hold_state(places.state):
        assert f"pid {os.getpid()}" in refused(places, StateLocked)


def test_a_state_path_that_is_a_file_is_refused(places):
    places.state.write_text("mine")
    assert str(places.state) in refused(places, ConfigInvalid)


def test_a_state_path_too_long_for_a_socket_is_refused(config, edit):
    edit("breakwater.toml", 'state_dir = "state"', f'state_dir = "{"s" * 70}"')
    deep = config.parent / ("d" * 60)
    deep.mkdir()
    shutil.copytree(config, deep / "config")
    places = places_of(load_settings(deep / "config"), deep / "config")
    with pytest.raises(ConfigInvalid, match="too long for a socket"):
        make_state(places)


def test_a_journal_of_a_newer_program_is_refused(places):
    make_state(places)
    open_journal(places.journal, SystemClock()).close()
    with sqlite3.connect(places.journal) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    assert "newer than this program" in refused(places, JournalBroken)


def test_a_truncated_journal_is_refused_and_left_as_it_was(places):
    make_state(places)
    open_journal(places.journal, SystemClock()).close()
    whole = places.journal.read_bytes()
    places.journal.write_bytes(whole[: len(whole) // 2])
    refused(places, JournalBroken)
    assert places.journal.read_bytes() == whole[: len(whole) // 2]


def test_a_testnet_bot_without_its_key_is_refused(places):
    assert "binance_testnet_key: not found" in refused(
        places, ConfigInvalid, RunWish(mode="testnet")
    )


def test_the_state_directory_is_private(places):
    places.state.mkdir(mode=0o755)
    make_state(places)
    assert places.state.stat().st_mode & 0o777 == 0o700


def test_runs_have_names_of_their_own():
    clock = SystemClock()
    names = {run_id_of(clock) for _ in range(50)}
    assert len(names) == 50
    assert all(len(name) == 8 and int(name, 16) >= 0 for name in names)


def test_a_bot_told_to_stop_while_it_starts_leaves_no_venue_behind(places):
    environment = {
        **os.environ, "BREAKWATER_CONFIG_DIR": str(places.config), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    bot = subprocess.Popen(
        [sys.executable, "-m", "bot", "run"], env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    lock = places.state / "lock"
    end = time.monotonic() + 60
    while not (lock.exists() and lock.read_text().strip()) and time.monotonic() < end:
        time.sleep(0.01)
    bot.send_signal(signal.SIGTERM)
    _, told = bot.communicate(timeout=60)
    assert bot.returncode == 0, told
    from bot.app.embedded.process import living

    assert living(places.venue) is None
