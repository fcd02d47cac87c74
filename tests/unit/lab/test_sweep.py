"""A sweep records every trial, goes on where it ended, and says what luck explains."""

import math
from pathlib import Path

import numpy as np
import pytest

from bot.domain.errors import ConfigInvalid, DataInvalid
from bot.lab.sweep.judge import deflated_sharpe, overfitting, plateau, sharpe, walk_forward
from bot.lab.sweep.ledger import Ledger, Trial
from bot.lab.sweep.run import Asked, sweep
from bot.lab.sweep.space import Axis, axis_of, drawn, grid, key_of

AXES = (axis_of("a=1,2,3,4"), axis_of("b=0.0..1.0:3"))


def played(params: dict[str, float], share: float) -> Trial:
    """A market in which a=3, b=0.5 is best, with noise that its set alone decides."""
    dice = np.random.default_rng(int(100 * params["a"] + 10 * params["b"]))
    edge = 0.002 - 0.001 * abs(params["a"] - 3.0) - 0.001 * abs(params["b"] - 0.5)
    days = edge + 0.004 * dice.standard_normal(round(80 * share))
    return Trial(params=params, share=share, days={"made": days.tolist()}, trades=3)


def asked(method: str = "grid", processes: int = 1) -> Asked:
    return Asked(
        axes=AXES, method=method, trials=8, seed=5, processes=processes, cluster="",  # type: ignore[arg-type]
        embargo_days=2,
    )  # fmt: skip


def opened(path: Path, digest: str = "d") -> Ledger:
    ledger = Ledger(path, digest)
    ledger.open()
    return ledger


def quiet(done: int, whole: int) -> None:
    assert 0 <= done <= whole


def test_axes_are_read_from_text() -> None:
    assert AXES[0] == Axis(name="a", values=(1.0, 2.0, 3.0, 4.0))
    assert AXES[1].values == (0.0, 0.5, 1.0)
    assert len(grid(AXES)) == 12
    picked = drawn(AXES, 5, 1)
    assert len({key_of(one) for one in picked}) == 5
    assert picked == drawn(AXES, 5, 1)


@pytest.mark.parametrize("text", ["a", "a=", "=1", "a=x", "a=1..2:0", "a=nan", "a=1..inf"])
def test_a_text_that_says_no_axis_is_refused(text: str) -> None:
    with pytest.raises(ConfigInvalid, match="--param"):
        axis_of(text)


def test_an_axis_named_twice_is_refused() -> None:
    with pytest.raises(ConfigInvalid, match="once"):
        grid((AXES[0], AXES[0]))


@pytest.mark.parametrize("method", ["grid", "random", "halving"])
def test_a_sweep_that_was_cut_off_ends_as_one_that_was_not(tmp_path: Path, method: str) -> None:
    whole = sweep(asked(method), played, opened(tmp_path / "whole"), quiet)
    path, calls = tmp_path / "cut", [0]

    def tired(params: dict[str, float], share: float) -> Trial:
        calls[0] += 1
        if calls[0] == 6:
            raise KeyboardInterrupt
        return played(params, share)

    with pytest.raises(KeyboardInterrupt):
        sweep(asked(method), tired, opened(path), quiet)
    with path.open("ab") as file:
        file.write(b'{"params":{"a":1.0')
    before = len(opened(path).done)
    assert before == 5
    again = sweep(asked(method), played, opened(path), quiet)
    assert again == whole
    assert len(opened(path).done) == whole["tried"]
    assert sweep(asked(method), tired, opened(path), quiet) == whole


def test_processes_give_the_same_table(tmp_path: Path) -> None:
    one = sweep(asked(), played, opened(tmp_path / "one"), quiet)
    two = sweep(asked(processes=2), played, opened(tmp_path / "two"), quiet)
    assert one == two


def test_halving_keeps_every_trial_and_plays_few_to_the_end(tmp_path: Path) -> None:
    ledger = opened(tmp_path / "h")
    found = sweep(asked("halving"), played, ledger, quiet)
    shares = [trial.share for trial in ledger.done.values()]
    assert (shares.count(0.25), shares.count(0.5), shares.count(1.0)) == (8, 4, 2)
    assert found["tried"] == 14


def test_a_record_of_another_sweep_is_not_taken(tmp_path: Path) -> None:
    opened(tmp_path / "x", "one")
    with pytest.raises(ConfigInvalid, match="another sweep"):
        opened(tmp_path / "x", "two")


def test_a_spoilt_line_is_named(tmp_path: Path) -> None:
    ledger = opened(tmp_path / "x")
    ledger.add(played({"a": 1.0, "b": 0.0}, 1.0))
    whole = (tmp_path / "x").read_bytes().split(b"\n")
    (tmp_path / "x").write_bytes(b"\n".join([whole[0], b"{spoilt", whole[1], b""]))
    with pytest.raises(DataInvalid, match="x:2"):
        opened(tmp_path / "x")


def test_a_sweep_in_which_nothing_plays_says_why(tmp_path: Path) -> None:
    def broken(params: dict[str, float], share: float) -> Trial:
        return Trial(params=params, share=share, error="no such symbol")

    with pytest.raises(ConfigInvalid, match="no such symbol"):
        sweep(asked(), broken, opened(tmp_path / "x"), quiet)


def test_the_plateau_ranks_a_lonely_peak_by_its_slopes() -> None:
    axis = axis_of("a=1,2,3,4,5")
    rows = plateau([{"a": v} for v in axis.values], [axis], [9.0, 0.0, 3.0, 3.1, 3.0])
    assert rows[0]["params"] == {"a": 4.0}
    lonely = next(row for row in rows if row["params"] == {"a": 1.0})
    assert lonely["plateau_worst"] == 0.0


def test_noise_is_called_overfitting_and_skill_is_not() -> None:
    dice = np.random.default_rng(3)
    noise = 0.01 * dice.standard_normal((200, 12))
    skill = noise + np.linspace(0.0, 0.02, 12)
    assert overfitting(skill) == 0.0
    assert 0.2 < (overfitting(noise) or 0.0) <= 1.0
    assert overfitting(noise[:5]) is None


def test_the_deflated_sharpe_falls_with_every_trial() -> None:
    days = 0.001 + 0.01 * np.random.default_rng(1).standard_normal(250)
    few = deflated_sharpe(days, [0.0, 0.1])
    many = deflated_sharpe(days, [0.0, 0.1] * 200)
    assert few is not None
    assert many is not None
    assert 0.0 <= many < few <= 1.0
    assert deflated_sharpe(np.zeros(50), [0.0, 0.1]) is None
    assert sharpe(np.zeros(5)) == 0.0


def test_walk_forward_never_looks_into_its_embargo() -> None:
    dice = np.random.default_rng(8)
    table = 0.01 * dice.standard_normal((120, 6))
    rows = walk_forward(table, 5)
    for row in rows:
        blind = table.copy()
        blind[row["from_day"] - 5 :] = math.pi
        known = [sharpe(blind[: row["from_day"] - 5, n]) for n in range(6)]
        assert row["trial"] == int(np.argmax(known))
