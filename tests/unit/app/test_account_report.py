"""The account as its journal tells it: money net of transfers, nothing made up, no lock taken."""

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.app.cli.account_report import KEPT, thin_out
from bot.app.trying.reporting import Reporter, next_due
from bot.data.folder import read_folder
from bot.domain.account import IncomeRow
from bot.domain.errors import JournalBroken
from bot.domain.messages import IncomeBooked, Record, RecordEquity, TimerFired
from bot.domain.orders import OrderKind, OrderSide, Purpose
from bot.journal.reading import newest_backup, read_copy
from bot.journal.store import open_journal
from bot.lab.pages.account import account_document, account_of
from tests.fakes.market_folder import flat_folder
from tests.unit.journal.stories import BTC, HandClock, approved, decision, fill

RUN = "run00001"
HOUR = 3_600 * 10**9
START = 1_767_312_000 * 10**9
TICK = TimerFired("t", START, START)


def point(hour, usd):
    amount = Decimal(usd)
    return RecordEquity(
        event_ns=START + hour * HOUR, equity_usd=amount, wallet_usd=amount,
        high_water_usd=amount, day_start_usd=amount, week_start_usd=amount,
    )  # fmt: skip


def booked(hour, kind, amount):
    return IncomeRow(
        income_id=f"{kind}{hour}", kind=kind, asset="USDT", amount=Decimal(amount),
        event_ns=START + hour * HOUR, symbol=BTC if kind == "FUNDING_FEE" else "",
    )  # fmt: skip


def lived(folder):
    """A day: bought with a stop, stopped out, paid in 500, bought again by hand, still held."""
    store = open_journal(folder, HandClock(START))
    store.intent(RUN, 1, approved("bwrun00001-1-0"), START)
    stop = approved(
        "bwrun00001-1-1", purpose=Purpose.STOP, side=OrderSide.SELL, kind=OrderKind.STOP_MARKET,
        trigger_price=Decimal(75000),
    )  # fmt: skip
    store.intent(RUN, 2, stop, START + 2)
    fills = (
        ("t1", "bwrun00001-1-0", OrderSide.BUY, "76000", 1),
        ("t2", "bwrun00001-1-1", OrderSide.SELL, "74900", 5 * HOUR),
        ("t3", "web_1", OrderSide.BUY, "75500", 8 * HOUR),
    )
    for number, (trade, order, side, price, after) in enumerate(fills):
        one = fill(trade, order, side=side, price=Decimal(price), event_ns=START + after)
        store.append(RUN, 10 + number, one, ())
    money = (booked(2, "FUNDING_FEE", "-0.5"), booked(6, "TRANSFER", "500"))
    store.append(RUN, 20, IncomeBooked(START, START, money), ())
    equity = [(0, "10000"), (3, "9950"), (5, "9989"), (7, "10489"), (23, "10510")]
    for number, (hour, usd) in enumerate(equity):
        store.append(RUN, 30 + number, TICK, [point(hour, usd)])
    told = decision("d1", event_ns=START + HOUR)
    store.append(RUN, 40, TICK, [Record(told)])
    store.backup()
    store.close()
    return newest_backup(folder / "journal.db")


@pytest.fixture
def copy(tmp_path):
    return lived(tmp_path / "state")


def told(copy, folder=None, days=30):
    return account_of(
        read_copy(copy, days), mode="paper", profile="L20", slip_bps=15.0, folder=folder
    )


def test_equity_is_net_of_what_was_paid_in(copy):
    account, sections = told(copy)
    result = account.result
    assert (result.wallet_usd, result.final_equity_usd) == (10_000.0, 10_010.0)
    assert result.return_frac == pytest.approx(0.001)
    assert account.transfers_usd == 500.0
    assert result.max_drawdown_frac == pytest.approx(0.005)
    assert sections["costs"]["funding_usd"] == 0.5
    assert sections["months"][0]["equity_usd"] == 10_010.0


def test_a_trade_has_its_risk_and_what_a_hand_holds_is_no_trade_yet(copy):
    account, sections = told(copy)
    (trade,) = sections["trades"]
    assert (trade["entry"], trade["exit"], trade["left_by"]) == (76_000.0, 74_900.0, "STOP")
    assert trade["r"] == pytest.approx(-1.1)
    assert [mark.purpose for mark in account.result.traces.fills] == ["ENTRY", "STOP", "hand"]
    assert sections["stop_slippage"]["real_worst_bps"] == pytest.approx(100 / 75_000 * 1e4)


