"""Foreign files come in whole, each row named by file and line when it cannot be believed."""

import gzip
import json
import os
import signal
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from bot.app.cli import run_cli
from bot.data.check import check_folder
from bot.data.folder import read_folder
from bot.data.format import Given
from bot.data.imports import import_files
from bot.domain.errors import DataInvalid

BTC = "BTC/USDT:USDT"
START = datetime(2026, 1, 15, tzinfo=UTC)
MS = int(START.timestamp()) * 1_000
KLINES = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
    "taker_buy_volume,taker_buy_quote_volume,ignore"
)


def kline(n: int, price: float = 90_000.0, **cells: object) -> str:
    row = {
        "open_time": MS + n * 300_000, "open": price, "high": price + 20, "low": price - 20,
        "close": price + 5, "volume": 12.5, "close_time": MS + (n + 1) * 300_000 - 1,
        "quote_volume": 1.0, "count": 10, "taker": 1.0, "taker_quote": 1.0, "ignore": 0,
    } | cells  # fmt: skip
    return ",".join(str(cell) for cell in row.values())


def text(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    body = "".join(f"{line}\n" for line in lines)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(path.stem + ".csv", body)
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(body.encode()))
    else:
        path.write_text(body)
    return path


def bring(folder: Path, *sources: Path, named: str = "", bars_s: int = 0, **given: str) -> dict:
    return import_files(
        sources, folder, Given(**given), named=named, bars_s=bars_s, told=lambda line: None
    )


def refusal(folder: Path, *sources: Path, **given: str) -> str:
    before = sorted(path.name for path in folder.parent.iterdir())
    with pytest.raises(DataInvalid) as caught:
        bring(folder, *sources, **given)
    line = str(caught.value)
    assert "\n" not in line
    assert sorted(path.name for path in folder.parent.iterdir()) == before
    return line


# ------------------------------------------------------------------ each format


@pytest.mark.parametrize("ending", [".csv", ".zip", ".csv.gz"])
@pytest.mark.parametrize("header", [True, False])
def test_binance_bars_come_with_or_without_header_plain_or_packed(tmp_path, ending, header):
    lines = [KLINES] * header + [kline(n) for n in range(4)]
    source = text(tmp_path / f"BTCUSDT-5m-2026-01{ending}", *lines)
    bring(tmp_path / "out", source)
    bars = read_folder(tmp_path / "out").finest(BTC)
    assert (bars.venue, bars.timeframe_s, len(bars)) == ("binance", 300, 4)
    assert bars.open_ns[0] == MS * 10**6
    assert bars.close[3] == 90_005.0


@pytest.mark.parametrize("scale", [1, 1_000])
def test_instants_are_read_in_any_unit(tmp_path, scale):
    rows = [kline(n, open_time=(MS + n * 300_000) * scale) for n in range(2)]
    bring(tmp_path / "out", text(tmp_path / "BTCUSDT-5m-2026-01.csv", *rows))
    assert read_folder(tmp_path / "out").finest(BTC).open_ns[1] == (MS + 300_000) * 10**6


def test_binance_marks_go_to_their_own_file(tmp_path):
    rows = [kline(n) for n in range(3)]
    klines = text(tmp_path / "in/klines/BTCUSDT-5m-2026-01.zip", *rows)
    text(tmp_path / "in/markPriceKlines/BTCUSDT-5m-2026-01.zip", *rows)
    bring(tmp_path / "out", klines.parent.parent)
    folder = read_folder(tmp_path / "out")
    assert len(folder.marks(BTC)) == 3
    assert len(folder.finest(BTC)) == 3


def test_binance_metrics_are_open_interest_in_usd(tmp_path):
    source = text(
        tmp_path / "BTCUSDT-metrics-2026-01-15.csv",
        "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short"
        "_ratio,sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio",
        "2026-01-15 00:05:00,BTCUSDT,90000.1,8100000000.5,,,1.2,0.9",
        "2026-01-15 00:10:00,BTCUSDT,90010.1,8100900000.5,1.1,1.1,1.2,0.9",
    )
    bring(tmp_path / "out", source)
    table = pq.read_table(tmp_path / "out/open_interest.parquet").to_pylist()
    assert [row["open_interest_usd"] for row in table] == [8100000000.5, 8100900000.5]
    assert table[0]["time"] == START + timedelta(minutes=5)


