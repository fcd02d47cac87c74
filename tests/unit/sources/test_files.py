"""Dropped files: every good row is told, every bad one is named, and no row is made up."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.errors import SourceFailed
from bot.domain.market import EventCalendar, LiquidationSum, Reading, WatchList
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_DAY, NS_PER_H
from bot.ports import SourceAnswer
from bot.sources.declared import Declared
from bot.sources.drop import FILE_BYTES_MAX, DropFolder
from bot.sources.open import drop_kinds

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


def ns_of(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * 10**9


class SetClock:
    """A clock that somebody sets."""

    def __init__(self) -> None:
        self.ns = ns_of("2026-02-02T12:00:00Z")

    def now_ns(self) -> int:
        return self.ns

    def monotonic_ns(self) -> int:
        return 0

    async def sleep_s(self, seconds: float) -> None:
        raise AssertionError


class Folder:
    def __init__(self, path: Path) -> None:
        self.path, self.clock, self.stamp = path, SetClock(), 0
        self.drop = DropFolder(path, drop_kinds((BTC, ETH)), self.clock, every_s=30.0)

    def put(self, name: str, text: str | bytes) -> SourceAnswer:
        data = text.encode() if isinstance(text, str) else text
        (self.path / name).write_bytes(data)
        self.stamp += 1
        os.utime(self.path / name, ns=(self.stamp, self.stamp))
        return self.drop.read()

    def rest(self, answer: SourceAnswer) -> list[str]:
        """Return the faults without the path they begin with."""
        return [line.partition(".csv: ")[2] for line in answer.faults]


@pytest.fixture
def folder(tmp_path) -> Folder:
    return Folder(tmp_path)


def values(answer: SourceAnswer) -> list[float]:
    return [event.value for event in answer.events if isinstance(event, Reading)]


def test_each_day_is_known_when_it_has_closed(folder):
    told = folder.put("fear_greed.csv", "date,value\n2026-01-31,20\n2026-02-01,14\n")
    assert values(told) == [20.0, 14.0]
    newest = told.events[-1]
    assert newest.event_ns == ns_of("2026-02-02T00:00:00Z")
    assert newest.origin == str(folder.path / "fear_greed.csv")
    assert (newest.source, newest.half_life_ns) == ("fear_greed", NS_PER_DAY)


def test_today_s_row_waits_for_midnight(folder):
    told = folder.put("fear_greed.csv", "date,value\n2026-02-01,14\n2026-02-02,11\n")
    assert (values(told), told.faults) == ([14.0], ())
    folder.clock.ns = ns_of("2026-02-03T00:00:00Z") - 1
    assert values(folder.drop.read()) == [14.0]
    folder.clock.ns += 1
    assert values(folder.drop.read()) == [14.0, 11.0]


def test_every_bad_row_has_its_line_and_the_good_ones_count(folder):
    told = folder.put(
        "fear_greed.csv",
        "Date;Value\n2026-01-28;31\n28.01.2026;30\n2026-01-29;NaN\n2026-01-30;inf\n\n"
        "2026-01-31;101\n2026-02-01;14;15\n2026-02-01;13\n2026-02-01;12\n2026-05-01;10\n"
        "2026-01-27;-\n2026-01-26;1_0\n2026-01-25;0x1f\n2026-02-01;13\n",
    )
    assert values(told) == [31.0, 13.0]
    wanted = "needed a number from 0 to 100"
    assert sorted(folder.rest(told)) == sorted([
        "line 3: date was '28.01.2026', needed a date as 2026-02-01",
        f"line 4: value was 'NaN', {wanted}",
        f"line 5: value was 'inf', {wanted}",
        f"line 7: value was '101', {wanted}",
        "line 8: has 3 cells, the first line names 2",
        "line 10: line 9 says otherwise for the same time",
        "line 11: lies in the future: correct its date",
        f"line 13: value was '1_0', {wanted}",
        f"line 14: value was '0x1f', {wanted}",
    ])  # fmt: skip


def test_returns_or_closes(folder):
    told = folder.put("spx_return.csv", "date,value\n2026-01-29,-0.0013\n2026-01-30,-0.0043\n")
    assert values(told) == [-0.0013, -0.0043]
    told = folder.put("spx_return.csv", "date,close\n2026-01-02,5000\n2026-01-29,6969\n"
                      "2026-01-30,6939\n2026-02-01,69\n")  # fmt: skip
    assert values(told) == pytest.approx([6939 / 6969 - 1])
    assert folder.rest(told) == ["line 5: -99% in a day is not believed"]


def test_readings_of_one_asset(folder):
    told = folder.put("exchange_netflow.csv", "date,asset,value\n2026-02-01,btc,-1.5e8\n"
                      "2026-02-01,eth,(20)\n2026-02-01,,5\n2026-01-31,B T,5\n")  # fmt: skip
    assert [event.name for event in told.events] == [
        "btc_exchange_netflow_usd", "eth_exchange_netflow_usd",
    ]  # fmt: skip
    assert values(told) == [-1.5e8, -20.0]
    assert [line.partition(":")[0] for line in folder.rest(told)] == ["line 4", "line 5"]
    told = folder.put("option_skew.csv", "time,asset,value\n2026-02-02T11:00:00Z,BTC,9.1\n")
    assert told.events[-1].name == "btc_skew_25d_vol_pts"
    assert told.events[-1].event_ns == ns_of("2026-02-02T11:00:00Z")


def test_windows_are_told_whole_and_taken_back_with_the_file(folder):
    told = folder.put(
        "event_calendar.csv",
        "start,end,title,floor,symbol\n"
        "2026-03-18T17:30:00Z,2026-03-18T20:00:00+00:00,rate decision,,\n"
        "2026-02-02T10:00:00Z,2026-02-02T14:00:00Z,hearing,4,BTC/USDT:USDT\n"
        "2026-02-02T10:00:00,2026-02-02T14:00:00Z,no offset,4,\n"
        "2026-02-02T14:00:00Z,2026-02-02T10:00:00Z,backwards,4,\n"
        "2026-02-02T10:00:00Z,2026-02-02T14:00:00Z,no floor,2.5,\n"
        "2026-02-02T10:00:00Z,2026-02-02T14:00:00Z,high floor,6,\n"
        "2025-02-02T10:00:00Z,2025-02-02T14:00:00Z,long ago,4,\n",
    )
    (calendar,) = told.events
    assert isinstance(calendar, EventCalendar)
    assert [(w.title, w.floor, w.symbol) for w in calendar.windows] == [
        ("hearing", 4, BTC), ("rate decision", 3, ""),
    ]  # fmt: skip
    assert calendar.source == "event_calendar.csv"
    assert [line.partition(":")[0] for line in folder.rest(told)] == [
        "line 4", "line 5", "line 6", "line 7",
    ]  # fmt: skip
    (folder.path / "event_calendar.csv").unlink()
    (gone,) = folder.drop.read().events
    assert (gone.source, gone.windows) == ("event_calendar.csv", ())
    assert folder.drop.read().events == ()


def test_watched_positions_by_symbol(folder):
    told = folder.put(
        "whales.csv",
        "address,symbol,side,liq_price,qty,as_of,entry_price\n"
        f'0xabc,{BTC},long,61000,"1,000",2026-02-01T15:00:00Z,84000\n'
        f"0xabc,{BTC},Long,60500,1200,2026-02-02T09:00:00Z,84000\n"
        f"trend,{ETH},short,2900.5,356000,2026-02-02T09:00:00Z,\n"
        f"x,DOGE/USDT:USDT,long,0.05,1e9,2026-02-02T09:00:00Z,\n"
        f"x,{BTC},flat,60000,1,2026-02-02T09:00:00Z,\n"
        f"x,{BTC},long,-1,1,2026-02-02T09:00:00Z,\n"
        f"x,{BTC},long,60000,0,2026-02-02T09:00:00Z,\n"
        f"x,{BTC},long,60000,1,2026-02-03T09:00:00Z,\n"
        f"x,{BTC},long,60000,1,,\n",
    )
    bitcoin, ether = told.events
    assert isinstance(bitcoin, WatchList)
    (whale,) = bitcoin.positions
    assert (whale.label, whale.side, whale.liq_price, whale.qty) == (
        "0xabc", PositionSide.LONG, 60_500.0, 1_200.0,
    )  # fmt: skip
    assert whale.known_ns == ns_of("2026-02-02T09:00:00Z")
    assert ether.positions[0].entry_price is None
    assert len(told.faults) == 6
    (folder.path / "whales.csv").unlink()
    assert [e.positions for e in folder.drop.read().events] == [(), ()]


def test_liquidation_totals_are_known_when_their_window_has_closed(folder):
    told = folder.put(
        "coinglass.csv",
        "time,symbol,window_s,long_usd,short_usd\n"
        f"2026-02-02T04:00:00Z,{BTC},14400,9000000,1000000\n"
        f"2026-02-02T08:00:00Z,{BTC},14400,25000000,2000000\n"
        f"2026-02-02T09:00:00Z,{BTC},14400,25000000,2000000\n"
        f"2026-02-02T08:00:00Z,{BTC},7200,1,1\n"
        f"2026-02-02T08:00:00Z,{BTC},3600,-1,1\n"
        "2026-02-02T08:00:00Z,BTC,3600,1,1\n",
    )
    assert all(isinstance(event, LiquidationSum) for event in told.events)
    assert [event.event_ns for event in told.events] == [
        ns_of("2026-02-02T08:00:00Z"), ns_of("2026-02-02T12:00:00Z"),
    ]  # fmt: skip
    assert len(told.faults) == 3
    folder.clock.ns += NS_PER_H
    assert len(folder.drop.read().events) == 3


def test_one_bad_file_does_not_hide_the_others(folder):
    folder.put("fear_greed.csv", "date,value\n2026-02-01,14\n")
    told = folder.put("btc_etf_net_flow_usd.csv", b"date,value\n\xff\xfe")
    assert values(told) == [14.0]
    assert "btc_etf_net_flow_usd.csv: byte 11 is not UTF-8 text" in told.trouble
    told = folder.put("fear-greed.csv", "date,value\n")
    assert "no source of that name; known: btc_etf_net_flow_usd" in told.faults[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no rows"),
        ("\n\n", "no rows"),
        ("day,value\n2026-02-01,1\n", r"no column time \| date; columns: day, value"),
        ("date,amount\n2026-02-01,1\n", "no column value"),
        ("date,date,value\n", "names a column twice"),
        (b"x" * (FILE_BYTES_MAX + 1), "more than 5,000,000 bytes"),
        ("date,value\n" + "2026-02-01,1\n" * 20_001, "more than 20000 rows"),
    ],
    ids=["empty", "blank", "no date", "no value", "twice", "huge", "long"],
)
def test_a_file_that_cannot_be_used_says_why(folder, text, says):
    import re

    told = folder.put("fear_greed.csv", text)
    assert told.events == ()
    assert re.search(says, told.trouble), told.trouble


def test_a_pipe_in_the_folder_is_not_read(folder):
    os.mkfifo(folder.path / "fear_greed.csv")
    assert "not a file" in folder.drop.read().trouble


def test_no_folder_is_no_trouble_and_a_file_in_its_place_is_one(folder):
    absent = DropFolder(folder.path / "absent", drop_kinds((BTC,)), folder.clock, every_s=1.0)
    assert absent.read() == SourceAnswer()
    (folder.path / "absent").write_text("")
    with pytest.raises(SourceFailed, match="cannot be read"):
        absent.read()


async def test_what_was_taken_out_of_the_configuration_is_taken_back(folder):
    told = await Declared((), (), (BTC, ETH), folder.clock).look()
    calendar, *lists = told.events
    assert (calendar.source, calendar.windows) == ("declared", ())
    assert [(each.symbol, each.positions) for each in lists] == [(BTC, ()), (ETH, ())]
