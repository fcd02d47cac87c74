"""What goes into the journal comes out, once, exact, in order."""

import stat
from decimal import Decimal

import msgspec
import pytest
from sqlalchemy import update

from bot.domain.account import IncomeRow, MarginMode, PositionState
from bot.domain.errors import DataInvalid, JournalBroken
from bot.domain.market import MarkPrice
from bot.domain.messages import (
    Answer,
    CancelOrder,
    Command,
    CoverageReported,
    IncomeBooked,
    MarginAdjusted,
    Notify,
    OrderAccepted,
    OrderNotFound,
    OrderOutcomeUnknown,
    OrderRefused,
    OrderUpdate,
    PositionUpdate,
    Record,
    RecordEquity,
    RecordMode,
    Started,
    SubmitOrder,
    TimerFired,
    WalletUpdate,
)
from bot.domain.orders import OrderKind, OrderSide, OrderStatus, PositionSide, Purpose, TriggerBy
from bot.domain.risk import Severity, TradingMode
from bot.journal.store import open_in_memory, open_journal
from bot.journal.tables import TABLES
from tests.unit.journal.stories import BTC, NOW_NS, HandClock, approved, decision, fill, state

RUN = "run00001"
S = 10**9
TICK = TimerFired("t", NOW_NS, NOW_NS)


def order_update(**changes):
    order = state(**changes)
    return OrderUpdate(order.event_ns, order.event_ns, order)


def status_of(store, key="bwrun00001-1-1"):
    return {row["client_order_id"]: row["status"] for row in store.rows("orders", limit=100)}[key]


def test_the_state_is_private_and_commits_reach_the_disk(file_store, home):
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in home.iterdir()} == {0o600}
    pragma = {
        name: file_store._link.raw.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "locking_mode", "foreign_keys")
    }
    assert pragma == {
        "journal_mode": "wal",
        "synchronous": 2,
        "locking_mode": "exclusive",
        "foreign_keys": 1,
    }


def test_a_wide_open_state_directory_is_closed(tmp_path, clock):
    folder = tmp_path / "wide"
    folder.mkdir(mode=0o755)
    open_journal(folder, clock).close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_intent_is_a_live_order_until_its_end_is_known(store):
    order = approved(
        kind=OrderKind.STOP_MARKET,
        purpose=Purpose.STOP,
        side=OrderSide.SELL,
        trigger_price=Decimal("74123.40"),
        hedged=True,
    )
    store.intent(RUN, 7, order, NOW_NS)
    (live,) = store.live_orders()
    assert live.status is OrderStatus.PENDING
    assert (live.qty, live.trigger_price) == (Decimal("0.010"), Decimal("74123.40"))
    assert (live.position_side, live.trigger_by) == (PositionSide.LONG, TriggerBy.MARK)
    store.append(RUN, 8, OrderAccepted(NOW_NS, NOW_NS, order.client_order_id, "77"), ())
    (live,) = store.live_orders()
    assert (live.status, live.venue_order_id) == (OrderStatus.WORKING, "77")
    store.append(RUN, 9, order_update(status=OrderStatus.FILLED, kind=order.kind), ())
    assert store.live_orders() == ()


def test_telling_an_intent_twice_is_harmless_and_reusing_its_id_is_refused(store):
    store.intent(RUN, 1, approved(), NOW_NS)
    store.intent(RUN, 1, approved(), NOW_NS + 5)
    assert len(store.rows("intents", limit=9)) == 1
    with pytest.raises(JournalBroken, match=r"bwrun00001-1-1 was used by another order"):
        store.intent(RUN, 2, approved(qty="0.011"), NOW_NS)
    assert store.rows("intents", limit=9)[0]["qty"] == Decimal("0.010")


