"""Runs that cannot hurt: a key that only reads, and live prices on a book of our own."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.e2e.lives import ENV
from tests.fakes.daemon import Daemon, Stand, until
from tests.fakes.embedded import make_certificate
from tests.fakes.led_daemon import FOLDER, LED_TO, WENT_TO
from tests.fakes.market_folder import flat_folder
from tests.fakes.tls_venue import KEY_FLAW

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-watching")]

LIVE = ("--mode", "live", "--yes-live", "--enforce", "full")
LISTENS = {"/fapi/v1/listenKey"}


@pytest.fixture(scope="module")
def reading() -> Iterator[Stand]:
    """A stand whose venue has the production names and gave out a key that may only read."""
    with Stand(**ENV) as stand:
        certificate, key = make_certificate()
        (stand.root / "ca.pem").write_bytes(certificate)
        (stand.root / "key.pem").write_bytes(key)
        stand.env |= {
            FOLDER: str(stand.root),
            WENT_TO: str(stand.root / "went-to"),
            "BREAKWATER_BREAKWATER__LIVE_CONFIRMED": "true",
            "BREAKWATER_BREAKWATER__BAR_S": "1",
        }
        stand.start_venue(module="tests.fakes.tls_venue", **{KEY_FLAW: "reads"})
        stand.env |= {
            LED_TO: str(stand.venue.port),
            "BREAKWATER_SECRET_BINANCE_LIVE_KEY": stand.venue.key,
            "BREAKWATER_SECRET_BINANCE_LIVE_SECRET": stand.venue.secret,
        }
        yield stand


def start(stand: Stand, *options: str) -> Daemon:
    return stand.start_daemon(*LIVE, *options, module="tests.fakes.led_daemon", ready=False)


def orders_sent(stand: Stand, since_ns: int) -> set[str]:
    rows = stand.venue.log(since_ns=since_ns)
    sent = [row["path"] for row in rows if row["method"] != "GET"]
    return {path for path in sent if "/_control" not in path}


@pytest.mark.parametrize("options", [("--read-only",), ()])
def test_a_key_that_only_reads_watches_and_warns(reading: Stand, options: tuple[str, ...]) -> None:
    """Asked for, or found out at the start: the bare position is told, and nothing is sent."""
    stand = reading
    began_ns = stand.venue.by_hand("BUY", "0.02")
    daemon = start(stand, *options)
    until(lambda: "not allowed to rescue" in daemon.text(), "the bare position is told")
    until(lambda: daemon.status()["unprotected"] == ["BTC/USDT:USDT LONG"], "and shown")
    stand.venue.move(80_150.0)
    until(lambda: daemon.status()["markets"][0]["last"] == 80_150.0, "prices are heard")
    assert ("the API key may not trade futures" in daemon.text()) == (not options)
    assert orders_sent(stand, began_ns) <= LISTENS
    assert daemon.terminate() == 0


def in_quarters(folder: Path) -> Path:
    """The still market of the other tests in bars of fifteen minutes: a dry run reads those."""
    hours = pq.read_table(flat_folder() / "candles.parquet").to_pylist()
    rows = [
        {**row, "timeframe": "15m", "time": row["time"] + timedelta(minutes=15 * quarter)}
        for row in hours
        for quarter in range(4)
    ]
    folder.mkdir()
    pq.write_table(pa.Table.from_pylist(rows), folder / "candles.parquet")
    return folder


def test_live_prices_fill_on_a_book_of_our_own() -> None:
    """`--scenario live`: public prices of another venue, trades and stops on the embedded one."""
    with Stand() as source, Stand(**ENV) as stand:
        quarters = str(in_quarters(source.root / "quarters"))
        source.start_venue(BREAKWATER_BREAKWATER__PAPER__SCENARIO=quarters)
        stand.env["BREAKWATER_BREAKWATER__PAPER__SOURCE"] = source.venue.url
        daemon = stand.start_daemon("--scenario", "live")
        until(lambda: daemon.status()["markets"][0]["mark"] == 80_000.0, "its price is ours")
        source.venue.move(80_060.0)
        until(lambda: daemon.status()["markets"][0]["mark"] == 80_060.0, "it follows")
        source.venue.move(80_120.0)
        until(stand.venue.covers, "a trade with its stop, here")
        daemon.await_protected()
        assert source.venue.position() == 0
        signed = [row for row in source.venue.log() if "signature" in row["params"]]
        assert {row["params"].get("symbol") for row in signed} <= {"BTCUSDT"}, "ours alone"
        (stop,) = stand.venue.stops()
        source.venue.move(float(stop["triggerPrice"]) - 50.0)
        until(lambda: stand.venue.position() == 0, "the stop fills when the price falls there")
        assert daemon.terminate() == 0
