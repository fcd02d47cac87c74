"""The table [sources]: off by default, bounded, and keys only by their names."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.app.cli import run_cli
from bot.app.config.places import make_state, places_of
from bot.app.config.settings import load_settings
from bot.app.scrub import Scrubber
from bot.app.telling.checkup import Check
from bot.app.telling.source_health import source_checks, source_rows
from bot.app.wiring.sources import drop_folder, sources_config
from bot.domain.errors import ConfigInvalid
from bot.domain.orders import PositionSide
from bot.runtime.sources import SourceHealth

DAY = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
WINDOW = """
[[sources.event_calendar.windows]]
title = "rate decision"
start = 2026-03-18T17:30:00Z
end = 2026-03-18T20:00:00Z

[sources.whales]"""
POSITION = """
[[sources.whales.positions]]
address = "0xabc"
symbol = "BTC/USDT:USDT"
side = "short"
liq_price = 91000.0
qty = 12.5
as_of = 2026-02-01T15:00:00+01:00

[sources.coinglass]"""


@pytest.fixture
def built(config):
    def build(scrubber: Scrubber | None = None):
        settings = load_settings(config)
        places = places_of(settings, config)
        make_state(places)
        return sources_config(settings, places, scrubber), settings, places

    return build


def test_as_shipped_nobody_is_asked(built):
    asked, settings, places = built()
    assert (asked.web, asked.coinglass, asked.windows, asked.positions) == ({}, None, (), ())
    assert not settings.sources.option_skew.enabled
    assert drop_folder(settings, places) == places.state / "sources"


def test_what_is_written_is_what_is_asked(built, edit):
    edit("sources.toml", "told once a day\nenabled = false", "told once a day\nenabled = true")
    edit("sources.toml", "\n[sources.whales] ", WINDOW + " ")
    edit("sources.toml", "\n[sources.coinglass] ", POSITION + " ")
    asked, _, _ = built()
    assert asked.web["fear_greed"].url == "https://api.alternative.me/fng/?limit=10"
    (window,) = asked.windows
    assert (window.title, window.floor, window.end_ns - window.start_ns) == (
        "rate decision", 3, 9_000 * 10**9,
    )  # fmt: skip
    ((symbol, whale),) = asked.positions
    assert (symbol, whale.side, whale.qty) == ("BTC/USDT:USDT", PositionSide.SHORT, 12.5)
    assert whale.known_ns == 1_769_954_400 * 10**9


def test_a_key_is_found_by_name_and_never_shown(built, monkeypatch):
    monkeypatch.setenv("BREAKWATER_SOURCES__COINGLASS__ENABLED", "true")
    with pytest.raises(ConfigInvalid, match="secret coinglass_key: not found"):
        built()
    monkeypatch.setenv("BREAKWATER_SECRET_COINGLASS_KEY", "very-secret-key")
    scrubber = Scrubber()
    asked, settings, _ = built(scrubber)
    assert asked.coinglass.key == "very-secret-key"
    assert "very-secret-key" not in scrubber.clean("it says very-secret-key")
    assert "very-secret-key" not in json.dumps(settings.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("FEAR_GREED__URL", "http://api.alternative.me/", "needed https://HOST"),
        ("FEAR_GREED__URL", "https://me:pw@host/", "without a password"),
        ("FEAR_GREED__EVERY_S", "1", "must be at least 10"),
        ("BTC_ETF_NET_FLOW_USD__ENABLED", "true", "enabled, but url is empty"),
        ("EXCHANGE_NETFLOW__ASSET", "btc", "must match"),
        ("COINGLASS__INTERVAL", "5m", "allowed"),
        ("COINGLASS__EXCHANGES", '["Bin&ance"]', "is no name"),
        ("OPTION_SKEW__ASSETS", '["BTC", "DOGE"]', "allowed"),
        ("ANSWER_BYTES_MAX", "1", "must be at least 1000"),
        ("NONSENSE", "1", "unknown key"),
        ("EVENT_CALENDAR__WINDOWS",
         '[{"title": "x", "start": "2026-03-18T17:30:00", "end": "2026-03-18T20:00:00Z"}]',
         "timezone"),
        ("EVENT_CALENDAR__WINDOWS",
         '[{"title": "x", "start": "2026-03-18T21:30:00Z", "end": "2026-03-18T20:00:00Z"}]',
         "end must lie after start"),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_with_its_place(config, monkeypatch, key, value, says):
    monkeypatch.setenv(f"BREAKWATER_SOURCES__{key}", value)
    with pytest.raises(ConfigInvalid, match=says) as caught:
        load_settings(config)
    assert len(str(caught.value).splitlines()) == 1
    assert "sources" in str(caught.value).lower()


def test_health_is_silent_until_there_is_something_to_say():
    now_ns = 10**18
    quiet = (SourceHealth(name="declared", origin="x", told=2, asked_ns=1, ok_ns=1),
             SourceHealth(name="drop_in", origin="y", asked_ns=1, ok_ns=1))  # fmt: skip
    assert source_rows({"sources": quiet}, now_ns) == []
    assert source_rows({}, now_ns) == source_checks({}, now_ns) == []


def test_each_state_of_a_source_is_told_apart():
    now_ns = 10**18
    one = SourceHealth(name="fear_greed", origin="host")
    assert source_checks({"sources": (one,)}, now_ns) == [
        Check(name="source fear_greed", ok=None, found="host: not asked yet")
    ]
    one.asked_ns = one.ok_ns = now_ns - 90 * 10**9
    one.told = 3
    (row,) = source_rows({"sources": (one,)}, now_ns)
    assert (row["live"], row["read_age_s"], row["error"]) == (True, 90.0, None)
    one.fault_count, one.faults = 1, ("f.csv: line 3: bad",)
    (check,) = source_checks({"sources": (one,)}, now_ns)
    assert (check.ok, "line 3" in check.found) == (False, True)
    one.error, one.failures = "host: no answer within 10 s", 4
    (check,) = source_checks({"sources": (one,)}, now_ns)
    assert (check.ok, check.found) == (False, "read 90 s ago; host: no answer within 10 s")
    assert source_rows({"sources": (one,)}, now_ns)[0]["live"] is False


def test_dropped_files_are_checked_without_a_daemon(config, monkeypatch, capsys):
    monkeypatch.setenv("BREAKWATER_CONFIG_DIR", str(config))

    def check() -> tuple[int, dict]:
        code = run_cli(["sources", "--check", "--json"])
        return code, json.loads(capsys.readouterr().out)

    folder = config.parent / "state" / "sources"
    folder.mkdir(parents=True)
    (folder / "fear_greed.csv").write_text(f"date,value\n{DAY},14\n2026-02-02,high\n")
    code, document = check()
    assert (code, document["sound"], document["told"]) == (3, False, 1)
    assert document["faults"] == [
        f"{folder}/fear_greed.csv: line 3: value was 'high', needed a number from 0 to 100"
    ]
    (folder / "fear_greed.csv").write_text(f"date,value\n{DAY},14\n")
    code, document = check()
    assert (code, document["sound"], document["files"]) == (0, True, ["fear_greed.csv"])