def test_a_protecting_order_is_journaled_with_its_step(store):
    stop = approved(purpose=Purpose.STOP, kind=OrderKind.STOP_MARKET, trigger_price=Decimal(74000))
    store.append(RUN, 1, TICK, [SubmitOrder(stop)])
    store.append(RUN, 1, TICK, [SubmitOrder(stop)])
    assert len(store.rows("intents", limit=9)) == 1
    assert store.live_orders()[0].client_order_id == stop.client_order_id


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([OrderRefused(NOW_NS, NOW_NS, "bwrun00001-1-1", "-2019", "margin")], "REJECTED"),
        ([OrderOutcomeUnknown(NOW_NS, NOW_NS, "bwrun00001-1-1", "timeout")], "UNKNOWN"),
        (
            [
                OrderOutcomeUnknown(NOW_NS, NOW_NS, "bwrun00001-1-1", "timeout"),
                OrderAccepted(NOW_NS, NOW_NS, "bwrun00001-1-1", "5"),
            ],
            "WORKING",
        ),
        ([OrderNotFound(NOW_NS, NOW_NS + 2 * S, "bwrun00001-1-1")], "PENDING"),
        ([OrderNotFound(NOW_NS, NOW_NS + 61 * S, "bwrun00001-1-1")], "LOST"),
        (
            [
                OrderNotFound(NOW_NS, NOW_NS + 61 * S, "bwrun00001-1-1"),
                order_update(status=OrderStatus.WORKING),
            ],
            "WORKING",
        ),
        (
            [
                order_update(status=OrderStatus.FILLED, filled_qty=Decimal("0.010")),
                order_update(status=OrderStatus.WORKING, event_ns=NOW_NS + S),
                OrderAccepted(NOW_NS, NOW_NS, "bwrun00001-1-1", "5"),
                OrderRefused(NOW_NS, NOW_NS, "bwrun00001-1-1", "-1", "late"),
                OrderOutcomeUnknown(NOW_NS, NOW_NS, "bwrun00001-1-1", "late"),
            ],
            "FILLED",
        ),
        (
            [
                order_update(status=OrderStatus.CANCELLED),
                order_update(status=OrderStatus.FILLED, filled_qty=Decimal("0.010")),
            ],
            "FILLED",
        ),
        (
            [
                order_update(status=OrderStatus.TRIGGERING, event_ns=NOW_NS + 2 * S),
                order_update(status=OrderStatus.WORKING, event_ns=NOW_NS + S),
            ],
            "TRIGGERING",
        ),
    ],
)
def test_late_and_doubled_news_never_undo_an_end(store, events, status):
    store.intent(RUN, 1, approved(), NOW_NS)
    for seq, event in enumerate(events):
        store.append(RUN, 2 + seq, event, ())
        store.append(RUN, 2 + seq, event, ())
    assert status_of(store) == status
    assert bool(store.live_orders()) is OrderStatus(status).is_live


def test_filled_quantity_only_grows(store):
    store.append(RUN, 1, order_update(filled_qty=Decimal("0.006"), event_ns=NOW_NS), ())
    late = order_update(filled_qty=Decimal("0.002"), event_ns=NOW_NS + S, venue_order_id="")
    store.append(RUN, 2, late, ())
    (row,) = store.rows("orders", limit=5)
    assert (row["filled_qty"], row["venue_order_id"]) == (Decimal("0.006"), "9001")


def test_a_human_s_orders_are_kept_apart_from_ours(store):
    store.append(RUN, 1, order_update(client_order_id="web_1"), ())
    store.append(RUN, 2, order_update(client_order_id="", venue_order_id="31"), ())
    assert store.live_orders() == ()
    assert [row["ours"] for row in store.rows("orders", limit=5)] == [False, False]
    store.append(RUN, 3, order_update(client_order_id="bwrun00001-c1"), ())
    assert [order.client_order_id for order in store.live_orders()] == ["bwrun00001-c1"]


def test_a_fill_is_kept_once_and_a_contradiction_is_written_up(store):
    first = fill(client_order_id="")
    for event in (first, first, fill(is_maker=False), fill(received_ns=NOW_NS + S)):
        store.append(RUN, 1, event, ())
    (row,) = store.rows("fills", limit=9)
    assert row["client_order_id"] == "bwrun00001-1-1"
    assert store.rows("decisions", limit=9) == []
    for _ in range(2):
        store.append(RUN, 2, fill(qty=Decimal("0.020")), ())
    (row,) = store.rows("fills", limit=9)
    assert row["qty"] == Decimal("0.010")
    (told,) = store.rows("decisions", limit=9)
    assert told["kind"] == "journal_conflict"
    assert (told["measured"], told["limit"]) == ("qty 0.020", "qty 0.010")


