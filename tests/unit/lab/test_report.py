"""The page stands alone, the chart is one Plotly understands, and texts cannot break out."""

import json
import re
from dataclasses import replace
from pathlib import Path

import plotly.graph_objects as go
import pytest

from bot.domain.market import Candle
from bot.domain.policy import LevelPolicy, LevelSpec, Policy
from bot.lab.bench.authored import START_NS, authored_material, authored_track
from bot.lab.options import EquityPoint, ReplayOptions, ReplayResult, StoryLine
from bot.lab.pages.figure import figure, folded, thinned
from bot.lab.pages.report import write_report
from bot.lab.replay import replay_material

BTC = "BTC/USDT:USDT"
KNOWN_NS = START_NS + 10**12
LEVELS = (
    LevelSpec(symbol=BTC, name="near", low=79_000.0, high=79_500.0, known_from_ns=KNOWN_NS),
    LevelSpec(symbol=BTC, name="far", low=1.0, high=2.0),
    LevelSpec(symbol=BTC, name="later", low=79_000.0, high=79_500.0, known_from_ns=2 * START_NS),
)


@pytest.fixture(scope="module")
def result() -> ReplayResult:
    policy = Policy(levels=LevelPolicy(book=LEVELS))
    options = ReplayOptions(data=Path("authored"), hold="long", leverage=5, policy=policy)
    material = authored_material([authored_track(BTC, bars=300, fall_frac=0.45)])
    return replay_material(material, options)


def test_the_page_needs_nothing_from_outside(result: ReplayResult, tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    write_report(result, path)
    text = path.read_text(encoding="utf-8")
    tags = re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", text)
    assert tags
    assert not [tag for tag in tags if "src=" in tag or "href=" in tag]
    assert "Plotly.newPlot" in text
    assert text.count("<tr class=") == len(result.story)


def test_text_of_others_is_shown_not_run(result: ReplayResult, tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    line = StoryLine(event_ns=0, kind=evil, symbol=evil, price=1.0, what=evil, why=evil)
    path = tmp_path / "out.html"
    write_report(replace(result, story=[line], data=evil, caveats=[evil]), path)
    assert "<script>alert" not in path.read_text(encoding="utf-8")


def test_plotly_takes_the_figure(result: ReplayResult) -> None:
    drawn = json.loads(json.dumps(figure(result)))
    go.Figure(data=drawn["data"], layout=drawn["layout"])
    names = {trace["name"] for trace in drawn["data"]}
    assert {"BTC", "BTC stop", "by hand", "cut", "stop filled", "equity", "drawdown"} <= names


def test_levels_are_drawn_from_when_they_were_known(result: ReplayResult) -> None:
    shapes = figure(result)["layout"]["shapes"]
    assert [shape["label"]["text"] for shape in shapes] == ["near"]
    assert shapes[0]["x0"] > "2026-01-01 00:16"


def test_the_drawn_drawdown_is_the_measured_one(result: ReplayResult) -> None:
    drawdown = next(trace for trace in figure(result)["data"] if trace["name"] == "drawdown")
    assert abs(-min(drawdown["y"]) - result.max_drawdown_frac) < 0.002


def test_folding_loses_no_extreme() -> None:
    bars = [Candle("S", n * 10, n * 10, 10, n, n + 9.0, n - 9.0, n + 1, 1.0) for n in range(1, 101)]
    few = folded(bars, 7)
    assert len(few) <= 7
    assert max(bar.high for bar in few) == 109.0
    assert min(bar.low for bar in few) == -8.0
    assert sum(bar.volume for bar in few) == 100.0
    assert (few[0].open, few[-1].close) == (1, 101)
    assert folded([], 5) == []


def test_thinning_keeps_the_worst_moment() -> None:
    points = [EquityPoint(n, 100.0, 3.0 if n == 41 else 90.0) for n in range(100)]
    assert min(point.worst_usd for point in thinned(points, 9)) == 3.0
    assert len(thinned(points, 9)) <= 9
