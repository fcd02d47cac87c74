"""The report's numbers come from fills, stops and bars, and its three files stand alone."""

import json
from pathlib import Path

import pytest

from bot.app.cli import run_cli
from bot.lab.bench.authored import authored_material, authored_track
from bot.lab.options import FillMark, ReplayOptions, ReplayResult, StopMark
from bot.lab.pages.dossier import (
    by_exit,
    cut_quality,
    dossier,
    histogram,
    months,
    round_trips,
    slippage,
)
from bot.lab.pages.dossier_pages import markdown, parts
from bot.lab.replay import replay_material
from tests.fakes.market_folder import flat_folder

BTC = "BTC/USDT:USDT"


def fill(ns: int, side: str, qty: float, price: float, purpose: str) -> FillMark:
    return FillMark(event_ns=ns, symbol=BTC, side=side, qty=qty, price=price, purpose=purpose)


@pytest.fixture(scope="module")
def result() -> ReplayResult:
    material = authored_material([authored_track(BTC, bars=1_200, fall_frac=0.25)])
    options = ReplayOptions(
        data=Path("authored"), symbols=(BTC,), hold="long", leverage=5, sense_on=False
    )
    return replay_material(material, options)


def test_a_round_trip_is_counted_in_its_first_risk() -> None:
    fills = [
        fill(1, "BUY", 2.0, 100.0, "ENTRY"), fill(5, "SELL", 1.0, 120.0, "TARGET"),
        fill(9, "SELL", 1.0, 95.0, "STOP"), fill(10, "SELL", 1.0, 95.0, "ENTRY"),
    ]  # fmt: skip
    (trip,) = round_trips(fills, [StopMark(2, BTC, 95.0), StopMark(6, BTC, 96.0)])
    assert (trip.side, trip.entry, trip.exit, trip.result_usd) == ("LONG", 100.0, 107.5, 15.0)
    assert trip.r == pytest.approx(15.0 / 10.0)
    assert trip.left_by == "STOP"


def test_a_short_without_a_stop_has_no_multiple() -> None:
    (trip,) = round_trips([fill(1, "SELL", 1.0, 100.0, "HAND"), fill(2, "BUY", 1.0, 90.0, "X")], [])
    assert (trip.side, trip.result_usd, trip.r) == ("SHORT", 10.0, None)


def test_results_add_up_by_what_ended_a_trade() -> None:
    legs = ((100.0, 110.0, "TARGET"), (100.0, 95.0, "STOP"), (100.0, 94.0, "STOP"))
    fills, stops = [], []
    for number, (entry, left, purpose) in enumerate(legs):
        at = 10 * number
        fills += [fill(at, "BUY", 1.0, entry, "ENTRY"), fill(at + 5, "SELL", 1.0, left, purpose)]
        stops.append(StopMark(at + 1, BTC, 95.0))
    assert by_exit(round_trips(fills, stops)) == [
        {"left_by": "STOP", "trades": 2, "won": 0, "result_usd": -11.0, "mean_r": -1.1},
        {"left_by": "TARGET", "trades": 1, "won": 1, "result_usd": 10.0, "mean_r": 2.0},
    ]


def test_every_multiple_falls_into_one_bin() -> None:
    values = [-9.0, -1.0, -0.999, 0.0, 0.5, 7.0]
    rows = histogram(values)
    assert sum(row["trades"] for row in rows) == len(values)
    assert rows[0]["trades"] == rows[-1]["trades"] == 1


def test_slippage_is_what_a_stop_lost_beyond_its_trigger() -> None:
    found = slippage(
        [fill(3, "SELL", 1.0, 99.0, "STOP"), fill(9, "BUY", 1.0, 101.0, "STOP")],
        [StopMark(1, BTC, 100.0)], 10.0,
    )  # fmt: skip
    assert found["stops"] == 2
    assert found["real_median_bps"] == pytest.approx(100.0)


def test_months_chain_to_the_whole(result: ReplayResult) -> None:
    whole = 1.0
    for row in months(result):
        whole *= 1.0 + row["return_frac"]
    last = result.traces.equity[-1].equity_usd
    assert whole == pytest.approx(last / result.wallet_usd)


def test_cuts_before_a_fall_are_right_ones(result: ReplayResult) -> None:
    found = cut_quality(result)
    assert found["cuts"] == result.delever_actions >= 1
    assert found["adverse_days"] >= 1
    assert 0.0 <= (found["recall"] or 0.0) <= 1.0


def test_pages_hold_every_section_and_call_nobody(result: ReplayResult) -> None:
    sections = dossier(result, 10.0)
    text, tables = markdown(result, sections), parts(sections)
    for title in ("Months", "Costs", "Trades", "Results in multiples of the risk"):
        assert f"## {title}" in text
        assert f"<h2>{title}</h2>" in tables
    assert "http" not in tables
    assert sections["costs"]["total_usd"] == result.fees_usd - result.funding_usd


def test_the_command_writes_three_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stem = tmp_path / "deep" / "report.html"
    args = ["report", "--data", str(flat_folder()), "--hold", "long", "--leverage", "3"]
    assert run_cli([*args, "--symbol", BTC, "--out", str(stem), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [Path(name).suffix for name in told["files"]] == [".html", ".md", ".json"]
    page = stem.read_text()
    assert 'id="baselines"' in page
    assert 'src="http' not in page
    stored = json.loads(stem.with_suffix(".json").read_text())
    assert stored["baselines"][0]["policy"] == "guarded"
    assert stored["months"] == told["months"]


def test_a_place_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    args = ["report", "--data", str(flat_folder()), "--symbol", BTC]
    assert run_cli([*args, "--out", str(tmp_path / "file" / "r"), "--json"]) == 2
    assert "--out" in capsys.readouterr().err
