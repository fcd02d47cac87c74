"""Funding, open interest, liquidation totals and sentiment, each told when its window closed."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from bot.data.folder import Folder
from bot.domain.market import FundingRate, LiquidationSum, OpenInterest, Reading
from bot.domain.messages import Event
from bot.domain.units import NS_PER_DAY, NS_PER_S
from bot.lab.path import Track

PREFERENCE: Final = ("binance", "bybit", "binance+bybit+okx", "hyperliquid", "lighter")
"""Which venue's series is taken when several are equally fine; others follow by name."""
Told = list[tuple[int, Event]]


@dataclass(frozen=True, slots=True)
class FundingPlan:
    """What one symbol pays at each settlement; `rates` by the settlement's time (ns)."""

    venue: str
    interval_s: int
    rates: dict[int, float]
    words: str

    def next_after(self, ns: int) -> float:
        """Return the rate of the first settlement after `ns`; 0.0 where none is recorded."""
        step = self.interval_s * NS_PER_S
        return self.rates.get((ns // step + 1) * step, 0.0)


def funding_plan(
    folder: Folder, symbol: str, venue: str, start_ns: int, end_ns: int
) -> FundingPlan:
    """Choose one venue's settled rates: that of the candles if recorded, else by preference."""
    short = symbol.split("/", 1)[0]
    found = {}
    for (name, where), rows in folder.funding.items():
        inside = (rows.time_ns > start_ns) & (rows.time_ns <= end_ns)
        if name == symbol and bool(inside.any()):
            found[where] = rows
    if not found:
        return FundingPlan(
            "", 8 * 3_600, {}, f"no funding is recorded for {short}: none was charged"
        )
    where = min(found, key=lambda v: (v != venue, _rank(v)))
    rows = found[where]
    interval_s = int(np.median(rows.interval_s))
    step = interval_s * NS_PER_S
    settled = ((rows.time_ns + step // 2) // step) * step
    rates = dict(zip(settled.tolist(), rows.rate_frac.tolist(), strict=True))
    due = range((start_ns // step + 1) * step, end_ns, step)
    missing = sum(1 for ns in due if ns not in rates)
    words = f"recorded: funding of {short} ({where}, every {interval_s / 3_600:.3g} h)"
    if missing:
        words += f"; {missing} settlements are not recorded and cost nothing"
    return FundingPlan(where, interval_s, rates, words)


def news_of(
    folder: Folder, tracks: list[Track], funding: dict[str, FundingPlan], end_ns: int
) -> tuple[Told, list[str]]:
    """Return all news known until `end_ns` in order of time, and what they are made of."""
    told: list[tuple[int, int, Event]] = []
    words: list[str] = []
    for rank, track in enumerate(tracks):
        plan = funding[track.symbol]
        told += [
            (e.event_ns, rank, e) for e in _funding(track.symbol, plan) if e.event_ns <= end_ns
        ]
        others = _funding_elsewhere(folder, track.symbol, plan.venue)
        told += [(e.event_ns, rank, e) for e in others if e.event_ns <= end_ns]
        for news, what in (_interest(folder, track), _liquidations(folder, track)):
            told += [(ns, rank, event) for ns, event in news if ns <= end_ns]
            if what:
                words.append(what)
    readings = _sentiment(folder)
    if readings:
        words.append("daily sentiment, known the next day")
    told += [(ns, len(tracks), event) for ns, event in readings if ns <= end_ns]
    told.sort(key=lambda row: row[:2])
    return [(ns, event) for ns, _, event in told], words


def _rank(venue: str) -> tuple[int, str]:
    known = venue in PREFERENCE
    return (PREFERENCE.index(venue) if known else len(PREFERENCE), venue)


def _funding(symbol: str, plan: FundingPlan) -> list[FundingRate]:
    """Settled rates are known at their settlement."""
    step = plan.interval_s * NS_PER_S
    return [
        FundingRate(symbol, ns, ns, plan.venue, rate, plan.interval_s, True, ns + step)
        for ns, rate in sorted(plan.rates.items())
    ]


def _funding_elsewhere(folder: Folder, symbol: str, venue: str) -> list[FundingRate]:
    """Settled rates of the venues that are not traded: the senses hear them."""
    return [
        FundingRate(symbol, ns, ns, where, rate, span_s, True)
        for (name, where), rows in sorted(folder.funding.items())
        if name == symbol and where != venue
        for ns, rate, span_s in zip(
            rows.time_ns.tolist(), rows.rate_frac.tolist(), rows.interval_s.tolist(), strict=True
        )
    ]


def _interest(folder: Folder, track: Track) -> tuple[Told, str]:
    """Open interest in USD becomes coins at the last close known when its window ended."""
    series = {v: r for (s, v), r in folder.open_interest.items() if s == track.symbol}
    closes_ns = np.asarray(track.open_ns, dtype=np.int64) + track.timeframe_s * NS_PER_S
    news: Told = []
    for venue in sorted(series, key=_rank):
        rows = series[venue]
        for ns, usd in zip(rows.known_ns.tolist(), rows.open_interest_usd.tolist(), strict=True):
            at = int(np.searchsorted(closes_ns, ns, side="right")) - 1
            if at >= 0:
                qty = usd / track.close[at]
                news.append((ns, OpenInterest(track.symbol, ns, ns, venue, qty)))
    return news, _words("open interest", track, [(v, series[v].window_s) for v in series])


def _liquidations(folder: Folder, track: Track) -> tuple[Told, str]:
    series = {(w, v): r for (s, w, v), r in folder.liquidations.items() if s == track.symbol}
    news: Told = []
    for window_s, venue in sorted(series, key=lambda key: (key[0], _rank(key[1]))):
        rows = series[window_s, venue]
        for ns, longs, shorts in zip(
            rows.known_ns.tolist(), rows.long_usd.tolist(), rows.short_usd.tolist(), strict=True
        ):
            news.append((ns, LiquidationSum(track.symbol, ns, ns, venue, window_s, longs, shorts)))
    return news, _words("liquidation totals", track, [(v, w) for w, v in series])


def _words(what: str, track: Track, series: list[tuple[str, int]]) -> str:
    if not series:
        return ""
    short = track.symbol.split("/", 1)[0]
    named = ", ".join(f"{venue} every {span_s / 3_600:.3g} h" for venue, span_s in sorted(series))
    return f"{what} of {short} ({named})"


def _sentiment(folder: Folder) -> Told:
    """A day's reading is known when the next day begins."""
    news: Told = []
    rows = folder.sentiment
    if rows is None:
        return news
    for name in ("fear_greed", "btc_etf_net_flow_usd", "spx_return"):
        values = getattr(rows, name)
        for day_ns, value in zip(rows.day_ns.tolist(), values.tolist(), strict=True):
            if value == value:  # noqa: PLR0124 - NaN: no reading that day
                ns = day_ns + NS_PER_DAY
                news.append((ns, Reading("sentiment", name, ns, ns, value)))
    return news
