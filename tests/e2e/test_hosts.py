"""Where the bot turns to: production names over TLS in live and testnet mode, nowhere on paper."""

from pathlib import Path

import pytest

from tests.e2e.lives import ENV
from tests.fakes.daemon import Daemon, Stand, until
from tests.fakes.embedded import make_certificate
from tests.fakes.led_daemon import FOLDER, LED_TO, WENT_TO
from tests.fakes.tls_venue import KEY_FLAW

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-hosts")]

LIVE = {"fapi.binance.com", "fstream.binance.com", "api.binance.com"}
DEMO = {"demo-fapi.binance.com", "fstream.binancefuture.com"}
LOOPBACK = {"127.0.0.1", "localhost"}
ARGS = {
    "live": ("--mode", "live", "--yes-live", "--enforce", "full"),
    "testnet": ("--mode", "testnet"),
}


def went_to(path: Path, kind: str) -> set[str]:
    lines = path.read_text().splitlines() if path.exists() else []
    return {line.split(" ", 1)[1] for line in lines if line.startswith(f"{kind} ")}


@pytest.fixture
def led(stand: Stand) -> Stand:
    """A stand whose venue speaks TLS under the production names."""
    certificate, key = make_certificate()
    (stand.root / "ca.pem").write_bytes(certificate)
    (stand.root / "key.pem").write_bytes(key)
    stand.env |= {
        FOLDER: str(stand.root),
        WENT_TO: str(stand.root / "went-to"),
        "BREAKWATER_BREAKWATER__LIVE_CONFIRMED": "true",
        "BREAKWATER_BREAKWATER__BAR_S": "1",
        **ENV,
    }
    stand.start_venue(module="tests.fakes.tls_venue")
    stand.env |= {
        LED_TO: str(stand.venue.port),
        "BREAKWATER_SECRET_BINANCE_LIVE_KEY": stand.venue.key,
        "BREAKWATER_SECRET_BINANCE_LIVE_SECRET": stand.venue.secret,
        "BREAKWATER_SECRET_BINANCE_TESTNET_KEY": stand.venue.key,
        "BREAKWATER_SECRET_BINANCE_TESTNET_SECRET": stand.venue.secret,
    }
    return stand


@pytest.mark.parametrize(("mode", "hosts"), [("live", LIVE), ("testnet", DEMO)])
def test_orders_flow_with_the_production_addresses(led: Stand, mode: str, hosts: set[str]) -> None:
    daemon = led.start_daemon(*ARGS[mode], module="tests.fakes.led_daemon")
    venue = led.venue
    venue.move(80_150.0)
    until(venue.covers, "a trade with its stop")
    until(venue.targets, "and its target")
    assert daemon.await_protected()["opened_by"] == "trip_wire"
    began_ns = venue.by_hand("BUY", "0.01")
    until(lambda: venue.stops_asked(began_ns), "a stop for what a human added")
    names = went_to(led.root / "went-to", "name")
    assert names, "the names were resolved by us"
    assert names <= hosts
    assert {"fapi.binance.com" if mode == "live" else "demo-fapi.binance.com"} <= names
    assert went_to(led.root / "went-to", "address") <= LOOPBACK
    assert_no_secret_is_told(led, daemon)
    pid = venue.pid
    assert daemon.terminate() == 0
    assert led.venue.pid == pid
    assert led.venue.reachable(), "a real venue is not ours to end"
    assert led.venue.stops(), "the stop stays"


def assert_no_secret_is_told(stand: Stand, daemon: Daemon) -> None:
    told = daemon.text() + "".join(
        path.read_text("utf-8", "replace") for path in (stand.root / "logs").glob("*.jsonl")
    )
    assert stand.venue.secret not in told
    assert stand.venue.key not in told


def test_a_certificate_of_nobody_is_not_believed(led: Stand) -> None:
    """Another CA vouches for the names: the daemon must not send a single order or key."""
    certificate, _ = make_certificate()
    other = led.root / "other"
    other.mkdir()
    (other / "ca.pem").write_bytes(certificate)
    daemon = led.start_daemon(
        *ARGS["live"], module="tests.fakes.led_daemon", ready=False, **{FOLDER: str(other)}
    )
    until(lambda: "ertificate" in daemon.text() or not daemon.alive, "it is said")
    assert not [row for row in led.venue.log() if row["params"].get("timestamp")], "no signature"
    daemon.kill()


def test_a_paper_run_turns_to_nobody_but_its_own_venue(stand: Stand) -> None:
    stand.env |= {WENT_TO: str(stand.root / "went-to"), **ENV}
    stand.start_venue()
    daemon = stand.start_daemon(module="tests.fakes.led_daemon")
    venue = stand.venue
    venue.move(80_150.0)
    until(venue.covers, "a trade with its stop")
    daemon.await_protected()
    daemon.ask("doctor")
    assert went_to(stand.root / "went-to", "address") == {"127.0.0.1"}
    assert went_to(stand.root / "went-to", "name") <= LOOPBACK


@pytest.mark.parametrize(
    ("flaw", "said"), [("withdraws", "may withdraw"), ("roams", "not bound to an address")]
)
def test_a_key_that_may_too_much_opens_nothing(led: Stand, flaw: str, said: str) -> None:
    """The venue says what the key may do; what a human opened is protected all the same."""
    for process in led.processes:
        process.kill()
    led.start_venue(module="tests.fakes.tls_venue", **{KEY_FLAW: flaw})
    led.env[LED_TO] = str(led.venue.port)
    daemon = led.start_daemon(*ARGS["live"], module="tests.fakes.led_daemon", ready=False)
    until(lambda: led.venue.log(path="/apiRestrictions"), "the key's rights are asked")
    assert "api.binance.com" in went_to(led.root / "went-to", "name")
    until(lambda: said in daemon.status()["mode_reason"], "the reason is told")
    led.venue.by_hand("BUY", "0.01")
    daemon.await_protected("0.01")
    assert daemon.status()["mode"] == "REDUCING"
    rows = {row["name"]: row["ok"] for row in daemon.ask("doctor")["checks"]}
    assert rows["key permissions"] is False
