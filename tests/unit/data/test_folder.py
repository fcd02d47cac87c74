"""A data folder is believed whole or refused in one line that names file, column and row."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.data.arrays import CandleArrays
from bot.data.check import check_folder
from bot.data.folder import read_folder
from bot.data.stitch import stitch
from bot.domain.errors import DataInvalid

BTC = "BTC/USDT:USDT"
NS = 10**9
START = datetime(2026, 1, 15, tzinfo=UTC)
SHARED = Path(os.environ.get("BREAKWATER_SHARED", Path(__file__).parents[4] / "shared"))


def candles(count=6, *, minutes=5, venue="bybit", symbol=BTC, start=START, price=100.0):
    frame = {5: "5m", 15: "15m", 30: "30m", 60: "1h"}[minutes]
    return [
        {
            "time": start + timedelta(minutes=minutes * i),
            "venue": venue,
            "symbol": symbol,
            "timeframe": frame,
            "open": price + i,
            "high": price + i + 2,
            "low": price + i - 2,
            "close": price + i + 1,
            "volume": 10.0 + i,
        }
        for i in range(count)
    ]


def write(folder, rows, name="candles.parquet"):
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / name)
    return folder


def refusal(folder):
    with pytest.raises(DataInvalid) as caught:
        read_folder(folder)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_candles_alone_are_enough(tmp_path):
    folder = read_folder(write(tmp_path, candles()))
    bars = folder.finest(BTC)
    assert (bars.venue, bars.timeframe_s, len(bars)) == ("bybit", 300, 6)
    assert bars.open_ns.dtype == np.int64
    assert bars.open_ns[0] == int(START.timestamp()) * 10**9
    assert bars.close_ns[0] - bars.open_ns[0] == 300 * 10**9
    assert folder.marks(BTC) is None
    assert folder.sentiment is None
    assert folder.funding_rows(BTC) == ()


def test_columns_cannot_be_written_to(tmp_path):
    bars = read_folder(write(tmp_path, candles())).finest(BTC)
    with pytest.raises(ValueError, match="read-only"):
        bars.close[0] = 1.0


@pytest.mark.parametrize(
    ("column", "row", "value", "words"),
    [
        ("open", 3, float("nan"), "not a finite number"),
        ("high", 2, float("inf"), "not a finite number"),
        ("low", 1, -5.0, "must be above zero"),
        ("close", 4, 0.0, "must be above zero"),
        ("high", 5, 90.0, "below low"),
        ("low", 6, 105.5, "above open"),
        ("volume", 2, -1.0, "negative"),
        ("close", 2, None, "is missing"),
        ("symbol", 2, None, "is missing"),
        ("venue", 2, "", "is empty"),
        ("time", 2, datetime(1999, 1, 1, tzinfo=UTC), "2009..2100"),
    ],
)
def test_a_bad_cell_is_named_by_file_column_and_row(tmp_path, column, row, value, words):
    rows = candles()
    rows[row - 1][column] = value
    line = refusal(write(tmp_path, rows))
    assert "candles.parquet" in line
    assert f"row {row}" in line
    assert words in line


def test_a_tenfold_jump_is_a_mistake(tmp_path):
    rows = candles(3) + candles(3, price=2_000.0, start=START + timedelta(minutes=15))
    line = refusal(write(tmp_path, rows))
    assert "column 'open', row 4" in line
    assert "tenfold" in line


def test_a_tenfold_bar_is_a_mistake(tmp_path):
    rows = candles()
    rows[1]["high"] = 5_000.0
    assert "row 2" in refusal(write(tmp_path, rows))


@pytest.mark.parametrize("word", ["5min", "", "0m", "7y", "-5m", "5 m", "100000d"])
def test_an_unknown_timeframe_is_refused(tmp_path, word):
    rows = [row | {"timeframe": word} for row in candles()]
    line = refusal(write(tmp_path, rows))
    assert "timeframe" in line


def test_unsorted_rows_are_sorted_and_exact_repeats_dropped(tmp_path):
    rows = candles()
    shuffled = [rows[i] for i in (3, 0, 5, 1, 1, 2, 4, 3)]
    mended = read_folder(write(tmp_path / "a", shuffled)).finest(BTC)
    straight = read_folder(write(tmp_path / "b", rows)).finest(BTC)
    for name in ("open_ns", "open", "high", "low", "close", "volume"):
        assert np.array_equal(getattr(mended, name), getattr(straight, name))


def test_a_contradicting_repeat_is_refused(tmp_path):
    rows = candles()
    line = refusal(write(tmp_path, [*rows, rows[2] | {"close": 103.25}]))
    assert "row 7" in line
    assert "row 3" in line
    assert "'close'" in line


def test_overlapping_bars_are_refused(tmp_path):
    rows = candles()
    rows[2]["time"] += timedelta(minutes=2)
    assert "row 4" in refusal(write(tmp_path, rows))


def test_a_missing_folder_a_file_for_a_folder_and_a_folder_without_candles(tmp_path):
    assert "no such folder" in refusal(tmp_path / "nowhere")
    plain = tmp_path / "plain"
    plain.write_text("x")
    assert "a folder is needed" in refusal(plain)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "candles.parquet is missing" in refusal(empty)


def test_missing_and_mistyped_columns_are_named(tmp_path):
    lacking = [{key: value for key, value in row.items() if key != "close"} for row in candles()]
    assert "column 'close' is missing" in refusal(write(tmp_path / "a", lacking))
    text = [row | {"close": str(row["close"])} for row in candles()]
    assert "column 'close' holds string" in refusal(write(tmp_path / "b", text))
    numbered = [row | {"time": i} for i, row in enumerate(candles())]
    assert "column 'time' holds int64" in refusal(write(tmp_path / "c", numbered))
    coded = [row | {"venue": 7} for row in candles()]
    assert "column 'venue' holds int64" in refusal(write(tmp_path / "d", coded))


def test_a_file_without_rows_is_refused(tmp_path):
    table = pa.Table.from_pylist(candles()).slice(0, 0)
    pq.write_table(table, tmp_path / "candles.parquet")
    assert "no rows" in refusal(tmp_path)


def test_a_file_cut_or_scrambled_anywhere_gives_one_line_or_the_same_numbers(tmp_path):
    whole = (write(tmp_path / "whole", candles(40)) / "candles.parquet").read_bytes()
    told = read_folder(tmp_path / "whole").finest(BTC)
    bad = tmp_path / "bad"
    bad.mkdir()
    random = np.random.default_rng(7)
    for cut in random.integers(0, len(whole), 60):
        (bad / "candles.parquet").write_bytes(whole[:cut])
        assert "not readable as parquet" in refusal(bad)
    for place in random.integers(0, len(whole), 120):
        junk = bytearray(whole)
        junk[place] ^= int(random.integers(1, 256))
        (bad / "candles.parquet").write_bytes(junk)
        found, line = attempt(bad)
        if line:
            assert "candles.parquet" in line
            assert "\n" not in line
        # Parquet carries no checksum here: a flipped bit may read as another number, which is
        # then held to the same sense.
        for bars in found:
            assert len(bars) <= len(told)
            assert np.all(bars.low <= np.minimum(bars.open, bars.close))
            assert np.all(bars.high >= np.maximum(bars.open, bars.close))
            assert np.all(bars.low > 0)


def attempt(folder):
    try:
        return list(read_folder(folder).candles.values()), ""
    except DataInvalid as error:
        return [], str(error)


def test_the_finest_with_nearly_the_full_span_wins_and_binance_wins_a_tie(tmp_path):
    rows = [
        *candles(12, minutes=30, venue="okx"),
        *candles(24, minutes=15, venue="okx"),
        *candles(24, minutes=15, venue="binance"),
        *candles(20, minutes=5, venue="bybit"),
    ]
    folder = read_folder(write(tmp_path, rows))
    best = folder.finest(BTC)
    assert (best.venue, best.timeframe_s) == ("binance", 900)


def test_the_stitch_takes_the_finest_at_each_instant_without_overlap(tmp_path):
    fine_start = START + timedelta(hours=2)
    rows = [
        *candles(12, minutes=30, venue="binance"),
        *candles(12, minutes=5, venue="bybit", start=fine_start),
    ]
    bars = read_folder(write(tmp_path, rows)).bars(BTC)
    assert bars.timeframe_s.tolist() == [1800] * 4 + [300] * 12 + [1800] * 6
    assert bars.sources == (("bybit", 300), ("binance", 1800))
    assert np.array_equal(bars.close_ns[:-1], bars.open_ns[1:])
    assert bars.open[4] == 100.0


def test_the_stitch_fills_holes_of_the_finer_series(tmp_path):
    fine = candles(24, minutes=5, venue="bybit")
    holed = fine[:7] + fine[15:]
    bars = read_folder(write(tmp_path, holed + candles(8, minutes=15, venue="binance"))).bars(BTC)
    assert bars.timeframe_s.tolist() == [300] * 7 + [900] * 2 + [300] * 9
    assert np.all(bars.open_ns[1:] >= bars.close_ns[:-1])


def test_an_unknown_symbol_is_told_what_there_is(tmp_path):
    folder = read_folder(write(tmp_path, candles()))
    with pytest.raises(DataInvalid, match=r"no candles of DOGE.*BTC/USDT:USDT"):
        folder.finest("DOGE/USDT:USDT")


def test_the_other_files_are_read_with_their_units(tmp_path):
    write(tmp_path, candles())
    write(tmp_path, [row | {"volume": None} for row in candles()], "mark_candles.parquet")
    place = {"venue": "binance", "symbol": BTC}
    write(
        tmp_path,
        [
            {"time": START + timedelta(hours=8 * i), **place, "rate": 0.0001, "interval_hours": 8}
            for i in range(3)
        ],
        "funding.parquet",
    )
    write(
        tmp_path,
        [
            {"time": START + timedelta(hours=i), **place, "open_interest_usd": 1e9 + i}
            for i in range(4)
        ],
        "open_interest.parquet",
    )
    write(
        tmp_path,
        [{"time": START, **place, "window": "1h", "long_usd": 5.0, "short_usd": 0.0}],
        "liquidations.parquet",
    )
    write(
        tmp_path,
        [
            {
                "date": date(2026, 1, 15),
                "fear_greed": 31.0,
                "btc_etf_net_flow_usd": None,
                "spx_return": 0.01,
            }
        ],
        "sentiment.parquet",
    )
    folder = read_folder(tmp_path)
    assert folder.marks(BTC).volume.tolist() == [0.0] * 6
    (funding,) = folder.funding_rows(BTC)
    assert funding.interval_s.tolist() == [28_800] * 3
    assert folder.open_interest[BTC, "binance"].window_s == 3_600
    sums = folder.liquidations[BTC, 3_600, "binance"]
    assert sums.known_ns[0] - sums.time_ns[0] == 3_600 * 10**9
    assert np.isnan(folder.sentiment.btc_etf_net_flow_usd[0])


@pytest.mark.parametrize(
    ("name", "rows", "words"),
    [
        (
            "funding.parquet",
            [{"time": START, "venue": "b", "symbol": BTC, "rate": 1.5, "interval_hours": 8}],
            "column 'rate', row 1",
        ),
        (
            "funding.parquet",
            [{"time": START, "venue": "b", "symbol": BTC, "rate": 0.1, "interval_hours": 0}],
            "column 'interval_hours', row 1",
        ),
        (
            "open_interest.parquet",
            [{"time": START, "venue": "b", "symbol": BTC, "open_interest_usd": -1.0}],
            "column 'open_interest_usd', row 1",
        ),
        (
            "liquidations.parquet",
            [
                {
                    "time": START,
                    "venue": "b",
                    "symbol": BTC,
                    "window": "1h",
                    "long_usd": 1.0,
                    "short_usd": -2.0,
                }
            ],
            "column 'short_usd', row 1",
        ),
    ],
)
def test_bad_rows_of_the_other_files_are_named(tmp_path, name, rows, words):
    write(tmp_path, candles())
    line = refusal(write(tmp_path, rows, name))
    assert name in line
    assert words in line


def test_the_check_tells_gaps_repeats_and_each_file_s_problem(tmp_path):
    rows = candles(10)
    write(tmp_path, [rows[1], rows[0], rows[0], *rows[2:4], *rows[7:]])
    bad = [{"time": START, "venue": "b", "symbol": BTC, "rate": 9.0, "interval_hours": 8}]
    write(tmp_path, bad, "funding.parquet")
    report = check_folder(tmp_path)
    assert report["ok"] is False
    first, second = report["files"]
    (series,) = first["series"]
    assert first["ok"] is True
    assert (series["rows"], series["gaps"], series["missing"]) == (7, 1, 3)
    assert (series["longest_gap_s"], series["repeats_dropped"]) == (900, 1)
    assert series["was_unsorted"] is True
    assert second["ok"] is False
    assert "funding.parquet" in second["problem"]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "symbols", "finest"),
    [
        ("2024-08-unwind", 2, ("binance", 300, 5472)),
        ("2025-04-rally", 2, ("binance", 900, 6528)),
        ("2025-10-crash", 3, ("bybit", 300, 5184)),
        ("2025-12-calm", 3, ("bybit", 300, 8928)),
        ("2026-01-cascade", 3, ("bybit", 300, 8352)),
    ],
)
def test_recorded_folders_are_sound(name, symbols, finest):
    path = SHARED / "market-data" / name
    if not path.is_dir():
        pytest.skip(f"no recorded data at {path}")
    folder = read_folder(path)
    best = folder.finest(BTC)
    assert len(folder.symbols) == symbols
    assert (best.venue, best.timeframe_s, len(best)) == finest
    assert len(folder.bars(BTC)) == finest[2]
    assert check_folder(path)["ok"] is True


@given(
    st.lists(
        st.tuples(
            st.sampled_from([5, 15, 30, 60]),
            st.integers(0, 40),
            st.integers(1, 30),
            st.sampled_from(["binance", "bybit", "okx"]),
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda each: (each[0], each[3]),
    )
)
def test_stitched_bars_never_overlap_and_keep_every_finest_bar(parts):
    series = [arrays(*each) for each in parts]
    bars = stitch(series)
    assert np.all(bars.open_ns[1:] >= bars.close_ns[:-1])
    covered = np.concatenate([np.arange(o, c, 300 * NS) for o, c in spans(bars)])
    for each in series:
        if each.timeframe_s == min(one.timeframe_s for one in series):
            for o, c in spans(each):
                assert np.isin(np.arange(o, c, 300 * NS), covered).all()


def arrays(minutes, first, count, venue):
    opens = (np.arange(count, dtype=np.int64) + first) * minutes * 60 * NS
    ones = np.ones(count)
    return CandleArrays(BTC, venue, minutes * 60, opens, ones, ones, ones, ones, ones)


def spans(bars):
    return zip(bars.open_ns.tolist(), bars.close_ns.tolist(), strict=True)
