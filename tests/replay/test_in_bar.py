"""The path inside a bar: the adverse extreme first unless the favourable one is asked for."""

import json

import pytest

from bot.app.cli import run_cli
from bot.data.folder import read_folder
from bot.lab.material import material_of
from bot.lab.options import ReplayOptions
from bot.lab.replay import _Run, replay_folder
from tests.fakes.market_folder import wavy_folder

BTC = "BTC/USDT:USDT"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return wavy_folder(tmp_path_factory.mktemp("in_bar") / "waves", days=2)


def extremes(folder, hold: str, in_bar: str) -> list[bool]:
    """For each bar: whether its high was marked before its low."""
    options = ReplayOptions(data=folder, symbols=(BTC,), hold=hold, in_bar=in_bar, guard=False)
    run = _Run(options, material_of(read_folder(folder), options))
    seen: list[tuple[int, float]] = []
    whole = run.stage.equity.measure

    def listening(now_ns: int) -> float:
        seen.append((now_ns, run.stage.equity.marks[BTC]))
        return whole(now_ns)

    run.stage.equity.measure = listening
    run.play()
    marks = [price for _, price in seen]
    bars = [marks[at : at + 4] for at in range(0, len(marks) - 3, 4)]
    return [bar[1] > bar[2] for bar in bars[2:]]


@pytest.mark.parametrize(
    ("hold", "in_bar", "high_first"),
    [("long", "adverse", False), ("long", "favourable", True),
     ("short", "adverse", True), ("short", "favourable", False)],
)  # fmt: skip
def test_the_extreme_that_comes_first_is_the_one_asked_for(
    folder, hold, in_bar, high_first
) -> None:
    found = extremes(folder, hold, in_bar)
    assert len(found) > 100
    assert set(found) == {high_first}


def test_the_line_of_sensitivity_is_in_the_document(folder, capsys) -> None:
    command = ["replay", "--data", str(folder), "--hold", "long", "--leverage", "2",
               "--symbol", BTC, "--latency", "200", "--sensitivity"]  # fmt: skip
    assert run_cli(command) == 0
    document = json.loads(capsys.readouterr().out)
    kinder = document["sensitivity"]
    options = ReplayOptions(
        data=folder, symbols=(BTC,), hold="long", leverage=2, in_bar="favourable", latency_ms=200
    )
    assert set(kinder) >= {"final_equity_usd", "max_drawdown_frac", "liquidations"}
    assert kinder["final_equity_usd"] == pytest.approx(replay_folder(options).final_equity_usd)
