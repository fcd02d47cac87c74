"""From a page and from dropped files, through a whole daemon, into Threat and its evidence."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.fakes.daemon import Daemon, Stand, until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-sources")]


class Mood(BaseHTTPRequestHandler):
    """The page of fear and greed; `broken` makes it answer 500."""

    broken = False

    def do_GET(self) -> None:
        day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        body = b'{"data": [{"value": "9", "timestamp": "%d"}]}' % int(day.timestamp())
        self.send_response(500 if Mood.broken else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def page() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mood)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/fng/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def told(page: str) -> Iterator[tuple[Stand, Daemon]]:
    now = datetime.now(UTC)
    with Stand(
        BREAKWATER_SOURCES__FEAR_GREED__ENABLED="true",
        BREAKWATER_SOURCES__FEAR_GREED__URL=page,
        BREAKWATER_SOURCES__FEAR_GREED__EVERY_S="10",
    ) as stand:
        folder = stand.state / "sources"
        folder.mkdir(parents=True)
        yesterday = (now - timedelta(days=1)).date().isoformat()
        (folder / "btc_etf_net_flow_usd.csv").write_text(
            f"date,value\n{yesterday},-6e8\n{yesterday},NaN\n"
        )
        start, end = now - timedelta(hours=1), now + timedelta(hours=1)
        (folder / "event_calendar.csv").write_text(
            f"start,end,title\n{start.isoformat()},{end.isoformat()},rate decision\n"
        )
        (folder / "whales.csv").write_text(
            "address,symbol,side,liq_price,qty,as_of\n"
            f"0xabc,BTC/USDT:USDT,long,61000,1000,{start.isoformat()}\n"
        )
        yield stand, stand.start_daemon()


def test_readings_windows_and_positions_reach_the_judgement(told) -> None:
    _stand, daemon = told

    def judged() -> dict | None:
        row = daemon.ask("pulse")["markets"][0]
        fear = any("fear and greed 9" in line for line in row.get("evidence", ()))
        return row if fear and row["floor"] == 3 else None

    row = until(judged, "a judgement that knows of them", 90.0)
    assert row["threat"] >= 3
    assert "announced event: rate decision (event_calendar.csv)" in row["floor_reasons"]
    doc = daemon.ask("sources")
    readings = {each["name"]: each for each in doc["readings"]}
    assert readings["fear_greed"]["origin"] == "127.0.0.1"
    assert readings["btc_etf_net_flow_usd"]["origin"].endswith("btc_etf_net_flow_usd.csv")
    assert [each["label"] for each in doc["watched"]] == ["0xabc"]
    assert doc["windows"][0]["open"] is True
    near = daemon.ask("clusters")["clusters"][0]
    assert near["symbol"] == "BTC/USDT:USDT"


def test_status_and_doctor_name_the_row_that_was_left_out(told) -> None:
    stand, daemon = told

    def asked() -> dict[str, Any]:
        rows = {each["name"]: each for each in daemon.status()["sources"]}
        known = {name for name, row in rows.items() if row["live"] is not None}
        return rows if known >= {"fear_greed", "drop_in"} else {}

    rows = until(asked, "every source was asked once")
    assert rows["fear_greed"]["live"] is True
    assert (rows["drop_in"]["left_out"], rows["drop_in"]["live"]) == (1, True)
    checks = {each["name"]: each for each in daemon.ask("doctor")["checks"]}
    assert checks["source fear_greed"]["ok"] is True
    assert "btc_etf_net_flow_usd.csv: line 3: value was 'NaN'" in checks["source drop_in"]["found"]
    done = stand.run("sources", "--check", "--json")
    assert done.returncode == 3
    assert "line 3: value was 'NaN'" in done.stdout


def test_a_page_that_breaks_is_recorded_and_changes_no_reading(told) -> None:
    _stand, daemon = told
    Mood.broken = True
    try:
        until(
            lambda: not {r["name"]: r for r in daemon.status()["sources"]}["fear_greed"]["live"],
            "the page is down", 90.0,
        )  # fmt: skip
        line = "source.fear_greed for all symbols is down"
        until(
            lambda: line in [row["what"] for row in daemon.journal("decisions")],
            "the journal tells of it",
        )
        until(
            lambda: any(
                "fear and greed 9" in line for line in daemon.ask("pulse")["markets"][0]["evidence"]
            ),
            "what was read before stands",
        )
    finally:
        Mood.broken = False
