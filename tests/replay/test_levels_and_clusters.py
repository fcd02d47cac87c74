"""Levels, scenarios and the map's score on recorded markets, where they lie beside the project."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from bot.data.folder import Folder, read_folder
from bot.domain.policy import LevelPolicy
from bot.domain.scenario import REPORTED
from bot.kernel import scenarios
from bot.kernel.clusters import map as fuel
from bot.kernel.clusters import score
from bot.kernel.clusters.state import ClusterMap, ScoreBook
from bot.kernel.indicators import Atr
from bot.kernel.indicators.ranges import fold_atr
from bot.kernel.levels import LevelBook, Scene, fold, follow, refresh
from bot.kernel.levels.state import FrameBar, ScenarioBook
from bot.lab.story import utc_text

SHARED = Path(os.environ.get("BREAKWATER_SHARED", Path(__file__).resolve().parents[3] / "shared"))
DATA = SHARED / "market-data"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason="no recorded market data beside the project"),
]
BTC, HOUR_S, NS = "BTC/USDT:USDT", 3_600, 10**9
POLICY = LevelPolicy()


@cache
def folder(name: str) -> Folder:
    return read_folder(DATA / name)


def bars(name: str) -> Iterator[tuple[FrameBar, int]]:
    """Yield the finest bars of bitcoin, oldest first, with their length in seconds."""
    found = folder(name).bars(BTC)
    columns = (found.open_ns, found.open, found.high, found.low, found.close, found.volume)
    for row in zip(
        *(column.tolist() for column in columns), found.timeframe_s.tolist(), strict=True
    ):
        yield FrameBar(*row[:-1]), row[-1]


def scored(name: str) -> score.Score:
    """Return the map's score after a folder, every input taken when it was known."""
    state, book = ClusterMap(), ScoreBook()
    sums = folder(name).liquidations[(BTC, HOUR_S, "binance+bybit+okx")]
    for ns, long_usd, short_usd in zip(sums.time_ns, sums.long_usd, sums.short_usd, strict=True):
        book.realised[int(ns)] = (float(long_usd), float(short_usd))
    told = dict(book.realised)
    book.realised.clear()
    interest = folder(name).open_interest[(BTC, "binance")]
    rows = list(zip(interest.known_ns.tolist(), interest.open_interest_usd.tolist(), strict=True))
    traded, place = 0.0, 0
    for bar, bar_s in bars(name):
        close_ns = bar.open_ns + bar_s * NS
        score.fold(book, state, open_ns=bar.open_ns, high=bar.high, low=bar.low)
        fuel.fold(
            state,
            close_ns=close_ns,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            volume=bar.volume,
        )
        traded += bar.volume
        while place < len(rows) and rows[place][0] <= close_ns:
            if rows[place][0] > bar.open_ns:
                fuel.on_open_interest(state, rows[place][1] / bar.close, rows[place][0], traded)
                traded = 0.0
            place += 1
        if close_ns % (HOUR_S * NS) == 0:
            hour_ns = close_ns - HOUR_S * NS
            if hour_ns in told:
                score.on_realised(book, hour_ns, *told[hour_ns])
    return score.score(book)


@pytest.mark.parametrize("name", ["2025-12-calm", "2026-01-cascade"])
def test_the_map_adds_to_price_what_random_levels_do_not(name: str) -> None:
    found = scored(name)
    for word, side in (("longs", found.longs), ("shorts", found.shorts)):
        assert side is not None
        print(
            f"\n{name} {word}: {side.hours} h, rank correlation {side.plain:.3f}"
            f" (price excursion alone {side.excursion:.3f}), partial {side.partial:.3f},"
            f" random levels {side.random:.3f}, weight {side.weight:.2f}"
        )
        assert side.partial >= score.GATE
        assert side.partial > side.random + 0.1
        assert 0.0 < side.weight <= 1.0


@pytest.mark.parametrize("name", ["2024-08-unwind", "2025-04-rally", "2025-10-crash"])
def test_without_hourly_liquidations_the_map_has_no_score_and_no_weight(name: str) -> None:
    hourly = [key for key in folder(name).liquidations if key[1] == HOUR_S]
    assert hourly == []
    assert score.score(ScoreBook()).weight(is_long=True) == 0.0


def test_the_reported_scenarios_play_out_as_the_market_did() -> None:
    book, atr, hour = ScenarioBook(), Atr(), None
    told: dict[str, list[str]] = {}
    for bar, bar_s in bars("2026-01-cascade"):
        start_ns = bar.open_ns - bar.open_ns % (HOUR_S * NS)
        if hour is None or hour.open_ns != start_ns:
            if hour is not None:
                fold_atr(atr, hour.high, hour.low, hour.close)
            hour = FrameBar(start_ns, bar.open, bar.high, bar.low, bar.close)
        hour.high, hour.low = max(hour.high, bar.high), min(hour.low, bar.low)
        hour.close = bar.close
        for name, text in scenarios.follow(book, REPORTED, bar, bar_s, POLICY, atr.value):
            when = utc_text(bar.open_ns + bar_s * NS)
            print(f"{when} {name} {text}")
            told.setdefault(name, []).append(f"{when[:10]} {text.split(':')[0]}")
    lost = told["loss-of-76k-and-75k"]
    assert any(line.endswith("RUNNING") for line in lost)
    assert lost[-1].startswith("2026-02-0")
    assert not any(line.endswith("RUNNING") for line in told.get("reclaim-80k", []))


def test_zones_of_the_cascade_are_made_followed_and_never_from_the_future() -> None:
    book, atr = LevelBook(), Atr()
    states: dict[str, int] = {}
    for bar, bar_s in bars("2026-01-cascade"):
        closed = fold(book, bar, bar_s, atr.value)
        follow(book, bar, bar_s, POLICY, atr.value * (bar_s / HOUR_S) ** 0.5)
        for zone in book.zones:
            if zone.changed:
                states[zone.state] = states.get(zone.state, 0) + 1
        if HOUR_S not in closed:
            continue
        frame = book.frames[HOUR_S]
        fold_atr(atr, frame.high[-1], frame.low[-1], frame.close[-1])
        now_ns = bar.open_ns + bar_s * NS
        scene = Scene(book=book, symbol=BTC, now_ns=now_ns, price=bar.close, atr_1h=atr.value)
        refresh(scene)
        assert all(zone.known_from_ns <= now_ns for zone in book.zones)
    assert book.refused == 0
    assert {"SWEPT", "BREAKING", "BROKEN", "RECLAIMED", "HELD", "RETEST_REJECTED"} <= set(states)
    assert 10 <= len(book.zones) <= 70
