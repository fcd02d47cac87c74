"""Numbers come back digit for digit, and news told twice changes nothing."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from bot.domain.errors import JournalBroken
from bot.domain.messages import (
    OrderAccepted,
    OrderNotFound,
    OrderOutcomeUnknown,
    OrderRefused,
    OrderUpdate,
    WalletUpdate,
)
from bot.domain.orders import OrderStatus
from bot.journal import orderlife
from bot.journal.store import open_in_memory, open_journal
from bot.journal.tables import TABLES
from tests.fakes.postgres import ON_SERVER, Unfenced, opener_on
from tests.unit.journal.stories import NOW_NS, HandClock, approved, fill, state

ROOT = Path(__file__).parents[3]
RUN = "run00001"
KEY = "bwrun00001-1-1"
S = 10**9
money = st.decimals(allow_nan=False, allow_infinity=False)
wild = st.builds(
    lambda sign, digits, exponent: Decimal((sign, tuple(digits), exponent)),
    st.integers(0, 1),
    st.lists(st.integers(0, 9), min_size=1, max_size=60),
    st.integers(-300, 300),
)


@pytest.fixture(scope="module", params=["sqlite", ON_SERVER])
def shelf(request):
    if request.param == "sqlite":
        store = open_in_memory(HandClock())
    else:
        postgres = request.getfixturevalue("postgres")
        server = postgres.server(postgres.database(request.getfixturevalue("blank_template")))
        store = opener_on(server, Unfenced(), HandClock())()
    yield store
    store.close()


@given(st.one_of(money, wild), st.integers(-(2**63), 2**63 - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_decimal_and_instant_comes_back_digit_for_digit(shelf, amount, instant_ns):
    shelf.append(RUN, 1, WalletUpdate(instant_ns, NOW_NS, amount, -amount, ""), ())
    row = shelf.rows("wallets", limit=1)[0]
    assert row["wallet_usd"].as_tuple() == amount.as_tuple()
    assert row["change_usd"].as_tuple() == (-amount).as_tuple()
    assert row["event_ns"] == instant_ns


@pytest.mark.parametrize("junk", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_no_money_is_nan_or_infinite(shelf, junk):
    with pytest.raises(JournalBroken, match="finite"):
        shelf.append(RUN, 1, WalletUpdate(1, 1, Decimal(junk), None, ""), ())


@given(st.text(max_size=80).filter(lambda text: text.isprintable()))
@settings(deadline=None)
def test_words_come_back_as_they_were(shelf, words):
    shelf.append(RUN, 1, WalletUpdate(1, 1, Decimal(1), None, words), ())
    assert shelf.rows("wallets", limit=1)[0]["cause"] == words


small = st.integers(0, 10).map(lambda lots: Decimal(lots) / 1000)
updates = st.builds(
    lambda status, filled, at: OrderUpdate(
        NOW_NS + at * S,
        NOW_NS + at * S,
        state(status=status, filled_qty=filled, event_ns=NOW_NS + at * S),
    ),
    st.sampled_from(OrderStatus),
    small,
    st.integers(0, 90),
)
outcomes = st.one_of(
    updates,
    st.builds(lambda at: OrderAccepted(NOW_NS + at, NOW_NS + at, KEY, "9001"), st.integers(0, 9)),
    st.just(OrderRefused(NOW_NS, NOW_NS, KEY, "-2019", "no margin")),
    st.just(OrderOutcomeUnknown(NOW_NS, NOW_NS, KEY, "timeout")),
    st.builds(lambda at: OrderNotFound(NOW_NS, NOW_NS + at * S, KEY), st.integers(0, 200)),
)


def emptied(store):
    with store._link.transaction("emptying it", writes=True) as connection:
        for table in ("intents", "orders", "order_notes", "fills", "decisions"):
            connection.execute(delete(TABLES[table]))
    return store


def replayed(shelf, events, times):
    store = emptied(shelf)
    store.intent(RUN, 0, approved(), NOW_NS)
    seen = []
    for event in events:
        for _ in range(times):
            store.append(RUN, 1, event, ())
        (row,) = store.rows("orders", limit=2)
        del row["id"]  # a server numbers on
        seen.append(row)
    return seen


@given(st.lists(outcomes, max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_news_told_twice_changes_nothing_and_fills_never_shrink(shelf, events):
    once = replayed(shelf, events, 1)
    assert once == replayed(shelf, events, 2)
    filled = [row["filled_qty"] for row in once]
    assert filled == sorted(filled)


@given(st.lists(updates, min_size=2, max_size=8))
def test_an_end_stays_an_end(events):
    order = events[0].order
    for event in events[1:]:
        after = orderlife.merged(order, event.order)
        if not order.status.is_live and order.status is not OrderStatus.LOST:
            assert after.status in (order.status, OrderStatus.FILLED)
        assert after.filled_qty == max(order.filled_qty, event.order.filled_qty)
        assert orderlife.merged(after, event.order) == after
        order = after


@given(st.lists(st.tuples(st.integers(1, 5), small), max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_each_trade_is_kept_once_with_its_first_facts(shelf, trades):
    store = emptied(shelf)
    first = {}
    for number, qty in trades:
        first.setdefault(str(number), qty)
        store.append(RUN, 1, fill(str(number), qty=qty), ())
    kept = {row["trade_id"]: row["qty"] for row in store.rows("fills", limit=99)}
    conflicts = {row["decision_id"] for row in store.rows("decisions", limit=99)}
    assert kept == first
    assert len(conflicts) == len({number for number, qty in trades if qty != first[str(number)]})


def write_on(store):
    for i in range(1_000):
        store.intent(RUN, i, approved(f"bwrun00001-{i}-2"), NOW_NS)


def test_a_full_database_refuses_the_write_and_takes_the_next_one(tmp_path):
    store = open_journal(tmp_path, HandClock())
    store.intent(RUN, 1, approved(), NOW_NS)
    pages = store._link.raw.execute("PRAGMA page_count").fetchone()[0]
    store._link.raw.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(JournalBroken, match=r"full.*free space on its disk"):
        store.save_snapshot(RUN, 1, NOW_NS, b"x" * 100_000)
    with pytest.raises(JournalBroken, match=r"free space"):
        write_on(store)
    kept = len(store.rows("intents", limit=9_999))
    store._link.raw.execute("PRAGMA max_page_count = 1000000")
    store.intent(RUN, 5_000, approved("bwrun00001-5000-1"), NOW_NS)
    assert len(store.rows("intents", limit=9_999)) == kept + 1
    assert store.load_snapshot() is None
    store.close()


LIMITED = """
import resource, signal, sys
from pathlib import Path
from bot.domain.errors import JournalBroken
from bot.journal.store import open_journal
from tests.unit.journal.stories import NOW_NS, HandClock, approved
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = open_journal(Path(sys.argv[1]), HandClock())
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
kept = 0
try:
    for i in range(10_000):
        store.intent("r", i, approved(f"bw-{i}"), NOW_NS)
        kept += 1
