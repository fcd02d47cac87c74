"""Scores become a table in which losers and empty rows stay."""

import pytest

from bot.lab.judging import Score, markdown, row_of, rows_of


def scored(name: str, folder: str, results, *, guard: bool = True, **more) -> Score:
    given = {
        "signals": 9, "fees_usd": 12.0, "funding_usd": -3.0, "max_drawdown_frac": 0.02,
        "return_frac": 0.01, "liquidations": 0, "unprotected_s_max": 0.0, "digest": "d",
    }  # fmt: skip
    return Score(
        strategy=name, folder=folder, guard=guard, results_r=tuple(results), **(given | more)
    )


def test_a_row_pools_trades_and_keeps_the_deepest_fall() -> None:
    row = row_of(
        [
            scored("a", "x", [1.0, -1.0, 4.0]),
            scored("a", "y", [-1.0], max_drawdown_frac=0.05, return_frac=-0.03),
        ],
        "all",
    )
    assert (row.trades, row.win_frac, row.total_r) == (4, 0.5, 3.0)
    assert (row.mean_r, row.median_r) == (0.75, 0.0)
    assert (row.costs_usd, row.max_drawdown_frac) == (30.0, 0.05)
    assert row.return_frac == pytest.approx(-0.01)
    assert row.signals == 18


def test_without_trades_there_is_no_rate_and_no_mean() -> None:
    row = row_of([scored("a", "x", [])], "x")
    assert (row.trades, row.win_frac, row.mean_r, row.median_r, row.total_r) == (
        0, None, None, None, 0.0,
    )  # fmt: skip
    with pytest.raises(ValueError, match="needs scores"):
        row_of([], "x")


def test_the_table_holds_every_row_the_losers_too() -> None:
    scores = [
        scored(name, folder, [-1.0] if name == "loser" else [], guard=guard)
        for name in ("loser", "idle")
        for folder in ("x", "y")
        for guard in (True, False)
    ]
    rows = rows_of(scores)
    assert [(r.strategy, r.folder, r.guard) for r in rows] == [
        (name, folder, guard)
        for name in ("loser", "idle")
        for guard in (True, False)
        for folder in ("x", "y", "all")
    ]
    lines = markdown(rows).splitlines()
    assert len(lines) == 2 + len(rows)
    assert {line.count("|") for line in lines} == {13}
    assert (
        "| loser | all | off | 18 | 2 | 0% | -1.00 | -1.00 | -2.00 | 30 | 2.0% | +1.00% |" in lines
    )
    assert "| idle | x | on | 9 | 0 | - | - | - | +0.00 | 15 | 2.0% | +1.00% |" in lines