def test_binance_funding_falls_on_the_hour(tmp_path):
    source = text(
        tmp_path / "BTCUSDT-fundingRate-2026-01.zip",
        "calc_time,funding_interval_hours,last_funding_rate",
        f"{MS + 3},8,0.00010000",
        f"{MS + 28_800_007},8,-0.00002",
    )
    bring(tmp_path / "out", source)
    table = pq.read_table(tmp_path / "out/funding.parquet").to_pylist()
    assert [(row["time"], row["rate"], row["interval_hours"]) for row in table] == [
        (START, 0.0001, 8.0), (START + timedelta(hours=8), -0.00002, 8.0),
    ]  # fmt: skip


@pytest.mark.parametrize("folded", [True, False])
def test_binance_trades_say_who_took_and_make_bars(tmp_path, folded):
    if folded:
        name, head = (
            "aggTrades",
            (
                "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"
            ),
        )
        rows = [f"{n},{90_000 + n},0.5,{n},{n},{MS + n * 20_000},{n % 2 == 0}" for n in range(6)]
    else:
        name, head = "trades", "id,price,qty,quote_qty,time,is_buyer_maker"
        rows = [
            f"{n},{90_000 + n},0.5,45000,{MS + n * 20_000},{str(n % 2 == 0).lower()}"
            for n in range(6)
        ]
    source = text(tmp_path / f"BTCUSDT-{name}-2026-01-15.zip", head, *rows)
    bring(tmp_path / "out", source, bars_s=60)
    trades = pq.read_table(tmp_path / "out/trades.parquet").to_pylist()
    assert [row["side"] for row in trades] == ["sell", "buy"] * 3
    assert {row["grain"] for row in trades} == {"aggregate" if folded else "trade"}
    bars = read_folder(tmp_path / "out").finest(BTC)
    assert bars.open.tolist() == [90_000.0, 90_003.0]
    assert bars.close.tolist() == [90_002.0, 90_005.0]
    assert bars.volume.tolist() == [1.5, 1.5]


def test_binance_forced_sales_close_longs(tmp_path):
    source = text(
        tmp_path / "BTCUSDT-liquidationSnapshot-2024-01-01.zip",
        "time,side,order_type,time_in_force,original_quantity,price,average_price,order_status,"
        "last_fill_quantity,accumulated_fill_quantity",
        f"{MS},SELL,LIMIT,IOC,0.5,89000,89100.5,FILLED,0.5,0.5",
        f"{MS + 5},BUY,LIMIT,IOC,0.25,91000,0,NEW,0,0",
    )
    bring(tmp_path / "out", source)
    table = pq.read_table(tmp_path / "out/liquidation_events.parquet").to_pylist()
    assert [(row["side"], row["price"], row["qty"]) for row in table] == [
        ("long", 89_100.5, 0.5), ("short", 91_000.0, 0.25),
    ]  # fmt: skip