except JournalBroken as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.intent("r", kept, approved(f"bw-{kept}"), NOW_NS)
print(kept + 1, len(store.live_orders()))
store.close()
store = open_journal(Path(sys.argv[1]), HandClock())
print(kept + 1, len(store.live_orders()))
"""


def test_a_disk_that_fills_up_costs_the_write_and_no_more(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path],
        cwd=ROOT, check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert len(lines) == 3, done.stderr[-800:]
    assert "writing an intent: free space on its disk" in lines[0]
    for line in lines[1:]:
        wanted, found = line.split()
        assert wanted == found != "1"


ALREADY_FULL = """
import resource, signal, sys
from pathlib import Path
from bot.domain.errors import JournalBroken
from bot.journal.store import open_journal
from tests.unit.journal.stories import HandClock
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sys.dont_write_bytecode = True
for size in (0, 4_096, 60_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        open_journal(Path(sys.argv[1]) / str(size), HandClock())
    except JournalBroken as error:
        print(error, file=sys.stderr)
"""


def test_a_disk_already_full_refuses_the_start_in_one_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", ALREADY_FULL, tmp_path],
        cwd=ROOT, check=False, stderr=subprocess.PIPE, text=True, timeout=60,
    )  # fmt: skip
    lines = done.stderr.splitlines()
    assert len(lines) == 3, lines
    assert all("free space" in line and str(tmp_path) in line for line in lines)
