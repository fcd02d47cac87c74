"""Every expression of the Grafana board names metrics that a full daemon exports."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.answers.question import Answered
from bot.metrics.exposition import exposition

BOARD = Path(__file__).resolve().parents[3] / "deploy" / "grafana.json"
FULL: dict[str, Answered] = {
    "status": {
        "mode": "ACTIVE", "latched": False, "equity_usd": 9_800.5, "wallet_usd": 10_000.0,
        "high_water_usd": 10_000.0, "drawdown_frac": 0.02, "day_result_usd": -5.0, "positions": 1,
        "stops_working": 1, "entries_pending": 0, "account_age_s": 0.2, "user_stream_live": True,
        "unprotected": [],
        "counters": {"trades": 3, "guard_actions": 1, "liquidations": 0,
                     "refusals": {"RULE_FORBIDS": 4}},
        "markets": [{"symbol": "BTC/USDT:USDT", "mark": 76_000.0, "mark_age_s": 0.4,
                     "feed_live": True}],
        "venues": [{"venue": "binance", "live": True, "frames_per_s": 9.0, "gaps": 0,
                    "reconnects": 1, "unreadable": 0}],
    },
    "positions": {"positions": [{
        "symbol": "BTC/USDT:USDT", "side": "LONG", "notional_usd": 6_000.0, "upnl_usd": -1.0,
        "liq_distance_frac": 0.4, "stop_distance_frac": 0.01, "margin_ratio_frac": None,
        "protected": True,
    }]},
    "risk": {"budget_left_usd": 1_700.0},
    "pulse": {"markets": [{"symbol": "BTC/USDT:USDT", "threat": 3, "threat_short": 1,
                           "pulse": 40.0, "stress": 60.0}]},
    "market": {"markets": [{"symbol": "BTC/USDT:USDT", "funding_8h_frac": 1e-4,
                            "open_interest_coin": 9e4, "liq_long_24h_usd": 1e6,
                            "liq_short_24h_usd": 2e5}]},
}  # fmt: skip


async def told(answers: dict[str, Answered]) -> dict[tuple[str, tuple[str, ...]], float]:
    async def ask(name: str, _args: dict[str, str]) -> Answered:
        return answers[name]

    text = (await exposition(ask)()).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_every_expression_of_the_board_is_exported() -> None:
    names = {name for name, _ in await told(FULL)}
    board = json.loads(BOARD.read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(expressions) > 20
    for expression in expressions:
        wanted = set(re.findall(r"breakwater_\w+", expression))
        assert wanted, expression
        assert wanted <= names, expression


async def test_values_are_the_answers() -> None:
    found = await told(FULL)
    assert found["breakwater_equity_usd", ()] == 9_800.5
    assert found["breakwater_mode", ("ACTIVE",)] == 1.0
    assert found["breakwater_mode", ("HALTED",)] == 0.0
    assert found["breakwater_refusals_total", ("RULE_FORBIDS",)] == 4.0
    assert found["breakwater_position_protected", ("BTC/USDT:USDT", "LONG")] == 1.0


@pytest.mark.parametrize("name", ["equity_usd", "drawdown_frac", "account_age_s"])
async def test_what_is_unknown_is_absent(name: str) -> None:
    blind = {**FULL, "status": {**FULL["status"], name: None}}
    exported = f"breakwater_{name.removesuffix('_s') + '_seconds' if name.endswith('_s') else name}"
    assert (exported, ()) in await told(FULL)
    assert (exported, ()) not in await told(blind)
    assert ("breakwater_position_margin_ratio_frac", ("BTC/USDT:USDT", "LONG")) not in await told(
        FULL
    )
