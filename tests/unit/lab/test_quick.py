"""The loss budget at compiled speed: what a replay of the kernel says, from every start."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.domain.account import MarginMode
from bot.domain.errors import ConfigInvalid
from bot.domain.policy import Policy, guard_of
from bot.lab import baselines, quick
from bot.lab.baselines import FORMULAS, Setting, tiers_of
from bot.lab.bench.authored import authored_material, authored_track
from bot.lab.fast import budget, held
from bot.lab.fast.compiler import compiled
from bot.lab.options import ReplayOptions
from bot.lab.quick import guarded_of, path_of, play_bare, play_starts
from bot.lab.replay import replay_material
from bot.lab.stress import Case, play

BTC = "BTC/USDT:USDT"
RECORDED = Path("../shared/market-data")


def case(**changes: object) -> Case:
    plain = Case(
        data=Path("authored"), symbols=(BTC,), leverage=5, margin=MarginMode.ISOLATED,
        policy=Policy(),
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hold", "leverage", "fall"), [("long", 3, 0.05), ("long", 10, 0.25), ("short", 5, 0.25)]
)
def test_the_budget_alone_ends_as_the_kernel_does(hold: str, leverage: int, fall: float) -> None:
    material = authored_material([authored_track(BTC, bars=700, seed=4, fall_frac=fall)])
    given = case(hold=hold, leverage=leverage)
    plan, path = guarded_of(given, material), path_of(material)
    tiers = tiers_of(Setting(material, given.policy, given.hold, leverage, plan.cash_usd))
    state = np.zeros(budget.STATE_SIZE)
    budget.play_budget(state, path, plan, tiers, 0)
    options = ReplayOptions(
        data=given.data, symbols=(BTC,), hold=given.hold, leverage=leverage, sense_on=False
    )
    told = replay_material(material, options)
    final = budget.equity_usd(state, plan.sign, float(path.close[-1]))
    assert final == pytest.approx(told.final_equity_usd, rel=0.01)
    assert state[budget.DRAWDOWN] == pytest.approx(told.max_drawdown_frac, abs=0.01)
    assert bool(state[budget.LATCHED]) == told.latched
    assert state[budget.LIQUIDATIONS] == told.liquidations == 0


def test_both_speeds_say_the_same() -> None:
    pytest.importorskip("numba", reason="the extra `lab` is not installed")
    material = authored_material([authored_track(BTC, bars=300, seed=2, fall_frac=0.2)])
    given = case(policy=Policy(guard=guard_of("L30")))
    plan, path = guarded_of(given, material), path_of(material)
    tiers = tiers_of(Setting(material, given.policy, given.hold, 5, plan.cash_usd))
    begins = np.array([0, 50, 200], np.int64)
    slow, fast = (np.zeros((3, budget.STATE_SIZE)) for _ in range(2))
    budget.play_starts(slow, path, plan, tiers, begins, np.zeros(budget.STATE_SIZE))
    twin = compiled("bot.lab.fast.budget", FORMULAS)
    twin.play_starts(fast, path, plan, tiers, begins, np.zeros(budget.STATE_SIZE))
    assert np.allclose(slow, fast, rtol=1e-12, atol=1e-12)


def test_a_recorded_crash_is_told_alike_from_a_later_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = RECORDED / "2024-08-unwind"
    if not folder.is_dir():
        pytest.skip("no recorded markets beside the project")
    monkeypatch.setattr(baselines, "engine", lambda: held)
    monkeypatch.setattr(quick, "engine", lambda: budget)
    given = case(data=folder, symbols=("ETH/USDT:USDT",), leverage=3)
    first, later = play_starts(given, ["first", "192h"])
    told = play(replace(given, start="192h"))
    assert later.start == "192h"
    assert later.return_frac == pytest.approx(told.return_frac, abs=0.01)
    assert later.max_drawdown_frac == pytest.approx(told.max_drawdown_frac, abs=0.005)
    assert later.first_leverage == pytest.approx(told.first_leverage, rel=0.01)
    assert first.days == pytest.approx(later.days + 8.0)
    (bare,) = play_bare(replace(given, leverage=5), ["first"])
    assert bare.liquidations == 1
    assert not bare.guard


@pytest.mark.parametrize(
    "change",
    [
        {"margin": MarginMode.CROSS},
        {"symbols": (BTC, "ETH/USDT:USDT")},
        {"stop_fill": "gap"},
        {"label": "without floor stop"},
        {"sense_on": True},
    ],
)
def test_what_it_does_not_reckon_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ConfigInvalid, match="--compiled"):
        play_starts(case(**change), ["first"])
