"""Rules of thumb beside the guard: the same money and liquidations; chance told from skill."""

import math
from pathlib import Path

import numpy as np
import pytest

from bot.domain.policy import Policy
from bot.lab.baselines import (
    FORMULAS,
    Setting,
    baselines,
    permuted,
    plan_of,
    play,
    steps_of,
    tiers_of,
    walk_of,
)
from bot.lab.bench.authored import authored_material, authored_track
from bot.lab.contest import fisher
from bot.lab.fast import held
from bot.lab.fast.compiler import compiled
from bot.lab.options import ReplayOptions
from bot.lab.replay import replay_material
from bot.lab.stress import changes_of

BTC = "BTC/USDT:USDT"


def setting(leverage: int, *, seed: int = 1, hold: str = "long", fall: float = 0.15) -> Setting:
    track = authored_track(BTC, bars=1_200, seed=seed, fall_frac=fall)
    material = authored_material([track])
    return Setting(material, Policy(), hold, leverage, 10_000.0)  # type: ignore[arg-type]


def options(given: Setting, *, guard: bool) -> ReplayOptions:
    return ReplayOptions(
        data=Path("authored"), symbols=(BTC,), hold=given.hold, leverage=given.leverage,
        guard=guard, sense_on=False,
    )  # fmt: skip


@pytest.mark.parametrize("hold", ["long", "short"])
@pytest.mark.parametrize("leverage", [1, 3, 5, 10])
def test_a_held_position_ends_as_on_the_exchange(leverage: int, hold: str) -> None:
    given = setting(leverage, hold=hold)
    ours = play(given, walk_of(given.material), plan_of(given))
    theirs = replay_material(given.material, options(given, guard=False))
    assert ours["liquidations"] == theirs.liquidations
    assert ours["final_equity_usd"] == pytest.approx(
        theirs.final_equity_usd, abs=0.002 * leverage * 10_000.0
    )
    assert ours["max_drawdown_frac"] == pytest.approx(theirs.max_drawdown_frac, abs=0.01)


@pytest.mark.parametrize(
    "change", [{}, {"stop_frac": 0.02}, {"sigma_target": 0.6}, {"ratio_on": 1}]
)
@pytest.mark.parametrize("seed", [1, 2])
def test_every_rule_says_the_same_at_both_speeds(change: dict[str, float], seed: int) -> None:
    pytest.importorskip("numba", reason="the extra `lab` is not installed")
    given = setting(10, seed=seed)
    plan, walk = plan_of(given)._replace(**change), walk_of(given.material, {300: -0.5, 700: 0.25})
    fast, slow = np.zeros(held.STATE_SIZE), np.zeros(held.STATE_SIZE)
    rest = (walk, plan, tiers_of(given), steps_of(given.policy))
    compiled("bot.lab.fast.held", FORMULAS).play_held(fast, *rest)
    held.play_held(slow, *rest)
    whole = [held.LIQUIDATIONS, held.ACTIONS]
    assert np.array_equal(fast[whole], slow[whole])
    assert np.allclose(fast, slow, rtol=1e-12, atol=1e-12)


def test_a_stopped_position_is_bought_again_above_its_stop() -> None:
    given = setting(2, fall=0.0)
    found = play(given, walk_of(given.material), plan_of(given)._replace(stop_frac=0.004))
    assert found["actions"] >= 3
    assert found["costs_usd"] > 3 * 2 * 10_000.0 * 0.0005


def test_a_stop_saves_what_liquidation_takes() -> None:
    given = setting(5, fall=0.25)
    found = baselines(given)
    bare = play(given, walk_of(given.material), plan_of(given))
    assert bare["liquidations"] == 1
    assert found["stop_5pct"]["liquidations"] == 0
    assert found["stop_5pct"]["final_equity_usd"] > bare["final_equity_usd"]
    assert found["margin_ratio_only"]["actions"] >= 1
    assert found["volatility_target"]["max_drawdown_frac"] < bare["max_drawdown_frac"]


def test_random_instants_are_drawn_alike_and_count_the_guard() -> None:
    given = setting(5, fall=0.25)
    guarded = replay_material(given.material, options(given, guard=True))
    changes = dict(changes_of(guarded, given.material.tracks[0], given.material.start_ns))
    assert min(changes.values()) < 0.0
    once = permuted(given, changes, draws=60, seed=3)
    assert once == permuted(given, changes, draws=60, seed=3)
    assert 1 / 61 <= once["p_value"] <= 1.0
    assert once["guard_timing_final_equity_usd"] == pytest.approx(
        guarded.final_equity_usd, rel=0.03
    )


def test_without_a_change_there_is_no_timing_to_judge() -> None:
    assert permuted(setting(1), {}, draws=10, seed=1)["p_value"] is None


def test_p_values_combine_as_fisher_wrote() -> None:
    assert fisher([]) == 1.0
    assert fisher([0.3]) == pytest.approx(0.3)
    product = 0.05 * 0.05
    assert fisher([0.05, 0.05]) == pytest.approx(product * (1.0 - math.log(product)))
    assert fisher([0.5, 0.5]) > 0.5