def freqtrade(path: Path, count: int = 4, **columns: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    dates = [START + timedelta(hours=8 * n) for n in range(count)]
    data = {
        "date": pa.array(dates, pa.timestamp("ms", tz="UTC")),
        "open": [90_000.0] * count, "high": [90_010.0] * count, "low": [89_990.0] * count,
        "close": [90_001.0] * count, "volume": [3.0] * count,
    } | columns  # fmt: skip
    pyarrow.feather.write_feather(pa.table(data), path)
    return path


def test_freqtrade_feather_says_what_it_is_by_its_name(tmp_path):
    home = tmp_path / "data/binance/futures"
    freqtrade(home / "BTC_USDT_USDT-8h-futures.feather")
    freqtrade(home / "BTC_USDT_USDT-8h-mark.feather")
    freqtrade(home / "BTC_USDT_USDT-8h-funding_rate.feather", open=[0.0001] * 4)
    bring(tmp_path / "out", home)
    folder = read_folder(tmp_path / "out")
    assert len(folder.finest(BTC)) == len(folder.marks(BTC)) == 4
    (funding,) = folder.funding_rows(BTC)
    assert (funding.venue, funding.rate_frac[0], funding.interval_s[0]) == ("binance", 1e-4, 28_800)


@pytest.mark.parametrize("packed", [True, False])
def test_freqtrade_json_rows(tmp_path, packed):
    rows = [[MS + n * 300_000, 9e4, 9.1e4, 8.9e4, 9.05e4, n] for n in range(3)]
    path = tmp_path / f"ETH_USDT_USDT-5m-futures.json{'.gz' if packed else ''}"
    body = json.dumps(rows).encode()
    path.write_bytes(gzip.compress(body) if packed else body)
    bring(tmp_path / "out", path, venue="bybit")
    bars = read_folder(tmp_path / "out").finest("ETH/USDT:USDT")
    assert (bars.venue, len(bars), bars.volume[2]) == ("bybit", 3, 2.0)


def test_freqtrade_files_of_no_known_venue_ask_whose_they_are(tmp_path):
    path = freqtrade(tmp_path / "BTC_USDT_USDT-8h-futures.feather")
    assert "--venue" in refusal(tmp_path / "out", path)


TARDIS = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"


def test_tardis_trades_and_forced_orders_differ_by_name(tmp_path):
    us = MS * 1_000
    rows = [f"binance-futures,BTCUSDT,{us},{us + 9},a7,sell,90000,0.5"]
    text(tmp_path / "in/binance-futures_trades_2026-01-15_BTCUSDT.csv.gz", TARDIS, *rows)
    text(tmp_path / "in/binance-futures_liquidations_2026-01-15_BTCUSDT.csv.gz", TARDIS, *rows)
    bring(tmp_path / "out", tmp_path / "in")
    (trade,) = pq.read_table(tmp_path / "out/trades.parquet").to_pylist()
    (forced,) = pq.read_table(tmp_path / "out/liquidation_events.parquet").to_pylist()
    assert (trade["side"], trade["trade_id"], trade["venue"]) == ("sell", "a7", "binance")
    assert (forced["side"], forced["time"]) == ("long", START)


def test_tardis_tickers_become_marks_interest_and_what_was_settled(tmp_path):
    head = (
        "exchange,symbol,timestamp,local_timestamp,funding_timestamp,funding_rate,"
        "predicted_funding_rate,open_interest,last_price,index_price,mark_price"
    )
    eight_h, us = 8 * 3_600_000_000, MS * 1_000
    rows = []
    for n in range(0, 2 * eight_h, 60_000_000):
        due = us + (n // eight_h + 1) * eight_h
        rate = 0.0001 * (n // eight_h + 1)
        interest = "" if n == 0 else "100"
        rows.append(
            f"binance-futures,BTCUSDT,{us + n},{us + n},{due},{rate},,{interest},1,1,"
            f"{90_000 + n % 7}"
        )
    source = text(
        tmp_path / "binance-futures_derivative_ticker_2026-01-15_BTCUSDT.csv", head, *rows
    )
    bring(tmp_path / "out", source)
    funding = pq.read_table(tmp_path / "out/funding.parquet").to_pylist()
    assert [(row["time"], row["rate"]) for row in funding] == [
        (START + timedelta(hours=8), 0.0001), (START + timedelta(hours=16), 0.0002),
    ]  # fmt: skip
    assert pq.read_table(tmp_path / "out/mark_candles.parquet").num_rows == 16 * 60
    interest = pq.read_table(tmp_path / "out/open_interest.parquet").to_pylist()
    assert len(interest) == 16 * 12
    assert 9_000_000 <= interest[0]["open_interest_usd"] < 9_001_000


def test_coinglass_totals_take_their_window_from_the_rows(tmp_path):
    head = "time,aggregated_long_liquidation_usd,aggregated_short_liquidation_usd"
    rows = [f"{MS + n * 3_600_000},{1_000 + n},{2_000 + n}" for n in range(3)]
    source = text(tmp_path / "btc-liquidations.csv", head, *rows)
    assert "--symbol" in refusal(tmp_path / "out", source)
    bring(tmp_path / "out", source, symbol=BTC)
    table = pq.read_table(tmp_path / "out/liquidations.parquet").to_pylist()
    assert [(row["window"], row["long_usd"], row["short_usd"]) for row in table] == [
        ("1h", 1_000.0 + n, 2_000.0 + n) for n in range(3)
    ]


def test_coinglass_open_interest_and_its_own_table(tmp_path):
    interest = text(
        tmp_path / "coinglass_open_interest_btc.csv", "time,open,high,low,close",
        "2026-01-15 00:00:00,1e9,2e9,9e8,1.5e9", "2026-01-15 01:00:00,1e9,2e9,9e8,1.6e9",
    )  # fmt: skip
    bring(tmp_path / "out", interest, symbol=BTC)
    table = pq.read_table(tmp_path / "out/open_interest.parquet").to_pylist()
    assert [row["open_interest_usd"] for row in table] == [1.5e9, 1.6e9]
    own = text(
        tmp_path / "coinglass.csv", "time,symbol,window_s,long_usd,short_usd",
        f"2026-01-15T00:00:00Z,{BTC},14400,5,6",
    )  # fmt: skip
    bring(tmp_path / "out", own)
    (row,) = pq.read_table(tmp_path / "out/liquidations.parquet").to_pylist()
    assert (row["window"], row["venue"], row["time"]) == ("4h", "coinglass", START)


# ------------------------------------------------------------------ what cannot be believed


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"high": "abc"}, "no number"),
        ({"high": ""}, "no number"),
        ({"open": "nan"}, "no finite number"),
        ({"open_time": 12}, "no instant"),
        ({"open_time": "soon"}, "no instant"),
        ({"high": 80_000}, "below low"),
        ({"low": -1}, "above zero"),
        ({"close": 99_000}, "below close"),
        ({"volume": -2}, "negative"),
        ({"open": 9e6, "high": 9.1e6, "low": 8.9e6, "close": 9e6}, "tenfold"),
        ({"open_time": MS + 2 * 300_000 - 60_000}, "before the one before it ends"),
        ({"open_time": MS}, "told twice"),
    ],
)
def test_a_corrupt_row_names_file_and_line(tmp_path, cells, words):
    rows = [kline(0), kline(1), kline(2), kline(3, **cells), kline(4)]
    if cells.get("open_time") == MS:
        rows[3] = kline(3, **cells, close=90_001)
    source = text(tmp_path / "BTCUSDT-5m-2026-01.zip", KLINES, *rows)
    line = refusal(tmp_path / "out", source)
    assert f"{source}" in line
    assert "line 5" in line or "line 4" in line
    assert words in line


