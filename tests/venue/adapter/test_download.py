"""`download` over real ccxt and the embedded venue: pages, resume, silence when it is asked for."""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from bot.app.clock import SystemClock
from bot.app.trying.download import Download, Wish, missing
from bot.data.check import check_folder
from bot.data.folder import read_folder
from bot.domain.errors import BotError, VenueUnreachable
from bot.domain.market import FundingRate, OpenInterest
from bot.simulator.binance.market_data import History
from tests.fakes.embedded import BTC, ETH, PRICES, embedded_venue, flat_history
from tests.venue.adapter.scene import opened

NS = 10**9
DAY_NS = 86_400 * NS
BAR_S = 300
ROOT = Path(__file__).resolve().parents[3]


class Eager(SystemClock):
    """A clock that remembers how long it was asked to wait, and waits a moment."""

    def __init__(self):
        self.waits = []

    async def sleep_s(self, seconds):
        self.waits.append(seconds)
        await super().sleep_s(min(seconds, 0.01))


def past(days=8):
    """Bars of five minutes, funding every eight hours, open interest every hour."""
    bars = flat_history({BTC: PRICES[BTC], ETH: PRICES[ETH]}, days=days, timeframe_s=BAR_S)
    hours = range(-days * 24 + 1, 0)
    interest = [
        OpenInterest(BTC, h * 3_600 * NS, h * 3_600 * NS, "binance", 90_000.0) for h in hours
    ]
    funding = [
        FundingRate(BTC, h * 3_600 * NS, h * 3_600 * NS, "binance", 1e-4, 28_800, settled=True)
        for h in hours
        if h % 8 == 0
    ]
    return History(
        start_ns=0, candles=bars.candles, funding=tuple(funding), open_interest=tuple(interest)
    )


@asynccontextmanager
async def scene(**changes):
    async with embedded_venue(history=past(**changes)) as venue, opened(venue) as room:
        await room.venue.clock_skew_ns()
        yield venue, room


def wish(room, folder, days=7, **changes):
    now_ns = room.venue_now_ns()
    fields = {
        "symbols": (BTC,), "timeframe_s": BAR_S, "since_ns": now_ns - days * DAY_NS,
        "until_ns": now_ns, "folder": folder,
    }  # fmt: skip
    return Wish(**{**fields, **changes})


def fetch(room, asked, clock=None):
    return Download(room, asked, clock or Eager(), lambda line: None).run()


async def test_a_week_comes_whole_and_is_sound(tmp_path):
    async with scene() as (venue, room):
        asked = wish(room, tmp_path / "out", symbols=(BTC, ETH))
        told = await fetch(room, asked)
        bars = read_folder(tmp_path / "out").finest(BTC)
        assert abs(len(bars) - 7 * 288) <= 2
        assert np.all(np.diff(bars.open_ns) == BAR_S * NS)
        assert bars.close_ns[-1] <= room.venue_now_ns()
        assert told["new"]["candles.parquet"] == len(bars) * 2
        assert told["new"]["funding.parquet"] >= 20
        assert told["new"]["open_interest.parquet"] >= 160
        assert check_folder(tmp_path / "out")["ok"] is True
        assert check_folder(tmp_path / "out")["counts"]["gaps"] == 0
        assert len(venue.requests("/fapi/v1/klines")) >= 4


async def test_what_is_there_is_not_asked_for_again(tmp_path):
    async with scene() as (venue, room):
        early = wish(room, tmp_path / "out", days=2)
        await fetch(room, early)
        asked_before = len(venue.requests("/fapi/v1/klines"))
        again = await fetch(room, early)
        assert set(again["new"].values()) == {0}
        assert len(venue.requests("/fapi/v1/klines")) == asked_before
        longer = await fetch(room, wish(room, tmp_path / "out", days=5, until_ns=early.until_ns))
        assert longer["new"]["candles.parquet"] == 3 * 288
        first = read_folder(tmp_path / "out").finest(BTC)
        assert np.all(np.diff(first.open_ns) == BAR_S * NS)


