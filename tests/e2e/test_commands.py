"""Every command of a person against a running daemon, in processes of their own."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from bot.app.cli import sense_pages
from bot.app.cli.commands import earned, notices
from tests.fakes.daemon import Daemon, Stand, until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-commands")]


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Stand, Daemon]]:
    """A daemon with a position that a hand opened, and its stop."""
    with Stand() as stand:
        stand.start_venue()
        daemon = stand.start_daemon()
        stand.venue.by_hand("BUY", "0.05")
        daemon.await_protected("0.05")
        yield stand, daemon


def asked(stand: Stand, *args: str, code: int = 0) -> dict:
    done = stand.run(*args)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)


def test_questions_agree_about_the_position(running: tuple[Stand, Daemon]) -> None:
    stand, _ = running
    status = asked(stand, "status")
    assert status["positions"] == 1
    assert status["unprotected"] == []
    (leg,) = asked(stand, "positions")["positions"]
    stops = [o for o in asked(stand, "orders")["orders"] if o["purpose"] == "STOP"]
    assert leg["stop_price"] in {stop["trigger_price"] for stop in stops}
    risk = asked(stand, "risk")
    assert risk["next"][0]["price"] == float(leg["stop_price"])
    worst = asked(stand, "stress-now")["shocks"][2]
    assert (worst["shock"], worst["within_budget"]) == ("fall of 20%", True)
    assert worst["still_held"] == [f"{leg['symbol']} LONG"], "its stop rests further away"
    assert asked(stand, "trades")["trades"] == []
    assert asked(stand, "levels")["levels"]
    seen = asked(stand, "watch")
    assert seen["status"]["run_id"] == status["run_id"]


def test_money_and_notices_are_told_to_programs_and_to_people(
    running: tuple[Stand, Daemon],
) -> None:
    stand, _ = running
    periods = until(lambda: asked(stand, "pnl")["periods"], "a day of equity")
    assert periods[0]["end_usd"] > 0
    assert asked(stand, "equity", "--days", "2")["days"] == 2
    kinds = {row["kind"] for row in asked(stand, "events")["events"]}
    assert "ready" in kinds
    health = asked(stand, "health")
    assert (health["ready"], health["journal"]) == (True, "ok")
    assert isinstance(asked(stand, "ack")["acknowledged"], list)
    console = Console(record=True, width=160, file=io.StringIO())
    for page, name in ((earned.earned, "pnl"), (earned.curve, "equity"), (notices.told, "events"),
                       (notices.doing, "health"), (notices.acknowledged, "ack")):  # fmt: skip
        page(asked(stand, name), console)
    shown = console.export_text()
    assert "no alert waits" in shown
    assert "passes;" in shown


def test_the_account_is_reported_while_the_daemon_runs(running: tuple[Stand, Daemon]) -> None:
    stand, daemon = running
    until(lambda: asked(stand, "pnl")["periods"], "a point of equity")
    told = asked(stand, "report", "--account", "--out", "reports/mine")
    assert told["account"] == "paper account"
    assert [Path(name).suffix for name in told["files"]] == [".html", ".md", ".json"]
    assert (stand.root / "reports/mine.md").read_text().startswith("# paper account")
    assert daemon.alive
    assert asked(stand, "health")["journal"] == "ok"


SENSES = ("market", "pulse", "funding", "oi", "liquidations", "clusters", "scenarios")


@pytest.mark.parametrize("name", SENSES)
def test_what_the_market_does_is_told_to_programs_and_to_people(
    running: tuple[Stand, Daemon], name: str
) -> None:
    stand, _ = running
    document = asked(stand, name)
    assert document["as_of"]
    console = Console(record=True, width=220, file=io.StringIO())
    getattr(sense_pages, name)(document, console)
    assert "BTC/USDT:USDT" in console.export_text()


def test_the_judgement_names_what_it_lacks(running: tuple[Stand, Daemon]) -> None:
    stand, _ = running
    judged = until(lambda: asked(stand, "pulse")["markets"][0].get("judged_at"), "a judgement")
    assert judged
    (row,) = asked(stand, "pulse", "--symbol", "BTC/USDT:USDT")["markets"]
    assert 1 <= row["threat"] <= 5
    assert any("not available" in line for line in row["degraded"])
    zones = asked(stand, "levels")["zones"]
    assert zones
    assert {"state", "strength", "kinds"} <= set(zones[0])


def test_why_leads_from_a_stop_to_its_cause(running: tuple[Stand, Daemon]) -> None:
    stand, _ = running
    stop = next(o for o in asked(stand, "orders")["orders"] if o["purpose"] == "STOP")
    chain = asked(stand, "why", stop["client_order_id"])["chain"]
    assert any(stop["client_order_id"] in json.dumps(line) for line in chain)
    nobody = stand.run("why", "nobody")
    assert nobody.returncode == 3
    assert "nothing is known under 'nobody'" in nobody.stderr


def test_doctor_finds_the_house_in_order(running: tuple[Stand, Daemon]) -> None:
    stand, _ = running
    document = until(lambda: _healthy(stand), "doctor is content")
    found = {check["name"]: check["found"] for check in document["checks"]}
    assert "placed, seen and cancelled" in found["stop proof"] or "rests" in found["stop proof"]
    assert "1 of 1 positions" in found["stops"]


def _healthy(stand: Stand) -> dict | None:
    document = json.loads(stand.run("doctor").stdout)
    return document if document["healthy"] else None


def test_the_journal_is_checked_and_copied_beside_the_daemon(
    running: tuple[Stand, Daemon],
) -> None:
    stand, daemon = running
    report = asked(stand, "db", "check")
    assert report["ok"] is True
    assert report["rows"]["fills"] >= 1
    made = asked(stand, "db", "backup")["backup"]
    assert made.startswith(str(stand.state / "backups"))
    refused = stand.run("db", "upgrade")
    assert refused.returncode == 3
    assert f"pid {daemon.pid}" in refused.stderr


def test_a_second_daemon_is_refused(running: tuple[Stand, Daemon]) -> None:
    stand, daemon = running
    second = stand.run("run")
    assert second.returncode == 3
    assert f"pid {daemon.pid}" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert daemon.alive


def test_orders_of_the_operator_are_obeyed(running: tuple[Stand, Daemon]) -> None:
    stand, daemon = running
    assert asked(stand, "pause")["accepted"] is True
    assert asked(stand, "status")["wanted_mode"] == "REDUCING"
    assert asked(stand, "resume")["accepted"] is True
    assert asked(stand, "rearm", code=3)["accepted"] is False
    assert "0.020" in asked(stand, "reduce", "0.4")["text"]
    daemon.await_protected("0.03")
    assert asked(stand, "flatten")["accepted"] is True
    daemon.await_flat()
    until(lambda: stand.venue.position() == 0, "the venue is flat")


def test_an_ordered_stop_is_exit_0_and_leaves_nothing() -> None:
    with Stand() as stand:
        daemon = stand.start_daemon()
        assert daemon.terminate() == 0
        assert not (stand.state / "control.sock").exists()
        from bot.app.embedded.process import living

        assert living(stand.state / "venue") is None
        status = stand.run("status")
        assert status.returncode == 3


def test_a_watching_bot_alerts_and_sends_nothing() -> None:
    with Stand() as stand:
        stand.start_venue()
        daemon = stand.start_daemon("--read-only")
        stand.venue.by_hand("BUY", "0.05")
        until(lambda: "not allowed to rescue" in daemon.text(), "the bare position is told")
        assert daemon.status()["unprotected"] == ["BTC/USDT:USDT LONG"]
        assert asked(stand, "doctor", code=3)["wrong"] == ["stops"]
        sent = {row["path"] for row in stand.venue.log(method="POST")}
        assert sent <= {"/fapi/v1/listenKey"}