@pytest.mark.parametrize("bad", ["1,2,3", "", kline(9) + ",7"])
def test_a_line_of_another_length_names_file_and_line(tmp_path, bad):
    rows = [kline(0), kline(1), bad, kline(2)]
    source = text(tmp_path / "BTCUSDT-5m-2026-01.csv", KLINES, *rows)
    line = refusal(tmp_path / "out", source)
    assert f"{source}" in line
    assert "line 4" in line


def test_the_line_is_right_in_a_long_file(tmp_path):
    rows = [kline(n) for n in range(150_000)]
    rows[123_455] = kline(123_455, low="x")
    source = text(tmp_path / "BTCUSDT-5m-2026-01.zip", KLINES, *rows)
    assert "column 'low', line 123457" in refusal(tmp_path / "out", source)


def test_rows_of_lists_and_tables_are_named_by_their_number(tmp_path):
    path = tmp_path / "BTC_USDT_USDT-5m-futures.json"
    path.write_text(json.dumps([[MS, 1, 2, 1, 2, 1], [MS + 300_000, 1, None, 1, 2, 1]]))
    line = refusal(tmp_path / "out", path, venue="binance")
    assert "row 2" in line
    assert str(path) in line
    high = [90_010.0, 90_010.0, None, 90_010.0]
    feather = freqtrade(tmp_path / "BTC_USDT_USDT-8h-futures.feather", high=high)
    line = refusal(tmp_path / "out", feather, venue="binance")
    assert "column 'high', row 3" in line
    assert str(feather) in line


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("BTCUSDT-5m-2026-01.zip", b"PK\x03\x04 torn"),
        ("BTCUSDT-5m-2026-01.csv", b""),
        ("BTCUSDT-5m-2026-01.csv", KLINES.encode() + b"\n"),
        ("BTCUSDT-5m-2026-01.csv.gz", gzip.compress(kline(0).encode() * 500)[:-40]),
        ("BTC_USDT_USDT-5m-futures.json", b"[[1, 2"),
        ("BTC_USDT_USDT-5m-futures.feather", b"ARROW1 torn"),
        ("what.csv", b"a,b,c\n1,2,3\n"),
        ("BTCUSDT-5m-2026-01.csv", kline(0).encode() + b"\n\xff\xfe\xff,1,1,1,1,1,1,1,1,1,1,1\n"),
    ],
)
def test_torn_and_foreign_files_are_refused_in_a_line(tmp_path, name, body):
    path = tmp_path / name
    path.write_bytes(body)
    assert str(path) in refusal(tmp_path / "out", path, venue="binance")


