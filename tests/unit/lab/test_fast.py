"""The compiled lab plays the public bench work as its oracle does, from the source one can read."""

import ast
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.app.cli import run_cli
from bot.domain.errors import ConfigInvalid
from bot.lab.bench.yearly import play_year
from bot.lab.fast import brackets, many, tape
from bot.lab.fast.brackets import Bracket
from bot.lab.fast.compiler import MISSING, compiled, numba
from bot.lab.fast.made import made_bars, made_events
from bot.lab.fast.tape import Crowd, Tape
from bot.lab.fast.work import BRACKETS, COLUMNS, LEVELS, MANY, TAPE, sets_of_w3

PUBLIC = (
    Path(os.environ.get("BREAKWATER_SHARED", Path(__file__).resolve().parents[4] / "shared"))
    / "bench"
)
with_public = pytest.mark.skipif(
    not PUBLIC.is_dir(), reason="the public bench is not beside the project"
)
pytest.importorskip("numba", reason="the extra `lab` is not installed")
Columns = dict[str, Any]


@pytest.fixture(scope="module")
def bars() -> Columns:
    return made_bars()


@pytest.fixture(scope="module")
def events() -> Columns:
    return made_events()


def public_functions(name: str) -> dict[str, Any]:
    """Return the functions of a public bench file, without running its top level."""
    tree = ast.parse((PUBLIC / name).read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    room: dict[str, Any] = {"np": np}
    exec(compile(tree, name, "exec"), room)
    return room


@with_public
@pytest.mark.parametrize("name", ["bars", "events"])
def test_made_data_are_those_of_the_public_generator(
    name: str, request: pytest.FixtureRequest
) -> None:
    ours = request.getfixturevalue(name)
    theirs = public_functions("gen_data.py")[name]()
    assert len(ours) == len(theirs)
    for column, wanted in zip(ours.values(), theirs, strict=True):
        assert column.dtype == wanted.dtype
        assert np.array_equal(column, wanted)


def test_a_year_of_bars_trades_as_the_oracle_does(bars: Columns) -> None:
    columns = [bars[key] for key in COLUMNS["bars"]]
    trades, cash = compiled(BRACKETS).play_bars(*columns, LEVELS, Bracket())
    assert (trades, round(cash, 2)) == (618, 89_748.81)
    assert brackets.play_bars(*(c.tolist() for c in columns), LEVELS.tolist(), Bracket()) == (
        trades,
        cash,
    )


@with_public
def test_a_day_of_events_trades_as_the_oracle_does(events: Columns) -> None:
    played = Tape(*(events[key] for key in COLUMNS["events"]))
    room = int((played.kind == tape.LIQUIDATION).sum())
    ours = compiled(TAPE, (BRACKETS,)).play_tape(
        played, LEVELS, Bracket(), Crowd(), np.zeros(room, np.int64), np.zeros(room)
    )
    theirs = public_functions("kernels.py")["event_backtest"](
        *(column.tolist() for column in played), LEVELS.tolist(), *Bracket(), *Crowd(),
        [0] * room, [0.0] * room,
    )  # fmt: skip
    assert ours == theirs


def short_tape(seed: int, length: int = 4_000) -> Tape:
    dice = np.random.default_rng(seed)
    steps = dice.standard_normal(length) * 0.002
    return Tape(
        np.cumsum(dice.integers(0, 2_000, length)),
        dice.choice(3, length, p=(0.8, 0.15, 0.05)).astype(np.int8),
        np.round(76_500 * np.exp(np.cumsum(steps - steps.mean())), 1),
        np.round(dice.random(length) * 40, 3),
        dice.integers(0, 2, length).astype(np.int8),
    )


@pytest.mark.parametrize("seed", range(8))
def test_the_tape_says_the_same_at_both_speeds(seed: int) -> None:
    played, crowd = short_tape(seed), Crowd(least_usd=2e6, window_ms=60_000)
    room = len(played.ms)
    fast = compiled(TAPE, (BRACKETS,)).play_tape(
        played, LEVELS, Bracket(), crowd, np.zeros(room, np.int64), np.zeros(room)
    )
    slow = tape.play_tape(
        Tape(*(column.tolist() for column in played)), LEVELS.tolist(), Bracket(), crowd,
        [0] * room, [0.0] * room,
    )  # fmt: skip
    assert fast == slow
    assert fast[0] > 0


def test_first_hit_search_finds_what_walking_every_bar_finds(bars: Columns) -> None:
    columns = tuple(bars[key] for key in COLUMNS["bars"])
    sets = sets_of_w3()[::97]
    trades, cash = compiled(MANY, (BRACKETS,)).play_many(columns, LEVELS, sets, Bracket())
    walk = compiled(BRACKETS).play_bars
    for row, found, left in zip(sets, trades, cash, strict=True):
        rule = Bracket(*(float(value) for value in row))
        walked = walk(*columns, LEVELS, rule)
        assert walked[0] == found
        assert walked[1] == pytest.approx(left, rel=1e-12)


def test_many_sets_say_the_same_at_both_speeds(bars: Columns) -> None:
    columns = tuple(bars[key][:30_000] for key in COLUMNS["bars"])
    sets = sets_of_w3()[::333]
    fast = compiled(MANY, (BRACKETS,)).play_many(columns, LEVELS, sets, Bracket())
    slow = many.play_many(columns, LEVELS, sets, Bracket())
    assert np.array_equal(fast[0], slow[0])
    assert np.allclose(fast[1], slow[1], rtol=1e-12, atol=0.0)
    assert fast[0].min() > 0


def test_a_missing_extra_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(ConfigInvalid) as told:
        numba()
    assert str(told.value) == MISSING
    assert "\n" not in MISSING


def test_the_command_prints_the_figures(
    tmp_path: Path, bars: Columns, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "bars.npz", **bars)
    assert run_cli(["bench", "lab", "--work", "w1", "--data", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["trades"] == 618
    assert told["final_equity_usd"] == pytest.approx(89_748.81, abs=0.005)
    assert told["rate"] > 0.0
    assert told["peak_rss_mb"] > 0.0


def test_spoilt_bench_data_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bars.npz").write_bytes(b"not an archive")
    assert run_cli(["bench", "lab", "--work", "w1", "--data", str(tmp_path), "--json"]) == 2
    told = capsys.readouterr().err.strip()
    assert "bars.npz" in told
    assert "\n" not in told


def test_the_kernel_plays_the_same_trades_event_by_event(bars: Columns) -> None:
    count = 12_000
    columns = [bars[key][:count] for key in COLUMNS["bars"]]
    told = play_year(
        [column.tolist() for column in columns], bars["ts"][:count].tolist(), LEVELS.tolist(),
        time.process_time,
    )  # fmt: skip
    trades, cash = compiled(BRACKETS).play_bars(*columns, LEVELS, Bracket())
    assert told["trades"] == trades > 5
    assert told["refused"] == 0
    assert told["final_equity_usd"] == pytest.approx(cash, rel=0.01)


def test_the_kernel_plays_bars_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["bench", "lab", "--work", "w3", "--engine", "kernel", "--json"]) == 2
    assert "w1 alone" in capsys.readouterr().err
