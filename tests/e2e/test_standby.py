"""Two daemons, one account, one PostgreSQL server: one drives, the other follows its end."""

import json
import time
from decimal import Decimal
from typing import Any

import pytest

from tests.e2e.lives import ENV, Measured
from tests.fakes.daemon import Daemon, Stand, until
from tests.fakes.market_folder import PRICE
from tests.fakes.postgres import Postgres
from tests.process.proxy import Proxy

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("postgres")]

TAKEOVER_S = 15.0
UNHEALTHY = 3
LEASE_S = "4.0"


def state_env(url: str, host: str) -> dict[str, str]:
    """Each process stands for a machine of its own: nobody sees that the other's pid is gone."""
    return {
        "BREAKWATER_STATE__URL": url,
        "BREAKWATER_STATE__HOST": host,
        "BREAKWATER_STATE__LEASE_S": LEASE_S,
        **ENV,
    }


@pytest.fixture
def pair():
    with Stand() as first, Stand() as second:
        second.state.mkdir(mode=0o700)
        first.start_venue(roomy=True)
        (second.state / "venue").symlink_to(first.state / "venue")
        yield first, second


def standing_by(second: Stand, url: str) -> Daemon:
    standby = second.start_daemon("--standby", ready=False, **state_env(url, "two"))
    until(lambda: "standing by: run" in standby.text(), "it stands by")
    return standby


def test_a_standby_follows_a_killed_leader_and_protects_first(
    pair: tuple[Stand, Stand], postgres: Postgres, measured: Measured
) -> None:
    first, second = pair
    url = postgres.url(postgres.database())
    leader = first.start_daemon(**state_env(url, "one"))
    standby = standing_by(second, url)
    venue = first.venue
    venue.move(PRICE + 150.0)
    until(lambda: venue.covers() and venue.targets(), "a trade with stop and target")
    before = leader.await_protected()
    leader.kill()
    began = time.monotonic()
    venue.fault("cancel_conditional")  # what the dead one left behind goes as well
    until(lambda: not venue.covers(), "bare")
    venue.clear_faults()
    until(venue.covers, "the follower protects", TAKEOVER_S)
    took_s = time.monotonic() - began
    measured("kill -9 -> covered by the standby", took_s)
    after = standby.await_protected(before["qty"])
    for key in ("qty", "entry_price", "target_price"):
        assert Decimal(after[key]) == Decimal(before[key]), key
    assert (after["opened_by"], after["side"]) == (before["opened_by"], before["side"])
    entries = [row for row in standby.journal("intents") if row["purpose"] == "ENTRY"]
    assert len(entries) == 1, "the signal was not traded again"
    assert standby.terminate() == 0
    assert "Traceback" not in standby.text()


def test_a_leader_cut_off_from_its_state_stops_by_itself_and_is_fenced(
    pair: tuple[Stand, Stand], postgres: Postgres, measured: Measured
) -> None:
    first, second = pair
    database = postgres.database()
    with Proxy(postgres.port) as proxy:
        far = postgres.url(database, port=proxy.port)
        leader = first.start_daemon(**state_env(far, "one"))
        run_id = leader.status()["run_id"]
        standby = standing_by(second, postgres.url(database))
        venue = first.venue
        venue.by_hand("BUY", "0.02")
        leader.await_protected("0.02")
        proxy.black_hole = True
        began = time.monotonic()
        venue.move(PRICE + 150.0)  # the trip wire wishes an entry; its intent cannot be written
        assert leader.ended() == UNHEALTHY
        measured("partition -> the leader ends", time.monotonic() - began)
        last = leader.text().strip().splitlines()[-1]
        assert "the daemon ends: account main" in last
        assert "stops stay at the venue" in last
        assert "Traceback" not in leader.text()
        standby.await_protected("0.02", TAKEOVER_S)
        measured("partition -> protected by the standby", time.monotonic() - began)
        asked = venue.log(method="POST", path="/order")
        names = {row["params"].get("newClientOrderId", "") for row in asked}
        written = {row["client_order_id"] for row in standby.journal("intents")}
        assert {name for name in names if name.startswith(f"bw{run_id}")} <= written
        proxy.black_hole = False
        assert standby.terminate() == 0


