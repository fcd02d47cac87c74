"""Many runs are summed up by what they risked, kept and cost."""

import msgspec
import pytest

from bot.lab.stress import Row
from bot.lab.verdict import verdicts

BUDGETS = {"L20": 0.20}


def row(**changes: object) -> Row:
    given = {
        "data": "week", "symbols": "BTC", "hold": "long", "leverage": 3, "margin": "isolated",
        "profile": "L20", "guard": True, "stop_fill": "touch", "start": "first", "label": "",
        "return_frac": 0.10, "final_equity_usd": 11_000.0, "max_drawdown_frac": 0.10,
        "liquidations": 0, "worst_margin_ratio": 0.1, "unprotected_s_max": 0.0,
        "delever_actions": 1, "actions_a_day_max": 1, "days": 10.0, "fees_usd": 10.0,
        "funding_usd": -1.0, "latched": False, "first_leverage": 1.5, **changes,
    }  # fmt: skip
    return msgspec.convert(given, Row)


def test_what_is_kept_counts_only_gains_worth_keeping() -> None:
    rows = [
        row(start="first", return_frac=0.15),
        row(start="12h", return_frac=0.05),
        row(start="24h", return_frac=-0.15, max_drawdown_frac=0.21),
        row(guard=False, start="first", return_frac=0.30),
        row(guard=False, start="12h", return_frac=0.20),
        row(guard=False, start="24h", return_frac=0.05),
    ]
    (found,) = verdicts(rows, BUDGETS)
    assert found["runs"] == 3
    assert found["gain_kept_frac"] == pytest.approx(0.20 / 0.50)
    assert found["within_budget_frac"] == pytest.approx(2 / 3)
    assert found["max_drawdown_first_bar_frac"] == 0.10


def test_the_cost_at_equal_size_scales_an_unlevered_run() -> None:
    rows = [
        row(return_frac=0.12, first_leverage=1.5),
        row(guard=False, leverage=1, return_frac=0.10),
    ]
    (found,) = verdicts(rows, BUDGETS)
    assert found["same_size_cost_median_frac"] == pytest.approx(0.15 - 0.12)
    assert found["same_size_gain_kept_frac"] == pytest.approx(0.12 / 0.15)
    assert found["gain_kept_frac"] is None


def test_runs_that_failed_are_not_summed_up() -> None:
    assert verdicts([row(error="no candles"), row(guard=False)], BUDGETS) == []
