"""Who chooses a budget is told what it cost, and that a gap can exceed it."""

import re
from pathlib import Path

import pytest

from bot.answers.budget_price import STUDIED, price_of
from bot.domain.policy import PROFILES, GuardPolicy, guard_of

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "risk-model.md").read_text()


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_every_profile_names_its_price_and_the_gap(profile: str) -> None:
    told = price_of(guard_of(profile))
    words = str(told["in_words"])
    assert told["profile"] == profile
    assert profile in words
    assert "a gap can exceed the budget" in words
    assert f"{STUDIED[profile].worst_drawdown_gap_frac:.1%}" in words


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_the_figures_are_those_of_the_page(profile: str) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| {profile} "))
    figures = [float(found) / 100.0 for found in re.findall(r"([\d.]+) %", row)]
    seen = STUDIED[profile]
    assert figures[-2:] == pytest.approx([seen.worst_drawdown_frac, seen.worst_drawdown_gap_frac])
    assert f"{seen.rally_kept_frac:.0%}".replace("%", " %") + f" ({profile})" in PAGE


def test_a_number_of_ones_own_has_no_studied_figures() -> None:
    told = price_of(GuardPolicy(profile="custom", loss_budget_frac=0.15))
    assert told["worst_drawdown_frac"] is None
    assert "A gap can exceed any budget" in str(told["in_words"])
