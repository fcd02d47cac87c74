"""One account, one holder: taken once, proven with every write, followed when it is silent."""

import os
import threading
import time

import pytest

from bot.app.clock import SystemClock
from bot.domain.errors import BotError, Fenced, JournalBroken, StateLocked
from bot.journal import fleet, lease
from bot.journal.lease import Candidate
from bot.journal.line import Line
from bot.journal.postgres import open_server_journal
from bot.journal.tenure import obtain, this_machine
from tests.process.proxy import Proxy
from tests.unit.journal.stories import NOW_NS, HandClock, approved

pytestmark = pytest.mark.xdist_group("postgres")
RUN = "run00001"
GONE_PID = 2**22 + 1  # above what Linux gives


def candidate(holder=RUN, *, key="k1", ttl_s=30.0, machine="elsewhere", pid=1):
    return Candidate(
        holder=holder, key_digest=key, mode="paper", ttl_s=ttl_s, host="h", machine=machine, pid=pid
    )


@pytest.fixture
def line(blank_database):
    made = Line(blank_database)
    lease.prepare(made)
    yield made
    made.close()


def second_line(line, account=None):
    server = line.server
    if account is not None:
        server = type(server)(url=server.url, account=account)
    return Line(server)


def test_a_held_lease_is_given_to_nobody_until_it_is_released(line):
    held = lease.take(line, candidate())
    assert held.token == 1
    assert lease.take(line, candidate("run00002")) is None
    assert lease.holder_of(line).holder == RUN
    held.release(line)
    assert lease.holder_of(line) is None
    assert lease.take(line, candidate("run00002")).token == 2


