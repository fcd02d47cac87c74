"""Brackets under the ladder: compiled loops say what kernel, gate and exchange say of each bar."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.data.folder import read_folder
from bot.domain.units import NS_PER_MS
from bot.lab.fast import laddered
from bot.lab.fast.brackets import Bracket
from bot.lab.fast.compiler import compiled
from bot.lab.fast.laddered import BORROWED
from bot.lab.fast.rungs import CUTS, MONEY_SIZE, TIMES_SIZE, Contract, Rules, grid_down, grid_up
from tests.fakes.laddered_year import LEVELS, SINCE, LadderedYear, bars_of

SHARED = Path(
    os.environ.get("BREAKWATER_SHARED", Path(__file__).resolve().parents[4] / "shared")
) / "market-data"  # fmt: skip
FOLDERS = {
    "2024-08-unwind": 1_000, "2025-04-rally": 800, "2025-10-crash": 2_800, "2025-12-calm": 3_600,
    "2026-01-cascade": 3_800,
}  # fmt: skip
"""Folder -> the first of the bars that are played."""
BARS = 600
BEGIN_MS = 1_767_225_600_000
Columns = list[list[float]]


def walk(seed: int, length: int, sigma: float) -> Columns:
    """Return opens, highs, lows and closes on the grid; each bar opens near the last close."""
    dice = np.random.default_rng(seed)
    close = 76_500.0 * np.exp(np.cumsum(sigma * dice.standard_normal(length + 1)))
    first = close[:-1] * (1.0 + 2e-4 * dice.standard_normal(length))
    close = close[1:]
    wick = 76_500.0 * sigma * np.abs(dice.standard_normal((2, length)))
    high, low = np.maximum(first, close) + wick[0], np.minimum(first, close) - wick[1]
    return [np.round(column, 1).tolist() for column in (first, high, low, close)]


def played(
    bars: Any,
    rules: Rules,
    bar_s: int,
    engine: Any = laddered,
    since: Any = SINCE,
    rule: Bracket | None = None,
) -> tuple[Any, ...]:
    """Return (round trips, equity, deals, cuts) of one walk."""
    length = len(bars.close)
    money, times = np.zeros(MONEY_SIZE), np.zeros(TIMES_SIZE, np.int64)
    deals, cuts = np.zeros((length + 1, 5)), np.zeros((2 * length + 1, 3))
    curve = np.zeros(length)
    contract = Contract(bar_ns=bar_s * 1_000 * NS_PER_MS)
    found, equity = engine.play_laddered(
        money, times, bars, np.array(LEVELS), np.array(since, np.int64), rule or Bracket(), rules,
        contract, deals, cuts, curve,
    )  # fmt: skip
    assert curve[-1] == equity
    return found, equity, deals[:found], cuts[: times[CUTS]]


def agree(
    columns: Columns, open_ms: list[int], rules: Rules, bar_s: int, funding: float,
    since: list[int] = SINCE,
) -> tuple[int, int]:  # fmt: skip
    """Hold every trade, cut and cent of both ways against each other; count trades and cuts."""
    year = LadderedYear(rules, open_ms[0], bar_s=bar_s, funding_frac=funding, since=since)
    year.play(columns, open_ms)
    bars = bars_of(columns, open_ms, bar_s, funding)
    trades, equity, deals, cuts = played(bars, rules, bar_s, since=since)
    theirs = year.deals()
    assert year.stage.refused == 0
    assert trades == year.stage.tally.trades == len(theirs)
    assert [(int(row[0]), int(row[1])) for row in deals] == [row[:2] for row in theirs]
    assert deals[:, 4] == pytest.approx([row[2] for row in theirs], rel=1e-12, abs=1e-9)
    assert len(cuts) == len(year.cuts())
    assert cuts[:, 1:] == pytest.approx(np.array(year.cuts()).reshape(-1, 2), rel=1e-12)
    assert equity == pytest.approx(year.equity_usd(), rel=1e-12)
    return trades, len(cuts)


@settings(max_examples=4, deadline=None)
@given(
    seed=st.integers(0, 10_000), sigma=st.floats(0.0008, 0.003),
    half=st.sampled_from([0.003, 0.006, 0.01]), funding=st.sampled_from([0.0, 0.0001, -0.0004]),
    hour=st.integers(0, 23),
)  # fmt: skip
def test_generated_bars_trade_and_are_cut_as_by_the_kernel(
    seed: int, sigma: float, half: float, funding: float, hour: int
) -> None:
    open_ms = [BEGIN_MS + 3_600_000 * hour + 60_000 * bar for bar in range(450)]
    agree(walk(seed, 450, sigma), open_ms, Rules(half, 2.0 * half), 60, funding)


@pytest.mark.parametrize("half", [0.003])
def test_many_days_of_cuts_and_recoveries_are_those_of_the_kernel(half: float) -> None:
    open_ms = [BEGIN_MS + 900_000 * bar for bar in range(700)]
    trades, cuts = agree(walk(5, 700, 0.004), open_ms, Rules(half, 2.0 * half), 900, 0.0001)
    assert cuts >= 2
    assert trades > cuts


def test_a_level_is_traded_by_both_from_the_instant_it_is_known() -> None:
    open_ms = [BEGIN_MS + 900_000 * bar for bar in range(500)]
    known_ns = [(open_ms[250] if level % 1_000.0 else 0) * NS_PER_MS for level in LEVELS]
    columns, rules = walk(5, 500, 0.004), Rules(0.004, 0.008)
    late, _ = agree(columns, open_ms, rules, 900, 0.0001, known_ns)
    assert 0 < late < agree(columns, open_ms, rules, 900, 0.0001)[0]


def gapped(fall_frac: float) -> Columns:
    """Forty bars that enter the band above 77,000 and then open so much lower."""
    length, after = 40, round(77_000.0 * (1.0 - fall_frac), 1)
    first, high = [77_200.0] * length, [77_300.0] * length
    low, close = [77_150.0] * length, [77_250.0] * length
    low[20], close[20] = 77_080.0, 77_100.0
    first[21], high[21], low[21], close[21] = 77_090.0, 77_100.0, 77_010.0, 77_050.0
    for column in (first, high, low, close):
        column[22:] = [after] * (length - 22)
    return [first, high, low, close]


@pytest.mark.parametrize(
    ("stop_frac", "fall_frac", "left"),
    [
        (0.0035, 0.30, "some"), (0.0035, 0.335, "some"), (0.0035, 0.40, "nothing"),
        (0.004, 0.60, "nothing"), (0.002, 0.40, "all"),
    ],
)  # fmt: skip
def test_a_gap_takes_what_there_is_and_an_order_without_margin_is_refused_by_both(
    stop_frac: float, fall_frac: float, left: str
) -> None:
    open_ms = [BEGIN_MS + 900_000 * bar for bar in range(40)]
    rule, rules = Bracket(risk_frac=0.05, stop_frac=stop_frac), Rules(0.9, 0.95)
    columns = gapped(fall_frac)
    year = LadderedYear(rules, open_ms[0], bar_s=900, rule=rule)
    year.play(columns, open_ms)
    bars = bars_of(columns, open_ms, 900, 0.0)
    trades, equity, deals, _ = played(bars, rules, 900, rule=rule)
    assert equity == pytest.approx(year.equity_usd(), rel=1e-12)
    assert trades == year.stage.tally.trades == len(deals)
    assert year.stage.refused == (1 if left == "all" else 0), "three times the money, and fees"
    assert {"all": equity == 1e5, "nothing": equity == 0.0}.get(left, 0.0 < equity < 2e4)


@pytest.mark.skipif(not SHARED.is_dir(), reason="recorded data are not beside the project")
@pytest.mark.parametrize("name", list(FOLDERS))
def test_a_recorded_folder_trades_and_is_cut_as_by_the_kernel(name: str) -> None:
    rows = read_folder(SHARED / name).finest("BTC/USDT:USDT")
    part = slice(FOLDERS[name], FOLDERS[name] + BARS)
    columns = [column[part].tolist() for column in (rows.open, rows.high, rows.low, rows.close)]
    open_ms = (rows.open_ns[part] // NS_PER_MS).tolist()
    assert agree(columns, open_ms, Rules(0.003, 0.006), rows.timeframe_s, 0.0001)[0] >= 1


def test_the_ladder_says_the_same_at_both_speeds() -> None:
    pytest.importorskip("numba", reason="the extra `lab` is not installed")
    open_ms = [BEGIN_MS + 900_000 * bar for bar in range(1_000)]
    bars = bars_of(walk(8, 1_000, 0.004), open_ms, 900, 0.0001)
    rules, engine = Rules(0.004, 0.008), compiled("bot.lab.fast.laddered", BORROWED)
    contract = Contract(bar_ns=900_000 * NS_PER_MS)
    sets = np.array([[0.006, 0.018, 0.004, 0.008], [0.004, 0.012, 0.002, 0.004]])
    rest = (np.array(LEVELS), np.array(SINCE, np.int64), sets, Bracket(), rules, contract)
    fast, slow = engine.play_sets(bars, *rest), laddered.play_sets(bars, *rest)
    assert np.array_equal(fast[0], slow[0])
    assert np.array_equal(fast[1], slow[1])
    assert np.allclose(fast[2], slow[2], rtol=1e-12, atol=0.0)
    assert slow[1].min() >= 1
    assert (slow[0][0], slow[2][0]) == played(bars, rules, 900)[:2]


@given(st.integers(1, 10**8), st.sampled_from([10.0, 100.0, 1_000.0]))
def test_what_lies_on_the_grid_stays_there(count: int, parts: float) -> None:
    value = count / parts
    assert grid_down(value, parts) == grid_up(value, parts) == value
    below, above = np.nextafter(value, 0.0), np.nextafter(value, 1e12)
    assert grid_up(below, parts) == grid_down(above, parts) == value
    assert grid_down(below, parts) < value < grid_up(above, parts)
