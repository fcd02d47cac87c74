"""What a replay walks: tracks of bars and the news between them, chosen from a data folder.

Everything is known only when its bar, window or day has closed. Of several venues one series is
chosen per symbol for prices and for the funding that is paid; the senses hear all of them.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

import msgspec

from bot.data.folder import Folder
from bot.domain.errors import ConfigInvalid, DataInvalid
from bot.domain.instrument import Instrument
from bot.domain.market import Candle
from bot.domain.messages import Event
from bot.domain.units import NS_PER_DAY, NS_PER_H, NS_PER_S
from bot.lab.news import FundingPlan, funding_plan, news_of
from bot.lab.options import ReplayOptions
from bot.lab.path import Track, told_candles, track_of
from bot.simulator.contracts import CONTRACTS

REMEMBERED_NS: Final = 90 * NS_PER_DAY
"""What the senses remember longest of what a folder records: funding of 90 days."""


@dataclass(frozen=True, kw_only=True)
class Material:
    """Tracks, news and contracts of one replay; times are ns UTC.

    `before` is what was known when the replay starts; `news` what becomes known later.
    """

    symbols: tuple[str, ...]
    instruments: tuple[Instrument, ...]
    tracks: list[Track]
    news: list[tuple[int, Event]]
    before: list[Event]
    start_ns: int
    end_ns: int
    bar_s: int
    funding: dict[str, FundingPlan]
    caveats: list[str]
    told: list[list[Candle | None]]
    """Per track and bar: the candle that is known when the bar has closed."""
    marks: dict[str, Track] = field(default_factory=dict)

    def has_mark(self, symbol: str, ns: int) -> bool:
        """Whether a recorded mark candle covers this instant."""
        track = self.marks.get(symbol)
        if track is None:
            return False
        at = bisect_right(track.open_ns, ns) - 1
        return at >= 0 and ns < track.open_ns[at] + track.timeframe_s * NS_PER_S


def material_of(folder: Folder, options: ReplayOptions) -> Material:
    """Choose symbols, bars and series of a folder.

    Raises:
        ConfigInvalid: a symbol or a start that the folder does not have.
        DataInvalid: nothing in the folder can be replayed.
    """
    symbols = _symbols(folder, options)
    bars = {symbol: folder.finest(symbol) for symbol in symbols}
    tracks = [
        track_of(symbol, b.timeframe_s, b.open_ns, (b.open, b.high, b.low, b.close), b.volume)
        for symbol, b in bars.items()
    ]
    marks = _marks(folder, tracks)
    bar_s = _decision_bar_s(tracks, options.policy.bar_s)
    told = [told_candles(track, bar_s) for track in tracks]
    first_ns = min(track.open_ns[0] for track in tracks)
    end_ns = max(track.open_ns[-1] for track in tracks) + 1
    start_ns = _start(options.start, first_ns, end_ns)
    closing_ns = max(t.open_ns[-1] + t.timeframe_s * NS_PER_S for t in tracks)
    venues = {symbol: b.venue for symbol, b in bars.items()}
    funding = {s: funding_plan(folder, s, venues[s], start_ns, closing_ns) for s in symbols}
    news, news_words = news_of(folder, tracks, funding, closing_ns)
    return Material(
        symbols=symbols,
        instruments=tuple(c for c in CONTRACTS if c.symbol in symbols),
        tracks=[*tracks, *marks.values()],
        news=[pair for pair in news if pair[0] >= start_ns],
        before=_before(told, news, start_ns),
        start_ns=start_ns,
        end_ns=end_ns,
        bar_s=bar_s,
        funding=funding,
        caveats=_caveats(tracks, venues, marks, funding, news_words),
        told=told,
        marks=marks,
    )


def _symbols(folder: Folder, options: ReplayOptions) -> tuple[str, ...]:
    recorded = {key[0] for key in folder.candles}
    listed = {contract.symbol for contract in CONTRACTS}
    usable = sorted(recorded & listed)
    if not usable:
        raise DataInvalid(
            f"{options.data}: no candles of a contract the embedded exchange lists "
            f"({', '.join(sorted(listed))})"
        )
    for symbol in options.symbols:
        if symbol not in usable:
            raise ConfigInvalid(
                f"--symbol {symbol}: {options.data} has candles of {', '.join(usable)}"
            )
    wanted = options.symbols or options.policy.limits.symbols
    chosen = tuple(dict.fromkeys(symbol for symbol in wanted if symbol in usable))
    if not chosen:
        raise ConfigInvalid(
            f"{options.data}: none of the allowed symbols ({', '.join(wanted)}) is recorded; "
            f"choose with --symbol from {', '.join(usable)}"
        )
    return chosen


def _start(text: str, first_ns: int, end_ns: int) -> int:
    if text == "first":
        return first_ns
    hours = text.removesuffix("h")
    if not hours.isdigit() or hours == text:
        raise ConfigInvalid(f"--start {text}: give `first` or hours after the first bar as `12h`")
    start_ns = first_ns + int(hours) * NS_PER_H
    if start_ns >= end_ns:
        raise ConfigInvalid(f"--start {text}: the recording ends before that")
    return start_ns


def _marks(folder: Folder, tracks: list[Track]) -> dict[str, Track]:
    """Return mark candles that are at least as fine as the candles of their symbol."""
    out: dict[str, Track] = {}
    for track in tracks:
        fine = [
            (key[1], key[2] != "binance", key[2], rows)
            for key, rows in folder.mark_candles.items()
            if key[0] == track.symbol and key[1] <= track.timeframe_s
        ]
        if fine:
            rows = min(fine, key=lambda row: row[:3])[3]
            prices = (rows.open, rows.high, rows.low, rows.close)
            out[track.symbol] = track_of(
                track.symbol, rows.timeframe_s, rows.open_ns, prices, rows.volume, is_mark=True
            )
    return out


def _decision_bar_s(tracks: list[Track], wanted_s: int) -> int:
    """Return the policy's bars, or the recorded ones where those are coarser or do not fit."""
    finest = min(track.timeframe_s for track in tracks)
    fits = wanted_s > finest and all(
        wanted_s % track.timeframe_s == 0 or track.timeframe_s >= wanted_s for track in tracks
    )
    return wanted_s if fits else finest