async def test_a_run_that_is_cut_off_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr("bot.app.trying.download.PAGE", 50)
    monkeypatch.setattr("bot.app.trying.download.FLUSH_PAGES", 2)
    async with scene() as (_, room):
        asked = wish(room, tmp_path / "out", days=2, beside=False)
        count = 0

        def told(line):
            nonlocal count
            count += 1
            if count == 7:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await Download(room, asked, Eager(), told).run()
        kept = len(read_folder(tmp_path / "out").finest(BTC))
        assert 300 <= kept <= 350
        rest = await fetch(room, asked)
        assert rest["new"]["candles.parquet"] in (2 * 288 - kept, 2 * 288 - 1 - kept)
        assert check_folder(tmp_path / "out")["counts"]["gaps"] == 0


async def test_silence_is_kept_when_the_venue_asks_for_it(tmp_path):
    async with scene() as (venue, room):
        clock = Eager()
        venue.faults.add(
            "reject", path="/fapi/v1/klines", http_status=429, code=-1003, retry_after_s=1, times=1
        )
        asked = wish(room, tmp_path / "out", days=1, beside=False)
        told = await asyncio.wait_for(
            Download(room, asked, SystemClock(), lambda line: None).run(), timeout=30
        )
        assert told["new"]["candles.parquet"] >= 287
        venue.faults.clear()
        venue.faults.add("lose_request", path="/fapi/v1/klines", times=4)
        await fetch(room, wish(room, tmp_path / "lost", days=1, beside=False), clock)
        assert clock.waits
        assert clock.waits == [1.0, 2.0, 4.0, 8.0][: len(clock.waits)]


async def test_a_venue_that_stays_away_is_told_and_what_came_is_kept(tmp_path):
    async with scene() as (venue, room):
        await fetch(room, wish(room, tmp_path / "out", days=1, beside=False))
        venue.faults.add("lose_request", path="/fapi/v1/klines", times=99)
        with pytest.raises(VenueUnreachable):
            await fetch(room, wish(room, tmp_path / "out", days=3, beside=False))
        assert len(read_folder(tmp_path / "out").finest(BTC)) >= 287
        assert isinstance(VenueUnreachable("x"), BotError)


def test_missing_spans_are_whole_bars():
    step = BAR_S * NS
    asked = Wish(
        symbols=(BTC,), timeframe_s=BAR_S, since_ns=10 * step - 5, until_ns=20 * step + 7,
        folder=Path("x"),
    )  # fmt: skip
    have = np.array([3, 10, 11, 14, 25], np.int64) * step
    assert list(missing(have, asked, BAR_S)) == [
        (12 * step, 14 * step), (15 * step, 20 * step),
    ]  # fmt: skip
    assert list(missing(np.zeros(0, np.int64), asked, BAR_S)) == [(10 * step, 20 * step)]


async def test_the_command_fetches_and_refuses_in_a_line(tmp_path):
    async with scene() as (venue, room):
        day = str(np.datetime64(room.venue_now_ns() // NS - 2 * 86_400, "s"))[:10]
        words = [
            sys.executable, "-m", "bot", "download", "--into", str(tmp_path / "out"), "--symbol",
            BTC, "--since", day, "--stand-in", venue.url, "--json",
        ]  # fmt: skip
        env = {**os.environ, "BREAKWATER_CONFIG_DIR": str(ROOT / "config")}

        async def ran(*more):
            return await asyncio.to_thread(
                subprocess.run, [*words, *more], cwd=ROOT, env=env, capture_output=True,
                timeout=120, check=False,
            )  # fmt: skip

        done = await ran()
        assert done.returncode == 0, done.stderr.decode()
        assert json.loads(done.stdout)["new"]["candles.parquet"] > 288
        wrong = await ran("--timeframe", "soon")
        assert wrong.returncode == 2
        assert wrong.stderr.count(b"\n") == 1