def test_an_execution_knows_the_purpose_of_its_order_and_a_hand_has_none(store):
    store.intent(RUN, 1, approved(purpose=Purpose.STOP), NOW_NS)
    store.append(RUN, 2, fill(), ())
    store.append(RUN, 3, fill(client_order_id="web_1", trade_id="77"), ())
    newest, first = store.exits(9)
    assert (newest["client_order_id"], newest["purpose"]) == ("web_1", None)
    assert (first["client_order_id"], first["purpose"]) == ("bwrun00001-1-1", "STOP")
    assert len(store.exits(1)) == 1


def test_a_trade_number_is_unique_per_symbol_only(store):
    store.append(RUN, 1, fill(), ())
    store.append(RUN, 1, fill(symbol="ETH/USDT:USDT"), ())
    assert len(store.rows("fills", limit=9)) == 2
    assert len(store.rows("fills", limit=9, symbol=BTC)) == 1


def test_income_is_booked_once_per_kind_id_and_symbol(store):
    def booked(**changes):
        row = IncomeRow(
            income_id="1", kind="FUNDING_FEE", asset="USDT", amount=Decimal("-0.123"),
            event_ns=NOW_NS, symbol=BTC,
        )  # fmt: skip
        return msgspec.structs.replace(row, **changes)

    ledger = (booked(), booked(kind="COMMISSION"), booked(symbol=""), booked())
    for _ in range(3):
        store.append(RUN, 1, IncomeBooked(NOW_NS, NOW_NS, ledger), ())
    assert len(store.rows("income", limit=9)) == 3
    contradiction = (booked(amount=Decimal("-0.124")),)
    store.append(RUN, 2, IncomeBooked(NOW_NS, NOW_NS, contradiction), ())
    assert len(store.rows("income", limit=9)) == 3
    assert store.rows("decisions", limit=1)[0]["measured"] == "amount -0.124"


def test_anchors_are_written_when_they_move(store):
    def point(at, high, day="9900", week="9800"):
        return RecordEquity(
            event_ns=at, equity_usd=Decimal(10_000), wallet_usd=Decimal(9_990),
            high_water_usd=Decimal(high), day_start_usd=Decimal(day), week_start_usd=Decimal(week),
        )  # fmt: skip

    for at, high in ((1, "10100"), (2, "10100.00"), (3, "10200")):
        store.append(RUN, at, TICK, [point(at, high)])
    assert len(store.rows("equity", limit=9)) == 3
    highs = [row["high_water_usd"] for row in store.rows("anchors", limit=9)]
    assert highs == [Decimal(10_200), Decimal(10_100)]


def test_coverage_is_written_when_it_says_something_new(store):
    def report(covered=True, action="", side=PositionSide.LONG):
        return CoverageReported(NOW_NS, NOW_NS, BTC, side, covered, action, "bwrun00001-c1")

    for event in (report(), report(), report(side=PositionSide.SHORT), report(), report(False),
                  report(True, "stop placed"), report(True, "stop placed")):  # fmt: skip
        store.append(RUN, 1, event, ())
    assert [row["covered"] for row in store.rows("coverage", limit=9)] == [True, False, True, True]


