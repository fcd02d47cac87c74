"""One book has one venue; a dead venue's address is remembered, not believed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app.clock import SystemClock
from bot.app.config.places import places_of
from bot.app.config.policy import in_market_time, policy_of
from bot.app.config.settings import load_settings
from bot.app.embedded.build import VenueWish, scenario_of, venue_config
from bot.app.embedded.process import (
    Address,
    VenueLock,
    end_venue,
    ensure_venue,
    last_address,
    living,
    publish,
)
from bot.domain.errors import ConfigInvalid, StateLocked
from bot.simulator.default_path import START_NS

ROOT = Path(__file__).resolve().parents[3]
ADDRESS = Address(
    pid=1, port=2, api_key="k", api_secret="s", wall_ns=1_000, market_ns=500, speed=2.0
)


def test_without_a_holder_nobody_lives_there_whatever_the_file_says(tmp_path):
    publish(tmp_path, ADDRESS)
    assert living(tmp_path) is None
    assert last_address(tmp_path) == ADDRESS


def test_a_holder_is_found_by_its_lock(tmp_path):
    lock = VenueLock(tmp_path)
    assert lock.take()
    with pytest.raises(StateLocked, match="address is unreadable"):
        living(tmp_path)
    publish(tmp_path, ADDRESS)
    assert living(tmp_path) == ADDRESS
    lock.release()
    assert living(tmp_path) is None


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b'{"pid": "x"}', b"\xff"])
def test_a_broken_address_file_is_no_address(tmp_path, junk):
    (tmp_path / "address.json").write_bytes(junk)
    assert last_address(tmp_path) is None


def test_the_address_is_private(tmp_path):
    publish(tmp_path, ADDRESS)
    assert (tmp_path / "address.json").stat().st_mode & 0o077 == 0


@given(market=st.integers(0, 10**19), speed=st.floats(0.1, 10_000.0))
def test_market_time_and_wall_time_keep_their_order(market, speed):
    address = msgspec.structs.replace(ADDRESS, wall_ns=10**18, market_ns=10**18, speed=speed)
    assert address.wall_of(10**18) == 10**18
    assert (address.wall_of(market) > 10**18) <= (market > 10**18)
    assert address.wall_of(market) <= address.wall_of(market + 10**9)


def test_levels_said_later_in_the_market_are_not_known_when_it_opens(config):
    policy = policy_of(load_settings(config), mode="paper")
    wall = 1_795_000_000 * 10**9
    sunday = 1_769_983_200 * 10**9  # 1 February 2026, 22:00 UTC
    address = msgspec.structs.replace(ADDRESS, wall_ns=wall, market_ns=sunday, speed=1.0)
    book = {spec.name: spec for spec in in_market_time(policy, address.wall_of).levels.book}
    assert book["76k weekend low"].known_from_ns < wall
    assert book["77k first resistance"].known_from_ns == wall + 9 * 3_600 * 10**9


def wish(**changes) -> VenueWish:
    from decimal import Decimal

    given = {
        "scenario": "default", "symbols": ("BTC/USDT:USDT",), "speed": 1.0, "seed": 1,
        "wallet_usd": Decimal(10_000), "folder": Path("nowhere"), "api_key": "k", "api_secret": "s",
    }  # fmt: skip
    return VenueWish(**{**given, **changes})


def test_the_default_venue_begins_where_its_market_does():
    config, market_ns = venue_config(wish())
    assert market_ns == START_NS
    ticks = config.path(0)
    first = next(ticks)
    assert first.event_ns >= START_NS
    assert next(config.path(first.event_ns)).event_ns > first.event_ns


def test_unknown_scenarios_and_symbols_are_refused_by_name():
    with pytest.raises(ConfigInvalid, match="scenario 'nowhere'"):
        scenario_of("nowhere", 1)
    with pytest.raises(ConfigInvalid, match="DOGE/USDT:USDT: the embedded venue lists BTC"):
        venue_config(wish(symbols=("DOGE/USDT:USDT",)))


@pytest.fixture
def places(config, monkeypatch):
    """As a service has it: the configuration lies in a folder without a program."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return places_of(load_settings(config), config)


def test_a_venue_is_started_once_taken_over_and_ended(places):
    clock = SystemClock()
    address, fresh = ensure_venue(places, (), clock)
    try:
        assert fresh
        assert ensure_venue(places, (), clock) == (address, False)
        second = subprocess.run(
            [sys.executable, "-m", "bot", "venue", "--state", str(places.venue)],
            env={**os.environ, "BREAKWATER_CONFIG_DIR": str(places.config)},
            cwd=ROOT,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert second.returncode == 3
        assert "another venue keeps this book" in second.stderr
    finally:
        end_venue(address, clock, places.venue)
    assert living(places.venue) is None


def test_a_killed_venue_comes_back_on_its_port_with_its_key(places):
    clock = SystemClock()
    address, _ = ensure_venue(places, (), clock)
    os.kill(address.pid, signal.SIGKILL)
    os.waitpid(address.pid, 0)
    assert living(places.venue) is None
    again, fresh = ensure_venue(places, (), clock)
    try:
        assert fresh
        assert (again.port, again.api_key) == (address.port, address.api_key)
        assert again.pid != address.pid
        assert again.market_ns >= address.market_ns
    finally:
        end_venue(again, clock, places.venue)


def test_a_venue_that_cannot_start_says_why_in_one_line(places):
    with pytest.raises(ConfigInvalid) as caught:
        ensure_venue(places, ("--scenario", "nowhere"), SystemClock())
    assert "nowhere" in str(caught.value)
    assert "\n" not in str(caught.value)
