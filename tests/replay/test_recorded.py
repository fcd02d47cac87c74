"""Replays of recorded data, where it lies beside the project."""

import os
from pathlib import Path

import pytest

from bot.lab.options import ReplayOptions
from bot.lab.replay import replay_folder
from bot.lab.story import utc_text

SHARED = Path(os.environ.get("BREAKWATER_SHARED", Path(__file__).resolve().parents[3] / "shared"))
DATA = SHARED / "market-data"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason="no recorded market data beside the project"),
]


def held(folder: str, leverage: int, *, symbol: str = "BTC/USDT:USDT", **more):
    options = {"hold": "long", "leverage": leverage, "symbols": (symbol,)} | more
    return replay_folder(ReplayOptions(data=DATA / folder, **options))


@pytest.mark.parametrize(
    ("folder", "leverage", "when"),
    [
        ("2026-01-cascade", 3, "2026-02-05 20:1"),
        ("2026-01-cascade", 5, "2026-01-31 18:3"),
        ("2026-01-cascade", 10, "2026-01-2"),
        ("2024-08-unwind", 5, "2024-08-05 01:1"),
        ("2024-08-unwind", 10, "2024-08-04"),
        ("2025-10-crash", 10, "2025-10-10"),
        ("2025-04-rally", 10, "2025-04-07"),
        ("2025-04-rally", 3, ""),
        ("2025-12-calm", 10, ""),
        ("2025-10-crash", 5, ""),
    ],
)
def test_unguarded_longs_die_when_the_recordings_say(folder, leverage, when) -> None:
    result = held(folder, leverage, guard=False)
    dead = [utc_text(line.event_ns) for line in result.story if line.kind == "liquidation"]
    assert len(dead) == result.liquidations == (1 if when else 0)
    assert all(text.startswith(when) for text in dead)


@pytest.mark.parametrize(
    ("folder", "symbol", "leverage", "hold"),
    [
        ("2026-01-cascade", "BTC/USDT:USDT", 5, "long"),
        ("2025-10-crash", "ETH/USDT:USDT", 10, "long"),
        ("2024-08-unwind", "BTC/USDT:USDT", 10, "short"),
        ("2025-04-rally", "ETH/USDT:USDT", 5, "short"),
    ],
)
def test_the_guard_stays_within_its_budget(folder, symbol, leverage, hold) -> None:
    result = held(folder, leverage, symbol=symbol, hold=hold)
    assert result.liquidations == 0
    assert result.max_drawdown_frac <= 0.20
    assert result.unprotected_s_max == 0.0
    assert result.refused_orders == 0
    assert 1 <= result.delever_actions < 40


def test_protection_in_a_rally_costs_size_not_the_position() -> None:
    guarded, bare = held("2025-04-rally", 3), held("2025-04-rally", 3, guard=False)
    assert guarded.return_frac > 0.3 * bare.return_frac > 0.0
    assert guarded.traces.fills[-1].purpose == "ENTRY"
