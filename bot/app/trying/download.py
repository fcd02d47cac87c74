"""Fetches bars, settled funding and open interest of a venue into a data folder, and goes on."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from bot.data.arrays import Ints
from bot.data.files import Told as Series
from bot.data.folder import CANDLES, FUNDING, OPEN_INTEREST, READERS
from bot.data.format import Rows, frame_word
from bot.data.merge import merged
from bot.data.placing import place, placing
from bot.domain.errors import OutcomeUnknown, VenueThrottled, VenueUnreachable
from bot.domain.market import Candle, FundingRate, OpenInterest
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.ports import Clock
from bot.venue.feeds.contracts import Contract
from bot.venue.open import VenueRoom

PAGE: Final = 1_500
FLUSH_PAGES: Final = 10
"""What was fetched is put into the folder this often: a kill costs no more."""
TRIES: Final = 6
BACKOFF_S: Final = 1.0
Told = Callable[[str], None]
Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What to fetch: bars from `since_ns` until `until_ns`, into `folder`."""

    symbols: tuple[str, ...]
    timeframe_s: int
    since_ns: int
    until_ns: int
    folder: Path
    beside: bool = True
    """Funding and open interest as well."""


class Download:
    """One run; what the folder holds already is not asked for again."""

    def __init__(self, room: VenueRoom, wish: Wish, clock: Clock, told: Told) -> None:
        self._room = room
        self._wish = wish
        self._clock = clock
        self._told = told
        self._venue = room.venue.name
        self._found: dict[str, int] = {CANDLES: 0, FUNDING: 0, OPEN_INTEREST: 0}

    async def run(self) -> dict[str, Any]:
        """Fetch everything; return how many rows of each file were new.

        Raises:
            VenueError: the venue refuses, or stays out of reach; what came before is kept.
            DataInvalid: the folder cannot be used, or contradicts the venue.
        """
        for symbol in self._wish.symbols:
            await self._bars(symbol)
        if self._wish.beside:
            for contract in await self._patient(
                lambda: self._room.past.polls.contracts(self._wish.symbols)
            ):
                await self._funding(contract)
                await self._interest(contract)
        return {"into": str(self._wish.folder), "venue": self._venue, "new": self._found}

    async def _bars(self, symbol: str) -> None:
        step_s = self._wish.timeframe_s
        for begin_ns, end_ns in missing(self._have(symbol), self._wish, step_s):
            kept: list[Candle] = []
            at_ns, pages = begin_ns, 0
            while at_ns < end_ns:
                page = await self._page(symbol, at_ns, (end_ns - at_ns) // (step_s * NS_PER_S))
                kept += [bar for bar in page if bar.event_ns <= end_ns]
                pages += 1
                if not page or pages % FLUSH_PAGES == 0:
                    kept = self._keep_bars(symbol, kept)
                if not page or page[-1].event_ns <= at_ns:
                    break
                at_ns = page[-1].event_ns
                self._told(f"download: {symbol} {frame_word(step_s)} to {_day(at_ns)}")
            self._keep_bars(symbol, kept)

    async def _page(self, symbol: str, at_ns: int, count: int) -> tuple[Candle, ...]:
        step_s, limit = self._wish.timeframe_s, min(max(int(count), 1), PAGE)
        return await self._patient(lambda: self._room.venue.candles(symbol, step_s, at_ns, limit))

    async def _funding(self, contract: Contract) -> None:
        since_ns = max(self._wish.since_ns, self._newest_ns(FUNDING, contract.symbol))
        while True:
            after_ns = since_ns
            rows = await self._patient(
                lambda: self._room.past.polls.settled(contract, after_ns)  # noqa: B023 - awaited here
            )
            rows = tuple(row for row in rows if after_ns < row.event_ns < self._wish.until_ns)
            if not rows:
                return
            self._keep(FUNDING, _funding_rows(rows, self._venue))
            since_ns = rows[-1].event_ns

    async def _interest(self, contract: Contract) -> None:
        """Keep what the venue still has of open interest, in USD by the bar that had closed."""
        since_ns = max(self._wish.since_ns, self._newest_ns(OPEN_INTEREST, contract.symbol))
        rows = await self._patient(lambda: self._room.past.polls.interest(contract, since_ns))
        closes_ns, closes = self._closes(contract.symbol)
        priced = []
        for row in rows:
            at = int(np.searchsorted(closes_ns, row.event_ns, side="right")) - 1
            fresh = at >= 0 and row.event_ns - closes_ns[at] <= NS_PER_H
            if fresh and since_ns < row.event_ns < self._wish.until_ns:
                priced.append((row, float(closes[at])))
        if priced:
            self._keep(OPEN_INTEREST, _interest_rows(priced, self._venue))

    async def _patient(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask until there is an answer: wait as long as the venue says, or longer each time."""
        for attempt in range(TRIES):
            try:
                return await ask()
            except VenueThrottled as full:
                wait_s = max(full.retry_after_s, BACKOFF_S)
                self._told(f"download: the venue asks for {wait_s:.0f} s of silence")
            except (VenueUnreachable, OutcomeUnknown) as failed:
                wait_s = BACKOFF_S * 2**attempt
                self._told(f"download: {failed}; again in {wait_s:.0f} s")
            await self._clock.sleep_s(wait_s)
        return await ask()

    def _have(self, symbol: str) -> Ints:
        found = self._series(CANDLES).get((symbol, self._wish.timeframe_s, self._venue))
        return np.zeros(0, np.int64) if found is None else found.open_ns

    def _closes(self, symbol: str) -> "tuple[Ints, Any]":
        found = self._series(CANDLES).get((symbol, self._wish.timeframe_s, self._venue))
        if found is None:
            return np.zeros(0, np.int64), np.zeros(0)
        return found.close_ns, found.close

    def _newest_ns(self, kind: str, symbol: str) -> int:
        found = self._series(kind).get((symbol, self._venue))
        return 0 if found is None else int(found.time_ns[-1])

    def _series(self, kind: str) -> dict[Any, Any]:
        path = self._wish.folder / kind
        if not path.is_file():
            return {}
        series: Any = READERS[kind](path, _silent)
        return dict(series)

    def _keep_bars(self, symbol: str, bars: list[Candle]) -> list[Candle]:
        if bars:
            self._keep(CANDLES, _bar_rows(symbol, bars, self._venue))
        return []

    def _keep(self, kind: str, rows: Rows) -> None:
        with placing(self._wish.folder):
            found = merged(self._wish.folder, [rows])
            place(self._wish.folder, {name: each.table for name, each in found.items()})
        self._found[kind] += len(rows)


def missing(have_ns: Ints, wish: Wish, step_s: int) -> Iterator[tuple[int, int]]:
    """Yield the spans, whole bars, in which bars are wanted and none are known."""
    step_ns = step_s * NS_PER_S
    begin_ns = -(-wish.since_ns // step_ns) * step_ns
    end_ns = wish.until_ns // step_ns * step_ns
    inside = have_ns[(have_ns >= begin_ns) & (have_ns < end_ns)]
    edges = [begin_ns - step_ns, *inside.tolist(), end_ns]
    for before, after in pairwise(edges):
        if after - before > step_ns:
            yield before + step_ns, after


def _bar_rows(symbol: str, bars: list[Candle], venue: str) -> Rows:
    step_ns = bars[0].timeframe_s * NS_PER_S
    numbers = {
        name: np.array([getattr(bar, name) for bar in bars])
        for name in ("open", "high", "low", "close", "volume")
    }
    times = np.array([bar.event_ns - step_ns for bar in bars], np.int64)
    words = {"venue": venue, "symbol": symbol, "timeframe": frame_word(bars[0].timeframe_s)}
    return _answered(CANDLES, venue, {"time": times, **words, **numbers})


def _funding_rows(rows: tuple[FundingRate, ...], venue: str) -> Rows:
    columns = {
        "time": np.array([row.event_ns for row in rows], np.int64),
        "venue": venue,
        "symbol": rows[0].symbol,
        "rate": np.array([row.rate_frac for row in rows]),
        "interval_hours": np.array([row.interval_s / 3_600 for row in rows]),
    }
    return _answered(FUNDING, venue, columns)


def _interest_rows(priced: list[tuple[OpenInterest, float]], venue: str) -> Rows:
    columns = {
        "time": np.array([row.event_ns for row, _ in priced], np.int64),
        "venue": venue,
        "symbol": priced[0][0].symbol,
        "open_interest_usd": np.array([row.qty * price for row, price in priced]),
    }
    return _answered(OPEN_INTEREST, venue, columns)


def _answered(kind: str, venue: str, columns: dict[str, Any]) -> Rows:
    count = int(columns["time"].size)
    return Rows(kind, columns, Path(venue), np.arange(count, dtype=np.int64) + 1, "row of answer")


def _silent(told: Series) -> None:
    del told


def _day(instant_ns: int) -> str:
    return str(np.datetime64(instant_ns // NS_PER_S, "s"))
