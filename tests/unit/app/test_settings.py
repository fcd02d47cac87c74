"""The configuration is read whole, or every fault is told in one line."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bot.app.config.policy import floor_of, policy_of
from bot.app.config.rule_policy import rules_of
from bot.app.config.rule_tables import RulesTable
from bot.app.config.settings import TABLES, Settings, config_hash, effective, load_settings
from bot.domain.errors import ConfigInvalid
from bot.domain.policy import PROFILES, GuardPolicy, LimitPolicy, RulePolicy, SizingPolicy
from bot.kernel.rules import NAMES, RULES, scope_of

FAULTS = [
    # file, what is replaced, with what, words the one line must hold
    ("risk.toml", 'profile = "L20"', 'profil = "L20"', ["risk.profil", "did you mean profile"]),
    ("risk.toml", 'profile = "L20"', 'profile = "L99"', ["risk.profile", "'L99'", "'L20'"]),
    ("risk.toml", 'profile = "L20"', "", ["risk", "exactly one of profile"]),
    ("risk.toml", 'profile = "L20"', "loss_budget_frac = 0.9", ["loss_budget_frac", "0.9", "0.5"]),
    ("risk.toml", "risk_frac = 0.005", "risk_frac = 0.9", ["sizing.risk_frac", "0.9", "0.05"]),
    ("risk.toml", "risk_frac = 0.005", "risk_frac = nan", ["sizing.risk_frac", "finite"]),
    ("risk.toml", "risk_frac = 0.005", "risk_frac = inf", ["sizing.risk_frac", "finite"]),
    ("risk.toml", "risk_frac = 0.005", "risk_frac = true", ["sizing.risk_frac", "number"]),
    ("risk.toml", "risk_frac = 0.005", 'risk_frac = "much"', ["sizing.risk_frac", "'much'"]),
    ("risk.toml", "risk_frac = 0.005", "risk_frac = -1", ["sizing.risk_frac", "-1", "above 0"]),
    ("risk.toml", 'enforce = "full"', 'enforce = "half"', ["risk.enforce", "'stop_only'"]),
    ("risk.toml", '["BTC/USDT:USDT"]', '["BTCUSDT"]', ["risk.symbols", "'BTCUSDT'"]),
    ("risk.toml", '["BTC/USDT:USDT"]', '["BTC/USD:BTC"]', ["risk.symbols", "'BTC/USD:BTC'"]),
    (
        "risk.toml",
        "daily_loss_half_frac = 0.01",
        "daily_loss_half_frac = 0.5",
        ["must not be above"],
    ),
    (
        "risk.toml",
        "[risk.rules.threat] ",
        '[risk.rules.threat]\nacts_on = "mine"#',
        ["rules.threat.acts_on", "'mine'", "'own'"],
    ),
    ("risk.toml", "alpha = 0.85", "alpha = 1.2", ["drawdown.alpha", "1.2"]),
    (
        "risk.toml",
        "{ enter = 0.35, leave = 0.28, factor = 0.75 }",
        "{ enter = 0.35, leave = 0.48, factor = 0.75 }",
        ["leave must not be above enter"],
    ),
    ("risk.toml", "cool_down_h = 4.0", "cool_down_h = 400.0", ["ladder.cool_down_h", "24"]),
    ("risk.toml", "\n[risk]\n", "\n[risk\n", ["risk.toml", "not TOML", "line"]),
    ("risk.toml", "\n[risk]\n", "\n[venues]\n[risk]\n", ["risk.toml", "venues", "alone"]),
    ("breakwater.toml", 'mode = "paper"', 'mode = "real"', ["breakwater.mode", "'real'", "'live'"]),
    ("breakwater.toml", "speed = 60.0", "speed = 0", ["paper.speed", "0", "at least 0.1"]),
    ("breakwater.toml", "bar_s = 300", "bar_s = 1.5", ["breakwater.bar_s", "1.5"]),
    ("levels.toml", "band_bps = 5.0", "band_bps = 9000.0", ["levels.band_bps", "at most 500"]),
    ("levels.toml", "low = 80000.0", "low = 80001.0", ["levels.book", "above high"]),
    ("levels.toml", "2026-02-01T15:00:00Z", "2026-02-01T15:00:00", ["known_from", "timezone"]),
    ("levels.toml", '"70k"', '"75k shelf"', ["'75k shelf'", "twice"]),
    ("strategies.toml", "enabled =", "enable =", ["strategies.enable", "did you mean enabled"]),
    ("venues.toml", "[venues.live]", "[venues.lve]", ["venues.lve", "did you mean live"]),
    ("venues.toml", 'api_key = "binance_live_key"', "", ["venues.live.api_key", "missing"]),
]


@pytest.mark.parametrize(("name", "old", "new", "words"), FAULTS, ids=lambda x: str(x)[:30])
def test_a_fault_is_told_with_file_and_key(config, edit, name, old, new, words):
    edit(name, old, new)
    with pytest.raises(ConfigInvalid) as caught:
        load_settings(config)
    lines = str(caught.value).splitlines()
    assert any(str(config / name) in line for line in lines)
    text = "\n".join(lines)
    missing = [word for word in words if word not in text]
    assert not missing, text


def test_every_fault_is_told_at_once_each_in_its_line(config, edit):
    edit("risk.toml", "risk_frac = 0.005", "risk_frac = 7")
    edit("levels.toml", "band_bps = 5.0", "band_bpm = 5.0")
    edit("breakwater.toml", 'mode = "paper"', 'mode = "x"')
    with pytest.raises(ConfigInvalid) as caught:
        load_settings(config)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("table", TABLES)
def test_a_missing_file_is_named(config, table):
    (config / f"{table}.toml").unlink()
    with pytest.raises(ConfigInvalid, match=rf"{table}\.toml: missing"):
        load_settings(config)


@pytest.mark.parametrize("junk", [b"\xff\xfe\x00", b"x" * 1_000_001, b"[" * 50_000, b"\x00"])
def test_junk_is_one_line(config, junk):
    (config / "risk.toml").write_bytes(junk)
    with pytest.raises(ConfigInvalid) as caught:
        load_settings(config)
    assert str(caught.value).count("\n") == 0
    assert "risk.toml" in str(caught.value)


@given(junk=st.binary(max_size=300))
@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_bytes_are_settings_or_config_invalid(config, junk):
    (config / "strategies.toml").write_bytes(junk)
    with suppress(ConfigInvalid):
        load_settings(config)


def test_the_environment_wins_and_is_named_in_faults(config, monkeypatch):
    monkeypatch.setenv("BREAKWATER_RISK__SIZING__RISK_FRAC", "0.01")
    assert load_settings(config).risk.sizing.risk_frac == 0.01
    monkeypatch.setenv("BREAKWATER_RISK__SIZING__RISK_FRAC", "5")
    with pytest.raises(ConfigInvalid, match="BREAKWATER_RISK__SIZING__RISK_FRAC"):
        load_settings(config)


def test_an_override_of_an_unknown_table_or_key_is_refused(config, monkeypatch):
    monkeypatch.setenv("BREAKWATER_RISKY__PROFILE", "L30")
    with pytest.raises(ConfigInvalid, match="BREAKWATER_RISKY__PROFILE: no table 'risky'"):
        load_settings(config)
    monkeypatch.delenv("BREAKWATER_RISKY__PROFILE")
    monkeypatch.setenv("BREAKWATER_RISK__PROFLE", "L30")
    with pytest.raises(ConfigInvalid, match="BREAKWATER_RISK__PROFLE"):
        load_settings(config)


def test_the_hash_names_the_effective_configuration(config, monkeypatch):
    before = config_hash(load_settings(config))
    assert config_hash(load_settings(config)) == before
    monkeypatch.setenv("BREAKWATER_RISK__ENFORCE", "alert")
    assert config_hash(load_settings(config)) != before


def test_effective_and_schema_are_json(config):
    settings = load_settings(config)
    assert json.loads(json.dumps(effective(settings)))["risk"]["profile"] == "L20"
    schema = Settings.model_json_schema()
    assert set(TABLES) == set(schema["properties"])


def test_the_shipped_files_say_what_the_policy_defaults_say(config):
    policy = policy_of(load_settings(config), mode="replay")
    assert policy.guard == GuardPolicy()
    assert policy.rules == RulePolicy()
    assert policy.sizing == SizingPolicy()
    assert policy.limits.symbols == LimitPolicy().symbols
    assert policy.bars_from == "candles"
    assert policy.bar_s == 300


@pytest.mark.parametrize("mode", ["paper", "testnet", "live", "replay"])
def test_bars_and_relevering_follow_the_mode(config, mode):
    policy = policy_of(load_settings(config), mode=mode)
    assert policy.bar_s == (5 if mode == "paper" else 300)
    assert policy.bars_from == ("candles" if mode == "replay" else "trades")
    assert policy.guard.relever is (mode != "live")


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_a_profile_named_on_the_command_line_wins(config, profile):
    guard = policy_of(load_settings(config), mode="replay", profile=profile).guard
    assert (guard.loss_budget_frac, guard.floor_frac, guard.sigma_target) == PROFILES[profile]


@given(budget=st.floats(0.02, 0.5))
def test_the_floor_lies_inside_the_budget_and_leaves_most_of_it(budget):
    assert 0.9 * budget - 1e-12 <= floor_of(budget) < budget


@given(budget=st.floats(0.02, 0.5))
@hypothesis_settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_budget_of_ones_own_makes_a_policy(config, budget):
    path = config / "risk.toml"
    text = path.read_text()
    path.write_text(text.replace('profile = "L20"', f"loss_budget_frac = {budget!r}"))
    guard = policy_of(load_settings(config), mode="paper").guard
    path.write_text(text)
    assert guard.profile == "custom"
    assert guard.loss_budget_frac == budget
    assert guard.sigma_target == pytest.approx(3 * budget)


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_a_budget_equal_to_a_profiles_makes_the_same_numbers(profile):
    budget, floor, _sigma = PROFILES[profile]
    assert floor_of(budget) == pytest.approx(floor)


def test_the_level_book_is_known_only_after_it_was_said(config):
    book = policy_of(load_settings(config), mode="replay").levels.book
    named = {(spec.low, spec.high) for spec in book}
    points = (85000, 83000, 80000, 78000, 77000, 76000, 70000, 67200)
    assert {(price, price) for price in points} <= named
    assert {(74800, 75200), (72000, 72500)} <= named
    first = datetime(2026, 2, 1, 14, 55, tzinfo=UTC).timestamp() * 1e9
    assert all(spec.known_from_ns >= first for spec in book)


def test_no_fault_line_holds_a_secret(config, monkeypatch):
    monkeypatch.setenv("BREAKWATER_SECRET_BINANCE_LIVE_KEY", "hunter2hunter2")
    monkeypatch.setenv("BREAKWATER_RISK__PROFILE", "L99")
    with pytest.raises(ConfigInvalid) as caught:
        load_settings(config)
    assert "hunter2" not in str(caught.value)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ConfigInvalid, match="no such folder"):
        load_settings(Path(tmp_path / "nowhere"))


def test_every_rule_has_its_table() -> None:
    assert set(NAMES) <= set(RulesTable.model_fields)


def test_a_rule_acts_on_whom_its_table_says() -> None:
    table = RulesTable.model_validate(
        {"threat": {"acts_on": "all"}, "adl_rank": {"acts_on": "off"}}
    )
    policy = rules_of(table, close_out_frac=0.0)
    scopes = {rule.NAME: scope_of(rule, policy) for rule in RULES}
    assert (scopes["threat"], scopes["adl_rank"], scopes["daily_loss"]) == ("all", "off", "own")


@pytest.mark.parametrize(
    ("address", "hosts", "told"),
    [
        ("127.0.0.1", (), "http://127.0.0.1:8080"),
        ("::1", ("bot.example",), "http://[::1]:8080"),
        ("0.0.0.0", (), "http://127.0.0.1:8080"),
        ("::", (), "http://[::1]:8080"),
        ("0.0.0.0", ("bot.example", "other"), "http://bot.example:8080"),
    ],
)
def test_the_page_s_address_is_one_that_can_be_typed(address, hosts, told):
    from bot.app.config.dashboard_tables import DashboardTable

    assert DashboardTable(address=address, hosts=hosts).url == told
    assert DashboardTable(enabled=False).url is None