def _before(
    told: list[list[Candle | None]], news: list[tuple[int, Event]], start_ns: int
) -> list[Event]:
    """Return what was known at the start, oldest first; bars as history.

    News go as far back as the senses remember: medians of a month make the first judgement.
    """
    bars = [
        (candle.event_ns, 1, msgspec.structs.replace(candle, history=True))
        for candles in told
        for candle in candles
        if candle is not None and candle.event_ns <= start_ns
    ]
    past = [(ns, 0, event) for ns, event in news if start_ns - REMEMBERED_NS <= ns < start_ns]
    known: list[tuple[int, int, Event]] = [*past, *bars]
    known.sort(key=lambda row: row[:2])
    return [event for _, _, event in known]


def _caveats(
    tracks: list[Track],
    venues: dict[str, str],
    marks: dict[str, Track],
    funding: dict[str, FundingPlan],
    told_words: list[str],
) -> list[str]:
    bars = ", ".join(
        f"{t.symbol.split('/', 1)[0]} {venues[t.symbol]} {t.timeframe_s // 60}m" for t in tracks
    )
    lines = [
        f"recorded: candles ({bars})" + "".join(f"; {words}" for words in told_words),
        "derived: the path inside a bar (open, extreme against the position, other extreme, "
        "close), volume in quarters, half of it bought, depth and slippage",
    ]
    bare = [t.symbol.split("/", 1)[0] for t in tracks if t.symbol not in marks]
    if bare:
        lines.append(f"the last price stands for mark and index of {', '.join(bare)}: no finer "
                     "mark candles are recorded")  # fmt: skip
    lines += [plan.words for plan in funding.values()]
    lines.append("contracts: filters, fees and margin tiers are those of Binance in 2026; a stop "
                 "is no promise against a gap")  # fmt: skip
    return lines