def test_positions_wallets_modes_notices_commands_and_answers(store):
    leg = PositionState(
        symbol=BTC, side=PositionSide.LONG, qty=Decimal("0.5"), entry_price=Decimal("76000.1"),
        margin_mode=MarginMode.ISOLATED, event_ns=NOW_NS, leverage=5,
        venue_liq_price=Decimal("61123.456"),
    )  # fmt: skip
    command = Command(
        command_id="c1", name="reduce", args={"share": "0.5"}, operator="anna",
        event_ns=NOW_NS, received_ns=NOW_NS,
    )  # fmt: skip
    store.append(RUN, 0, Started(run_id=RUN, event_ns=NOW_NS, received_ns=NOW_NS), ())
    store.append(RUN, 1, PositionUpdate(NOW_NS, NOW_NS, leg, "ORDER"), ())
    store.append(RUN, 2, WalletUpdate(NOW_NS, NOW_NS, Decimal("9990.5"), None, "DEPOSIT"), ())
    store.append(
        RUN,
        3,
        command,
        [
            RecordMode(NOW_NS, TradingMode.REDUCING, False, "operator"),
            Notify(event_ns=NOW_NS, severity=Severity.WARNING, kind="mode", text="reducing"),
            Answer("c1", True, "half is being closed"),
        ],
    )
    store.append(
        RUN, 4, MarginAdjusted(NOW_NS, NOW_NS, BTC, PositionSide.LONG, Decimal(5), False, "no"), ()
    )
    (row,) = store.rows("positions", limit=9)
    assert (row["qty"], row["margin_mode"], row["leverage"]) == (Decimal("0.5"), "ISOLATED", 5)
    assert (row["adl_rank"], row["isolated_margin_usd"]) == (None, None)
    assert store.rows("wallets", limit=9)[0]["change_usd"] is None
    assert store.rows("modes", limit=9)[0]["mode"] == "REDUCING"
    assert [row["text"] for row in store.rows("notices", limit=9)] == [
        "LONG margin not added: 5 USD: no",
        "reducing",
    ]
    assert store.rows("commands", limit=9)[0]["args"] == '{"share": "0.5"}'
    assert store.rows("answers", limit=9)[0]["accepted"] is True
    assert store.rows("runs", limit=9)[0]["read_only"] is False


def everything(store):
    return {name: store.rows(name, limit=1_000) for name in TABLES}


def test_market_events_leave_nothing(store):
    before = everything(store)
    store.append(RUN, 1, MarkPrice(BTC, NOW_NS, NOW_NS, 76_000.0), ())
    store.append(RUN, 2, TICK, ())
    assert everything(store) == before


def test_one_call_is_one_commit(store):
    good = Record(decision("d1"))
    broken = Record(decision("d2", what=object()))
    with pytest.raises(JournalBroken, match="writing facts"):
        store.append(RUN, 1, TICK, [good, broken])
    assert store.rows("decisions", limit=9) == []
    store.append(RUN, 1, TICK, [good])
    assert len(store.rows("decisions", limit=9)) == 1


def test_the_newest_snapshot_is_loaded_and_twenty_are_kept(store):
    assert store.load_snapshot() is None
    for seq in range(25):
        store.save_snapshot(RUN, seq, NOW_NS + seq, bytes([seq]) * 1_000)
    assert store.load_snapshot() == bytes([24]) * 1_000
    kept = store.rows("snapshots", limit=99)
    assert [row["seq"] for row in kept] == list(range(24, 4, -1))
    assert "state" not in kept[0]


def test_a_flipped_bit_in_a_snapshot_is_noticed(store):
    store.save_snapshot(RUN, 1, NOW_NS, b"abc")
    with store._link.transaction("spoiling it", writes=True) as connection:
        connection.execute(update(TABLES["snapshots"]).values(state=b"abc\xff"))
    with pytest.raises(JournalBroken, match="snapshot 1 is damaged"):
        store.load_snapshot()


def test_everything_is_there_after_closing_and_opening(opens):
    first = opens()
    first.intent(RUN, 1, approved(), NOW_NS)
    first.append(RUN, 1, fill(), [Record(decision("d1"))])
    first.save_snapshot(RUN, 1, NOW_NS, b"state")
    first.close()
    first.close()
    with pytest.raises(JournalBroken, match="closed"):
        first.rows("fills", limit=1)
    second = opens()
    assert second.load_snapshot() == b"state"
    assert len(second.live_orders()) == 1
    assert second.rows("decisions", limit=1)[0]["decision_id"] == "d1"
    second.close()


@pytest.mark.parametrize(
    ("table", "limit", "symbol", "words"),
    [
        ("fils", 5, "", "no table 'fils': choose one of anchors, answers"),
        ("fills", 0, "", "limit 0"),
        ("fills", 10**9, "", "limit 1000000000"),
        ("equity", 5, BTC, "no symbols"),
    ],
)
def test_a_question_that_makes_no_sense_is_told_so(store, table, limit, symbol, words):
    with pytest.raises(DataInvalid, match=words):
        store.rows(table, limit=limit, symbol=symbol)