def test_a_fleet_is_seen_and_flattened(pair: tuple[Stand, Stand], postgres: Postgres) -> None:
    first, _ = pair
    url = postgres.url(postgres.database())
    env = {**state_env(url, "one"), "BREAKWATER_STATE__ACCOUNT": "anna"}
    nobody = json.loads(first.run("fleet", "status", "--json", **env).stdout)
    assert nobody == {"accounts": []}
    leader = first.start_daemon(**env)
    first.venue.by_hand("BUY", "0.02")
    leader.await_protected("0.02")

    def told() -> dict[str, Any] | None:
        (row,) = json.loads(first.run("fleet", "status", "--json", **env).stdout)["accounts"]
        return row if row["state"] and row["state"]["positions"] == 1 else None

    row = until(told, "the fleet is told of the position")
    assert (row["account"], row["driven"], row["host"]) == ("anna", True, "one")
    assert row["state"]["unprotected"] == []
    risk = json.loads(first.run("fleet", "risk", "--json", **env).stdout)
    (btc,) = risk["exposure"]
    assert (btc["asset"], risk["unknown"]) == ("BTC", [])
    assert btc["net_usd"] == pytest.approx(0.02 * PRICE, rel=0.05)
    assert [shock["within_budget"] for shock in risk["shocks"]] == [True] * 4
    unknown = first.run("fleet", "flatten", "--account", "berta", "--json", **env)
    assert unknown.returncode == UNHEALTHY
    assert "nobody drives" in json.loads(unknown.stdout)["accounts"][0]["answer"]
    done = first.run("fleet", "flatten", "--all", "--json", **env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["accounts"][0]["accepted"] is True
    until(lambda: first.venue.position() == 0, "flat")
    leader.await_flat()
    row = leader.journal("commands")[0]
    assert row["name"] == "flatten"
    assert row["operator"].startswith("fleet:")
    away = {**env, "BREAKWATER_STATE__URL": "postgresql+pg8000://u@127.0.0.1:1/none"}
    lost = first.run("fleet", "status", **away)
    assert lost.returncode == UNHEALTHY
    (line,) = lost.stderr.strip().splitlines()
    assert "check the server and the network to it" in line


def test_one_budget_of_a_database_latches_every_daemon_and_outlives_a_death(
    postgres: Postgres,
) -> None:
    url = postgres.url(postgres.database())
    budget = {
        "BREAKWATER_ACCOUNTS__FLEET_LOSS_BUDGET_FRAC": "0.04",
        "BREAKWATER_STATE__LEASE_S": "20.0",  # who drives is not what is tried here
    }
    with Stand() as one, Stand() as two:
        stands = {"anna": one, "berta": two}
        envs = {
            name: {**state_env(url, name), **budget, "BREAKWATER_STATE__ACCOUNT": name}
            for name in stands
        }
        for stand in stands.values():
            stand.start_venue(roomy=True)
        daemons = {name: stands[name].start_daemon(**envs[name]) for name in stands}
        for name, stand in stands.items():
            stand.venue.by_hand("BUY", "0.1")
            daemons[name].await_protected("0.1")
            until(stand.venue.covers, "stopped at the venue")
        for stand in stands.values():
            stand.venue.move(PRICE * 0.94)
        for name, stand in stands.items():
            until(lambda s=stand: s.venue.position() == 0, f"{name} is closed")
            until(lambda d=daemons[name]: d.status()["latched"], f"{name} is latched")
            drawdown_frac = daemons[name].status()["drawdown_frac"]
            assert drawdown_frac < 0.19, "by the joint budget: its own floor was not reached"
        daemons["anna"].kill()
        again = one.start_daemon(ready=False, **envs["anna"])
        until(lambda: again.status()["latched"], "it outlives a death")
        assert again.terminate() == 0
        assert daemons["berta"].terminate() == 0
