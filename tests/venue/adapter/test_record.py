"""`record` hears the embedded venue through the real feeds; only whole files are ever there."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bot.app.clock import SystemClock
from bot.app.trying.recording import record
from bot.data.folder import read_folder
from bot.data.format import Given
from bot.data.imports import import_files
from bot.data.recorder import BUFFER_ROWS_MAX, Recorder
from bot.domain.errors import DataInvalid
from bot.domain.market import FundingRate, Liquidation, MarkPrice, TradeBucket
from bot.domain.orders import PositionSide
from tests.fakes.embedded import BTC, embedded_venue
from tests.venue.adapter.scene import config_of, when

NS = 10**9
MINUTE, DAY = 60 * NS, 86_400 * NS
ROOT = Path(__file__).resolve().parents[3]
STAMPS = ("time", "received", "next")
FIRST = 20_480 * DAY
PROCESS_S = 120.0
"""A process of its own may start slowly on a busy machine."""


def trade(at_ns, price, qty=1.0):
    return TradeBucket(BTC, at_ns, at_ns + 5, 1, qty, qty, price, price, price)


def rows(folder, kind="trades"):
    paths = sorted(folder.glob(f"{kind}/*/*.parquet"))
    tables = [pq.read_table(path) for path in paths]
    return [
        row
        for table in tables
        for row in table.drop_columns([n for n in STAMPS if n in table.column_names]).to_pylist()
    ]


async def test_the_feeds_of_a_venue_are_recorded_as_they_speak(tmp_path):
    async with embedded_venue() as venue:
        config = config_of(venue, api_key="", api_secret="", read_only=True)
        recorder, stop = Recorder(tmp_path / "rec", "binance"), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            job = group.create_task(
                record(config, None, recorder, SystemClock(), flush_s=0.2, stop=stop,
                       told=lambda line: None)
            )  # fmt: skip
            await when(lambda: recorder.written > 0)
            venue.move(BTC, 79_000.0)
            await when(lambda: any(row["last"] == 79_000.0 for row in rows(tmp_path / "rec")))
            stop.set()
            told = await job
    marks = rows(tmp_path / "rec", "marks")
    assert any(row["mark"] == 79_000.0 for row in marks)
    assert {row["venue"] for row in marks} == {"binance"}
    assert {row["symbol"] for row in rows(tmp_path / "rec", "open_interest")} >= {BTC}
    assert any(row["live"] for row in rows(tmp_path / "rec", "feeds"))
    assert told["events"] == sum(
        len(rows(tmp_path / "rec", kind.name)) for kind in (tmp_path / "rec").iterdir()
    )


def test_a_day_that_ended_becomes_one_file(tmp_path):
    recorder = Recorder(tmp_path, "binance")
    for hour in range(30):
        recorder.take(trade(FIRST + hour * 3_600 * NS, 80_000.0 + hour))
        recorder.flush()
    folder = tmp_path / "trades/BTC-USDT-USDT"
    assert len(list(folder.iterdir())) == 30
    assert recorder.close_days(FIRST + 30 * 3_600 * NS) == 1
    assert len(list(folder.iterdir())) == 1 + 6
    assert [row["last"] for row in rows(tmp_path)] == [80_000.0 + hour for hour in range(30)]
    late = trade(FIRST + 5, 1.0)
    recorder.take(late)
    recorder.flush()
    assert recorder.close_days(FIRST + 2 * DAY) == 2
    assert len(rows(tmp_path)) == 31


def test_a_kill_while_days_are_joined_repeats_nothing(tmp_path):
    recorder = Recorder(tmp_path, "binance")
    for hour in range(3):
        recorder.take(trade(FIRST + hour * 3_600 * NS, 80_000.0 + hour))
        recorder.flush()
    folder = tmp_path / "trades/BTC-USDT-USDT"
    parts = {path.name: path.read_bytes() for path in folder.iterdir()}
    recorder.close_days(FIRST + DAY)
    for name, data in list(parts.items())[:2]:  # as if it had been killed before removing them
        (folder / name).write_bytes(data)
    (folder / ".2026.half").write_bytes(b"torn")
    again = Recorder(tmp_path, "binance")
    again.sweep()
    again.close_days(FIRST + DAY)
    assert [path.name for path in folder.iterdir()] == ["2026-01-27.parquet"]
    assert len(rows(tmp_path)) == 3


def test_a_full_buffer_and_a_full_disk(tmp_path):
    recorder = Recorder(tmp_path, "binance")
    one = trade(FIRST, 80_000.0)
    for _ in range(BUFFER_ROWS_MAX):
        recorder.take(one)
    assert recorder.written == BUFFER_ROWS_MAX
    file = tmp_path / "file"
    file.write_text("")
    blocked = Recorder(file, "binance")
    blocked.take(one)
    with pytest.raises(DataInvalid, match="cannot be written"):
        blocked.flush()
    assert blocked.written == 0


def test_a_recording_becomes_a_folder_that_replays(tmp_path):
    recorder = Recorder(tmp_path / "rec", "binance")
    for second in range(600):
        at = FIRST + 30 * NS + second * NS
        recorder.take(trade(at, 80_000.0 + second % 60))
        recorder.take(MarkPrice(BTC, at, at, 80_001.0 + second % 60, 80_000.0))
    recorder.take(FundingRate(BTC, FIRST, FIRST, "bybit", 1e-4, 28_800, settled=True))
    recorder.take(FundingRate(BTC, FIRST + 5, FIRST, "bybit", 2e-4, 28_800, settled=False))
    recorder.take(Liquidation(BTC, FIRST + 9, FIRST, "okx", PositionSide.LONG, 0.5, 79_000.0))
    recorder.flush()
    recorder.close_days(FIRST + DAY)
    import_files(
        [tmp_path / "rec"], tmp_path / "out", Given(), named="recording", bars_s=0,
        told=lambda line: None,
    )  # fmt: skip
    folder = read_folder(tmp_path / "out")
    bars = folder.finest(BTC)
    assert (bars.timeframe_s, len(bars)) == (60, 9)
    assert bars.open_ns[0] == FIRST + MINUTE
    assert bars.volume.tolist() == [60.0] * 9
    assert len(folder.marks(BTC)) == 9
    (funding,) = folder.funding_rows(BTC)
    assert funding.rate_frac.tolist() == [1e-4]
    (forced,) = pq.read_table(
        tmp_path / "out/liquidation_events.parquet", columns=["side", "venue"]
    ).to_pylist()
    assert (forced["side"], forced["venue"]) == ("long", "okx")


async def test_killed_at_any_instant_only_whole_files_are_there(tmp_path):
    """Ended by SIGKILL while it writes: every file reads, and the next run goes on."""
    async with embedded_venue(tick_interval_s=0.02) as venue:
        words = [
            sys.executable, "-m", "bot", "record", "--into", str(tmp_path / "rec"), "--symbol",
            BTC, "--flush", "0.1", "--stand-in", venue.url, "--json",
        ]  # fmt: skip
        env = {**os.environ, "BREAKWATER_CONFIG_DIR": str(ROOT / "config")}
        seen = 0
        for number in range(2):
            process = subprocess.Popen(
                words, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            try:
                async with asyncio.timeout(PROCESS_S):
                    while len(rows(tmp_path / "rec", "marks")) <= seen + number:
                        await asyncio.sleep(0.05)
            finally:
                process.send_signal(signal.SIGKILL if number < 1 else signal.SIGTERM)
            out, err = await asyncio.to_thread(process.communicate, timeout=30)
            found = len(rows(tmp_path / "rec", "marks"))
            assert found > seen
            seen = found
        assert process.returncode == 0, err.decode()
        assert b'"events"' in out
    assert list((tmp_path / "rec").glob("*/*/.*")) == []