def test_of_many_takers_at_once_one_wins(line):
    won, faults = [], []

    def one(name):
        own = second_line(line)
        try:
            taken = lease.take(own, candidate(name))
            if taken is not None:
                won.append(taken.token)
        except BotError as error:
            faults.append(error)
        finally:
            own.close()

    threads = [threading.Thread(target=one, args=(f"run{i:05}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (won, faults) == ([1], [])


def test_one_key_under_two_names_is_one_account(line):
    lease.take(line, candidate())
    twin = second_line(line, "other")
    with pytest.raises(StateLocked, match="under the name main"):
        lease.take(twin, candidate("run00002"))
    assert lease.take(twin, candidate("run00002", key="k2")).token == 1
    twin.close()


def test_every_write_of_a_fenced_run_is_refused_and_reads_go_on(line, clock):
    old = lease.take(line, candidate(ttl_s=0.0))
    store = open_server_journal(line.server, old, clock)
    store.intent(RUN, 1, approved(), NOW_NS)
    other = second_line(line)
    new = lease.take(other, candidate("run00002"))
    assert new.token == old.token + 1
    for write in (
        lambda: store.intent(RUN, 2, approved("bwrun00001-2-1"), NOW_NS),
        lambda: store.save_snapshot(RUN, 2, NOW_NS, b"late"),
        lambda: old.renew(line, ""),
    ):
        with pytest.raises(Fenced, match="run run00002 on h drives it now"):
            write()
    assert len(store.live_orders()) == 1
    assert store.load_snapshot() is None
    successor = open_server_journal(line.server, new, clock)
    assert [order.client_order_id for order in successor.live_orders()] == ["bwrun00001-1-1"]
    successor.intent("run00002", 1, approved("bwrun00002-1-1"), NOW_NS)
    for each in (store, successor, other):
        each.close()


def test_a_taker_waits_for_a_write_under_way_and_finds_it(line, clock):
    """The lock that `prove` takes orders them: the write is kept, and only then the lease moves."""
    old = lease.take(line, candidate(ttl_s=0.0))
    store = open_server_journal(line.server, old, clock)
    other = second_line(line)
    taken = []
    taker = threading.Thread(target=lambda: taken.append(lease.take(other, candidate("run00002"))))
    with store._link.transaction("holding on", writes=True):
        taker.start()
        assert not until(lambda: taken, 0.3)
    taker.join(5.0)
    assert taken[0].token == 2
    with pytest.raises(Fenced):
        store.intent(RUN, 1, approved(), NOW_NS)
    other.close()
    store.close()


def test_a_renewal_does_not_wait_for_a_write_under_way(line, clock):
    held = lease.take(line, candidate())
    store = open_server_journal(line.server, held, clock)
    other = second_line(line)
    with store._link.transaction("holding on", writes=True):
        before = lease.holder_of(other).renewed_s
        held.renew(other, "")
        assert lease.holder_of(other).renewed_s > before
    other.close()
    store.close()


def until(look, patience_s=10.0):
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.01)
    return None


def test_a_leader_cut_off_in_a_commit_does_not_hold_its_follower_up(postgres, line, clock):
    """The server itself ends the transaction of one that is silent in it."""
    database = line.server.url.rpartition("/")[2]
    with Proxy(postgres.port) as proxy:
        old = lease.take(line, candidate(ttl_s=0.0))
        far = postgres.server(database, port=proxy.port)
        store = open_server_journal(far, old, clock)
        with pytest.raises(JournalBroken):
            cut_off_in_a_write(store, proxy, lambda: until(lambda: taken_or_none(line)))
        assert lease.holder_of(line).token == 2
        store.close()


def cut_off_in_a_write(store, proxy, meanwhile):
    with store._link.transaction("cut off", writes=True) as connection:
        connection.exec_driver_sql("SELECT 1")
        proxy.black_hole = True
        assert meanwhile().token == 2
        connection.exec_driver_sql("SELECT 1")


def taken_or_none(line):
    try:
        return lease.take(line, candidate("run00002"))
    except JournalBroken:  # its own lock deadline
        return None


def test_a_renewed_lease_outlives_its_time_and_a_partition_ends_it(postgres, blank_database):
    database = blank_database.url.rpartition("/")[2]
    with Proxy(postgres.port) as proxy:
        far = postgres.server(database, port=proxy.port)
        tenure = obtain(far, candidate(ttl_s=1.2), SystemClock(), standby=False)
        near = Line(blank_database)
        first = lease.holder_of(near)
        assert until(lambda: lease.holder_of(near).renewed_s > first.renewed_s + 1.2)
        assert tenure.held()
        proxy.black_hole = True
        assert until(lambda: not tenure.held())
        follower = obtain(blank_database, candidate("run00002"), SystemClock(), standby=True)
        assert follower.token == tenure.token + 1
        proxy.black_hole = False
        assert not tenure.held(), "what was lost is never regained"
        tenure.close()
        assert follower.held()
        assert lease.holder_of(near).holder == "run00002"
        follower.close()
        near.close()


def test_a_holder_stops_before_the_server_gives_its_lease_away(line):
    clock = HandClock()
    tenure = obtain(line.server, candidate(ttl_s=30.0), clock, standby=False)
    clock.at_ns += int(23.9e9)
    assert tenure.held()
    clock.at_ns += int(0.2e9)
    assert not tenure.held()
    assert lease.take(line, candidate("run00002")) is None, "the server still keeps it"
    tenure.close()


def test_a_second_run_is_refused_by_a_living_one_and_a_standby_follows_its_end(blank_database):
    clock = SystemClock()
    leader = obtain(blank_database, candidate(ttl_s=1.5), clock, standby=False)
    with pytest.raises(StateLocked, match=r"run run00001 on h .* drives this account"):
        obtain(blank_database, candidate("run00002"), clock, standby=False)
    said, taken = [], []
    waiting = threading.Thread(
        target=lambda: taken.append(
            obtain(blank_database, candidate("run00003"), clock, standby=True, say=said.append)
        )
    )
    waiting.start()
    near = Line(blank_database)
    assert until(lambda: [row for row in fleet.overview(near) if row["standbys"] == 1])
    assert not taken
    leader.close()
    waiting.join(10.0)
    assert taken[0].token == 2
    assert "standing by: run run00001" in said[0]
    assert fleet.overview(near)[0]["standbys"] == 0
    taken[0].close()
    near.close()


def test_one_whose_process_ended_here_is_not_waited_for(line):
    here = this_machine("box")
    lease.take(line, candidate(machine=here, pid=GONE_PID))
    follower = obtain(
        line.server, candidate("run00002", machine=here, pid=os.getpid()), SystemClock(),
        standby=False,
    )  # fmt: skip
    assert follower.token == 2
    follower.close()
    assert this_machine("box") != this_machine("other")


def test_orders_reach_their_account_once_and_old_ones_nobody(line):
    clock = SystemClock()
    tenure = obtain(line.server, candidate(), clock, standby=False)
    ids = fleet.give(line, ["main", "nobody"], "flatten", "anna")
    (order,) = until(tenure.ordered)
    assert (order.order_id, order.name, order.operator) == (ids[0], "flatten", "anna")
    tenure.answer(order.order_id, "closing", accepted=True)
    assert until(lambda: fleet.answered(line, ids)) == {ids[0]: (True, "closing")}
    with line.transaction("growing old") as connection:
        connection.exec_driver_sql(
            "INSERT INTO breakwater.orders (account, name, args, operator, given_at)"
            " VALUES ('main', 'flatten', '{}', 'anna', clock_timestamp() - interval '2 minutes')"
        )
    fleet.give(line, ["main"], "pause", "anna")
    assert [each.name for each in until(tenure.ordered)] == ["pause"]
    tenure.tell('{"mode": "ACTIVE"}')
    tenure.close()


def test_a_server_that_is_away_is_one_line(postgres):
    away = postgres.server("nowhere")
    with pytest.raises(JournalBroken, match=r"nowhere.* does not exist.*check state.url") as told:
        obtain(away, candidate(), SystemClock(), standby=False)
    assert "\n" not in str(told.value)
    closed = type(away)(url="postgresql+pg8000://u@127.0.0.1:1/db", account="main")
    with pytest.raises(JournalBroken, match="check the server and the network"):
        obtain(closed, candidate(), SystemClock(), standby=False)