def test_prices_come_from_a_folder_or_are_not_there(copy):
    without, sections = told(copy)
    assert without.result.traces.bars == {BTC: []}
    assert "not without prices" in sections["cuts"]["judged"]
    assert any("not in the journal" in line for line in without.result.caveats)
    beside, _ = told(copy, read_folder(flat_folder()))
    assert len(beside.result.traces.bars[BTC]) == 23
    document = account_document(without, sections)
    assert json.loads(json.dumps(document))["account"] == "paper account"
    assert "unprotected_s_max" not in document


def test_days_end_with_the_newest_equity(copy):
    account, _ = account_of(
        {**read_copy(copy, 1), "equity": read_copy(copy, 1)["equity"][3:]},
        mode="paper", profile="", slip_bps=1.0, folder=None,
    )  # fmt: skip
    assert account.result.wallet_usd == 10_489.0
    assert account.result.final_equity_usd == 10_510.0


def test_no_backup_and_no_journal_are_a_line(tmp_path):
    with pytest.raises(JournalBroken, match="no backup"):
        newest_backup(tmp_path / "journal.db")
    (tmp_path / "x.db").write_bytes(b"not a journal, and long enough to be looked at")
    with pytest.raises(JournalBroken, match="report"):
        read_copy(tmp_path / "x.db", 7)


def test_a_report_is_due_after_the_midnight_backup():
    friday = datetime(2026, 1, 30, 15, tzinfo=UTC)
    assert next_due(friday, "daily") == datetime(2026, 1, 31, 0, 10, tzinfo=UTC)
    monday = datetime(2026, 2, 2, 0, 10, tzinfo=UTC)
    assert next_due(friday, "weekly") == monday
    assert next_due(monday, "weekly") == monday + timedelta(days=7)
    assert next_due(monday - timedelta(seconds=1), "daily") == monday


class Heard:
    """A house that keeps what it is told."""

    def __init__(self):
        self.said = []

    def say(self, severity, kind, text, symbol=""):
        self.said.append((severity.value, kind, text))


class Leap(HandClock):
    """A clock on which a wait brings the next midnight, and the second one ends the test."""

    def __init__(self):
        super().__init__(START)
        self.waits = 0

    async def sleep_s(self, seconds):
        self.waits += 1
        if self.waits == 2:
            raise asyncio.CancelledError
        self.at_ns += 24 * HOUR + 11 * 60 * 10**9


async def test_the_schedule_lets_a_child_write_and_tells_when_it_fails(tmp_path, monkeypatch):
    lived(tmp_path / "state")
    root = Path(__file__).resolve().parents[3]
    config = tmp_path / "config"
    config.mkdir()
    for path in (root / "config").iterdir():
        (config / path.name).write_bytes(path.read_bytes())
    monkeypatch.setenv("BREAKWATER_CONFIG_DIR", str(config))
    monkeypatch.setenv("PYTHONPATH", str(root))
    reporter, house = Reporter("daily", tmp_path / "reports", Leap()), Heard()
    with pytest.raises(asyncio.CancelledError):
        await reporter.run(house)
    assert house.said == []
    names = sorted(path.name for path in (tmp_path / "reports").iterdir())
    assert len(names) == 3
    assert names[0].startswith("account-2026-01-0")
    page = (tmp_path / "reports" / names[0]).read_text(encoding="utf-8")
    assert "The paper account" in page
    for old in (tmp_path / "state/backups").iterdir():
        old.unlink()
    trouble = await reporter.write(datetime(2026, 2, 2, tzinfo=UTC))
    assert "no backup" in trouble


def test_old_reports_go(tmp_path):
    for number in range(KEPT + 5):
        day = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
        (tmp_path / f"account-{day:%Y-%m-%d}.html").write_text("")
    (tmp_path / "mine.html").write_text("")
    thin_out(tmp_path / "account-2026-03-01")
    left = sorted(path.name for path in tmp_path.iterdir())
    assert len(left) == KEPT + 1
    assert left[0] == "account-2026-01-06.html"
    assert os.path.exists(tmp_path / "mine.html")