def test_a_bad_file_among_good_ones_leaves_the_folder_as_it_was(tmp_path):
    good = text(tmp_path / "a/BTCUSDT-5m-2026-01.csv", *(kline(n) for n in range(3)))
    bring(tmp_path / "out", good)
    before = (tmp_path / "out/candles.parquet").read_bytes()
    more = text(tmp_path / "b/BTCUSDT-5m-2026-02.csv", *(kline(n) for n in range(3, 6)))
    bad = text(tmp_path / "b/ETHUSDT-5m-2026-02.csv", kline(0), kline(1, low="?"))
    assert str(bad) in refusal(tmp_path / "out", more.parent)
    assert (tmp_path / "out/candles.parquet").read_bytes() == before


def test_an_archive_of_several_files_is_refused(tmp_path):
    path = tmp_path / "BTCUSDT-5m-2026-01.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", kline(0))
        archive.writestr("b.csv", kline(1))
    assert "2 files" in refusal(tmp_path / "out", path)


# ------------------------------------------------------------------ joining


def test_what_is_told_again_counts_once_and_the_rest_of_the_folder_stays(tmp_path):
    one = text(tmp_path / "a/BTCUSDT-5m-2026-01.csv", *(kline(n) for n in range(4)))
    two = text(tmp_path / "b/BTCUSDT-5m-2026-02.csv", *(kline(n) for n in range(2, 8)))
    bring(tmp_path / "out", one)
    (tmp_path / "out/notes.md").write_text("mine")
    told = bring(tmp_path / "out", two)
    bars = read_folder(tmp_path / "out").finest(BTC)
    assert np.all(np.diff(bars.open_ns) == 300 * 10**9)
    assert len(bars) == 8
    (file,) = told["files"]
    assert (file["rows"], file["read"], file["repeats"]) == (8, 6, 2)
    assert (tmp_path / "out/notes.md").read_text() == "mine"
    assert check_folder(tmp_path / "out")["ok"] is True
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_a_contradiction_names_both_places(tmp_path):
    one = text(tmp_path / "a/BTCUSDT-5m-2026-01.csv", *(kline(n) for n in range(4)))
    two = text(tmp_path / "b/BTCUSDT-5m-2026-01.csv", kline(3, close=90_001))
    line = refusal(tmp_path / "out", one, two)
    assert f"{two}: column 'close', line 1" in line
    assert f"{one}, line 4" in line


def test_forced_orders_and_trades_come_once_though_days_overlap(tmp_path):
    us = MS * 1_000
    rows = [f"bybit,BTCUSDT,{us + n},{us},id{n},buy,90000,0.5" for n in range(4)]
    a = text(tmp_path / "bybit_trades_2026-01-15_BTCUSDT.csv", TARDIS, *rows[:3])
    b = text(tmp_path / "bybit_trades_2026-01-16_BTCUSDT.csv", TARDIS, *rows[1:])
    told = bring(tmp_path / "out", a, b)
    assert (told["files"][0]["rows"], told["files"][0]["repeats"]) == (4, 2)
    c = text(
        tmp_path / "bybit_trades_2026-01-17_BTCUSDT.csv", TARDIS, rows[0].replace("90000", "91000")
    )
    assert "id id0 is told twice" in refusal(tmp_path / "out", c)