def test_why_follows_causes_back_and_forth_and_leaves_siblings_out(store):
    command = Command(
        command_id="c1", name="reduce", args={}, operator="anna", event_ns=NOW_NS,
        received_ns=NOW_NS,
    )  # fmt: skip
    cut = approved("bwrun00001-2-3", purpose=Purpose.CUT, side=OrderSide.SELL)
    store.append(
        RUN, 1, command,
        [
            Record(decision("d1", cause="c1", what="reduce asked")),
            Record(decision("d2", cause="d1", client_order_id="bwrun00001-2-3", event_ns=NOW_NS)),
            SubmitOrder(cut),
            Record(decision("sibling", cause="d1", what="something else")),
            Answer("c1", True, "done"),
        ],
    )  # fmt: skip
    sold = fill(client_order_id="bwrun00001-2-3", event_ns=NOW_NS + S, side=OrderSide.SELL)
    after = decision("d3", cause="bwrun00001-2-3", event_ns=NOW_NS + 2 * S, what="stop re-sized")
    store.append(RUN, 2, sold, [Record(after)])
    store.append(RUN, 3, TICK, [Record(decision("stranger", cause="elsewhere"))])

    def told(ref):
        rows = store.why(ref)
        assert [row["event_ns"] for row in rows] == sorted(row["event_ns"] for row in rows)
        return [row.get("decision_id") or row["table"] for row in rows]

    chain = ["commands", "d1", "d2", "intents", "orders", "order_notes"]
    assert told("bwrun00001-2-3") == [*chain, "answers", "fills", "d3"]
    assert told("d2") == told("bwrun00001-2-3") == told("t1")
    assert told("d3") == told("bwrun00001-2-3")
    assert "sibling" in told("c1")
    assert told("sibling") == ["commands", "d1", "sibling", "answers"]
    assert told("nothing") == told("") == []


def test_why_ends_on_circles_and_on_crowds(store):
    circle = [Record(decision(f"d{i}", cause=f"d{(i + 1) % 3}")) for i in range(3)]
    store.append(RUN, 1, TICK, circle)
    assert len(store.why("d0")) == 3
    crowd = [Record(decision(f"k{i}", cause="timer")) for i in range(1_500)]
    store.append(RUN, 2, TICK, crowd)
    assert 0 < len(store.why("timer")) <= 1_000


def test_a_cancel_is_part_of_an_order_s_story(store):
    store.intent(RUN, 1, approved(), NOW_NS)
    cancel = CancelOrder(
        symbol=BTC, client_order_id="bwrun00001-1-1", venue_order_id="", conditional=False,
        protecting=False, reason="stale",
    )  # fmt: skip
    store.append(RUN, 2, TICK, [cancel])
    notes = [row["what"] for row in store.why("bwrun00001-1-1") if row["table"] == "order_notes"]
    assert notes == ["INTENT", "CANCEL_SENT"]


def test_a_journal_in_memory_is_the_same_journal():
    store = open_in_memory(HandClock())
    store.intent(RUN, 1, approved(), NOW_NS)
    store.save_snapshot(RUN, 1, NOW_NS, b"x")
    assert store.load_snapshot() == b"x"
    assert len(store.live_orders()) == 1
    store.close()


@pytest.mark.parametrize("name", ["journal.db", "journal.db-wal"])
@pytest.mark.parametrize("trouble", ["removed", "replaced", "moved away"])
def test_a_file_that_is_no_longer_there_takes_nothing_more(file_store, home, name, trouble):
    """SQLite would go on writing into the nameless file, and the next life would know nothing."""
    file_store.append(RUN, 1, TICK, [Record(decision("a"))])
    path, aside = home / name, home / "aside"
    path.rename(aside)
    if trouble == "replaced":
        path.write_bytes(aside.read_bytes())
    if trouble == "removed":
        aside.unlink()
    for write in (
        lambda: file_store.intent(RUN, 2, approved(), NOW_NS),
        lambda: file_store.append(RUN, 2, TICK, [Record(decision("b"))]),
        lambda: file_store.rows("intents", limit=1),
    ):
        with pytest.raises(JournalBroken, match=rf"{name} was removed or replaced while it was"):
            write()
    if trouble == "moved away":
        aside.rename(path)
        assert file_store.intent(RUN, 2, approved(), NOW_NS) is not False
        assert [row["client_order_id"] for row in file_store.rows("intents", limit=9)] == [
            approved().client_order_id
        ]
