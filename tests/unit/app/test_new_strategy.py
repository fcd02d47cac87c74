"""`new-strategy` writes something that works, and never over anything."""

import importlib.util
import json

import pytest

from bot.app.cli import run_cli
from bot.app.trying.discover import find_strategies


@pytest.fixture
def cli(config, monkeypatch, capsys):
    """Run a command on the private configuration; return (code, stdout, stderr)."""
    monkeypatch.setenv("BREAKWATER_CONFIG_DIR", str(config))

    def run(*args: str) -> tuple[int, str, str]:
        code = run_cli(args)
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


def load(path):
    spec = importlib.util.spec_from_file_location("written_test", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_is_a_strategy_and_its_test_passes(cli, config):
    code, out, err = cli("new-strategy", "buy_the_hour", "--json")
    assert (code, err) == (0, "")
    written = json.loads(out)
    (found,) = find_strategies(
        config.parent / "strategies", ["buy_the_hour"], {"buy_the_hour": {"life_h": 3.0}}
    )
    assert (found.name, found.params.life_h) == ("buy_the_hour", 3.0)
    module = load(written["test"])
    tests = [getattr(module, name) for name in dir(module) if name.startswith("test_")]
    assert len(tests) == 3
    for test in tests:
        test()
    code, out, _ = cli("strategies", "--json")
    rows = {row["name"]: row for row in json.loads(out)["strategies"]}
    assert rows["buy_the_hour"]["enabled"] is False
    assert rows["level_bounce"]["enabled"] is True


@pytest.mark.parametrize("name", ["level_bounce", "Big", "a", "1st", "class", "../up", "x" * 41])
def test_a_bad_name_or_a_taken_one_writes_nothing(cli, config, name):
    before = sorted(path.name for path in config.parent.rglob("*.py"))
    code, out, err = cli("new-strategy", name)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert sorted(path.name for path in config.parent.rglob("*.py")) == before


def test_a_bad_file_is_one_line_in_every_command_that_needs_it(cli, config, edit):
    (config.parent / "strategies" / "bad.py").write_text("raise RuntimeError('ran')\n")
    edit("strategies.toml", '["level_bounce"]', '["level_bounce", "bad"]')
    for command in (["config", "check"], ["run"], ["strategies"]):
        code, out, err = cli(*command)
        assert (code, out) == (2, ""), command
        assert len(err.splitlines()) == 1
        assert "bad.py: cannot be loaded: RuntimeError: ran" in err


def test_numbers_out_of_bounds_refuse_the_start(cli, config):
    with (config / "strategies.toml").open("a") as file:
        file.write("stop_atr = 99.0\n")
    code, out, err = cli("config", "check")
    assert (code, out) == (2, "")
    assert "strategies.params.level_bounce: Expected `float` <= 20.0 - at `$.stop_atr`" in err