def test_a_killed_import_leaves_the_old_folder_or_the_new_one(tmp_path):
    """Whatever instant the process is killed at: afterwards the folder is one of the two."""
    old = text(tmp_path / "a/BTCUSDT-5m-2026-01.csv", *(kline(n) for n in range(4)))
    new = text(tmp_path / "b/BTCUSDT-5m-2026-02.csv", *(kline(n) for n in range(4, 8)))
    killed = set()
    for kill_at in (3, 5, 7, 8):
        folder = tmp_path / f"out{kill_at}" / "data"
        bring(folder, old)
        code = KILLED.format(kill_at=kill_at, source=str(new), folder=str(folder))
        ended = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
        assert ended.returncode in (0, -signal.SIGKILL)
        if ended.returncode:
            killed.add(kill_at)
        bring(folder, old)
        assert len(read_folder(folder).finest(BTC)) in (4, 8)
        assert [each.name for each in folder.parent.iterdir()] == ["data"]
    assert len(killed) >= 3


KILLED = """
import os, signal
from pathlib import Path
from bot.data.format import Given
from bot.data.imports import import_files
import sys
steps = 0
def watch(event, args):
    global steps
    if event in ("os.mkdir", "os.link", "os.rename", "open") and "out" in str(args[0]):
        if event != "open" or "half" in str(args[0]):
            steps += 1
            if steps == {kill_at}:
                os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
import_files([Path({source!r})], Path({folder!r}), Given(), named="", bars_s=0, told=print)
"""


# ------------------------------------------------------------------ the command line


def test_the_commands_end_with_their_codes(tmp_path, capsys):
    rows = [kline(0), kline(1), kline(4)]
    source = text(tmp_path / "BTCUSDT-5m-2026-01.csv", *rows)
    out = str(tmp_path / "out")
    assert run_cli(["import", str(source), "--into", out, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"][0]["rows"] == 3
    assert run_cli(["data", "check", out, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["gaps"] == 1
    assert run_cli(["data", "check", out, "--strict", "--json"]) == 3
    assert run_cli(["import", str(source), "--into", out, "--format", "nothing"]) == 2
    assert run_cli(["import", str(tmp_path / "none.csv"), "--into", out]) == 2
    assert run_cli(["import", str(source), "--into", out, "--bars", "soon"]) == 2
    capsys.readouterr()
    assert run_cli(["data", "formats", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["formats"]) == 10


def test_the_check_reports_every_kind_of_fault_with_rows(tmp_path, capsys):
    bar = {"venue": "b", "symbol": BTC, "timeframe": "5m", "volume": 1.0}
    prices = {"open": 100.0, "high": 101.0, "low": 99.0, "close": 100.0}
    rows = [bar | prices | {"time": START + timedelta(minutes=5 * n)} for n in range(12)]
    rows[2]["high"] = 98.0
    rows[4] |= {name: 5_000.0 * each for name, each in prices.items()}
    rows[6]["volume"] = -1.0
    rows[8]["time"] += timedelta(minutes=1)
    rows[11] = rows[10] | {"close": 100.5}
    tmp_path.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "candles.parquet")
    report = check_folder(tmp_path)
    counts = report["counts"]
    assert report["ok"] is report["replayable"] is False
    assert (counts["bad bar"], counts["unit jump"], counts["bad value"]) == (3, 2, 1)
    assert (counts["overlap"], counts["contradiction"]) == (1, 1)
    found = {each["fault"]: each for each in report["files"][0]["findings"]}
    assert found["overlap"]["first_rows"] == [10]
    assert found["unit jump"]["first_rows"] == [5, 6]
    assert run_cli(["data", "check", str(tmp_path), "--json"]) == 3
    os.truncate(tmp_path / "candles.parquet", 100)
    assert run_cli(["data", "check", str(tmp_path), "--json"]) == 3
