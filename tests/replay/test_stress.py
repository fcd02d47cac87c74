"""The table of held positions: the same runs as `replay`, side by side."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app.cli.commands.stress import _leverages
from bot.app.config.policy_moves import moved
from bot.domain.account import MarginMode
from bot.domain.errors import ConfigInvalid
from bot.domain.policy import Policy
from bot.lab.options import ReplayOptions
from bot.lab.replay import replay_folder
from bot.lab.stress import Case, play, starts_of
from tests.fakes.market_folder import flat_folder

ROOT = Path(__file__).resolve().parents[2]
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


def case(**changes: object) -> Case:
    given = Case(
        data=flat_folder(), symbols=(BTC,), leverage=5, margin=MarginMode.ISOLATED, policy=Policy()
    )
    return replace(given, **changes)  # type: ignore[arg-type]


def test_a_held_position_fares_the_same_without_the_senses() -> None:
    options = ReplayOptions(data=flat_folder(), symbols=(BTC,), hold="long", leverage=5)
    whole, row = replay_folder(options), play(case())
    assert whole.delever_actions >= 1
    assert (row.return_frac, row.max_drawdown_frac, row.delever_actions) == (
        whole.return_frac, whole.max_drawdown_frac, whole.delever_actions,
    )  # fmt: skip
    assert 0.0 < row.first_leverage < 5.0


@pytest.mark.parametrize("margin", list(MarginMode))
def test_a_basket_shares_the_wallet(margin: MarginMode) -> None:
    row = play(case(symbols=(BTC, ETH), guard=False, margin=margin))
    assert row.error == ""
    assert row.symbols == "BTC+ETH"
    assert row.worst_margin_ratio > 0.0
    guarded = play(case(symbols=(BTC, ETH), margin=margin))
    assert 0.0 < guarded.worst_margin_ratio < row.worst_margin_ratio
    assert guarded.unprotected_s_max == 0.0


def test_starts_every_twelve_hours_of_the_first_three_fifths() -> None:
    assert starts_of(40.0) == ["first", "12h", "24h"]


def test_what_cannot_be_played_says_why() -> None:
    assert "SOL/USDT:USDT" in play(case(symbols=("SOL/USDT:USDT",))).error


def test_the_command_sets_guarded_beside_unguarded() -> None:
    command = [
        sys.executable, "-m", "bot", "stress", "--data", str(flat_folder()), "--leverage", "5",
        "--jobs", "2", "--json",
    ]  # fmt: skip
    env = {**os.environ, "PYTHONPATH": str(ROOT), "BREAKWATER_CONFIG_DIR": str(ROOT / "config")}
    found = subprocess.run(command, env=env, capture_output=True, timeout=300, check=True)
    document = json.loads(found.stdout)
    (group,) = document["groups"]
    assert (group["runs"], group["liquidations"], group["within_budget_frac"]) == (1, 0, 1.0)
    assert sorted((r["guard"], r["leverage"]) for r in document["runs"]) == [
        (False, 1), (False, 5), (True, 5),
    ]  # fmt: skip
    rows = {row["policy"]: row for row in document["rows"]}
    assert set(rows) == {
        "guarded", "unguarded", "hold_1x", "hold_3x", "hold_5x", "hold_10x", "stop_2pct",
        "stop_5pct", "stop_10pct", "volatility_target", "margin_ratio_only", "random_delever",
    }  # fmt: skip
    wanted = {
        "data", "hold", "leverage", "policy", "liquidations", "final_equity_usd",
        "max_drawdown_frac", "actions", "costs_usd",
    }  # fmt: skip
    assert all(wanted <= set(row) for row in document["rows"])
    assert rows["unguarded"]["final_equity_usd"] == rows["hold_5x"]["final_equity_usd"]


@pytest.mark.parametrize("text", ["0", "3,,5", "126", "many"])
def test_a_leverage_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ConfigInvalid, match="--leverage"):
        _leverages([text])


def test_leverages_come_as_a_list_or_one_by_one() -> None:
    assert _leverages(["3,5", "10", "5"]) == [3, 5, 10]


def test_one_number_of_the_guard_is_moved_at_a_time() -> None:
    tight = moved(Policy(), "sigma_target=0.5")
    assert tight.guard.sigma_target == pytest.approx(0.5 * Policy().guard.sigma_target)
    assert tight.guard.dead_band_frac == Policy().guard.dead_band_frac
    assert play(case(policy=tight)).first_leverage < play(case()).first_leverage


@pytest.mark.parametrize(
    ("move", "option"),
    [("no_such=1.2", "--move"), ("sigma_target=much", "--move"), ("profile=1.2", "--move"),
     ("without no_such", "--without"), ("all no_such", "--on-all")],
)  # fmt: skip
def test_a_move_that_means_nothing_is_refused(move: str, option: str) -> None:
    with pytest.raises(ConfigInvalid, match=option):
        moved(Policy(), move)


def test_a_rule_or_a_part_of_the_guard_is_left_out_alone() -> None:
    bare = moved(Policy(), "without missing_stop")
    assert bare.rules.acts_on == {"missing_stop": "off"}
    assert bare.guard == Policy().guard
    assert moved(Policy(), "all drawdown").rules.acts_on == {"drawdown": "all"}
    unsized = play(case(policy=moved(Policy(), "without sizing by volatility")))
    assert unsized.first_leverage > 1.5 * play(case()).first_leverage
