"""Story and summary: one document with every promised field, one line per event."""

import json
from pathlib import Path

import pytest

from bot.domain.risk import Decision, Severity
from bot.lab.bench.authored import authored_material, authored_track
from bot.lab.options import ReplayOptions, ReplayResult, StoryLine
from bot.lab.pages.summary import document, render_summary
from bot.lab.replay import replay_material
from bot.lab.story import Storyteller, render_story, severity_of, text_of

PROMISED = {
    "data", "from", "to", "events", "events_per_s", "trades", "wins", "final_equity_usd",
    "return_frac", "max_drawdown_frac", "liquidations", "delever_actions", "fees_usd",
    "funding_usd", "unprotected_s_max", "digest", "hold", "leverage", "guard", "symbols",
    "stop_fill", "actions", "story", "caveats",
}  # fmt: skip


@pytest.fixture(scope="module")
def result() -> ReplayResult:
    track = authored_track("BTC/USDT:USDT", bars=200, fall_frac=0.3)
    options = ReplayOptions(data=Path("authored"), hold="long", leverage=5)
    return replay_material(authored_material([track]), options)


def test_the_document_is_json_and_whole(result: ReplayResult) -> None:
    told = json.loads(json.dumps(document(result)))
    assert told.keys() >= PROMISED
    assert told["from"] == "2026-01-01T00:00:00Z"
    assert told["delever_actions"] == len(told["actions"]) >= 1
    assert told["events_per_s"] is None
    assert all(action["why"] for action in told["actions"])


def test_the_story_is_in_order_and_begins_with_the_hand(result: ReplayResult) -> None:
    times = [line.event_ns for line in result.story]
    assert times == sorted(times)
    lines = render_story(result)
    assert all("\n" not in line for line in lines)
    assert "opened by hand: LONG" in "".join(lines[:4])
    assert "the recording ends" in lines[-1]


def test_the_summary_names_the_loss(result: ReplayResult) -> None:
    rows = dict(render_summary(result))
    assert rows["max drawdown"].startswith(f"{result.max_drawdown_frac:.1%}")
    assert ("latched" in rows) == result.latched


def test_a_line_says_when_price_what_why() -> None:
    line = StoryLine(
        event_ns=1_769_884_500 * 10**9, kind="cut", symbol="BTC/USDT:USDT", price=77_500.5,
        what="cut LONG", why="volatility", measured="5x", limit="1.2x",
    )  # fmt: skip
    assert text_of(line) == (
        "2026-01-31 18:35:00    BTC 77,500.5  cut LONG: volatility (5x, limit 1.2x)"
    )
    assert severity_of(line) is Severity.WARNING


def test_equal_refusals_are_told_once() -> None:
    teller = Storyteller()
    for why in ("A", "A", "B", "A"):
        teller.decided(
            Decision(decision_id="d", event_ns=0, kind="refusal", symbol="S", what="w", why=why),
            0.0,
        )
    assert [line.why for line in teller.lines] == ["A", "B", "A"]
    assert teller.refusals == 4


def test_a_wish_is_always_answered() -> None:
    teller = Storyteller()
    for wish in ("one", "two"):
        teller.decided(
            Decision(decision_id=wish, event_ns=0, kind="signal", symbol="S", what="w", why="up"),
            0.0,
        )
        teller.decided(
            Decision(
                decision_id=f"no-{wish}", event_ns=0, kind="refusal", symbol="S", what="refused",
                why="RULE_FORBIDS", cause=wish,
            ),
            0.0,
        )  # fmt: skip
    assert [line.kind for line in teller.lines] == ["signal", "refusal"] * 2
