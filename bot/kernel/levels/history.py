"""Folds closed bars into frames of an hour, four hours and a day, and turns into the zigzag."""

import math

from bot.kernel.levels.state import BarLike, Frame, FrameBar, LevelBook, Pivot, Zigzag

HOUR_S, FOUR_HOURS_S, DAY_S = 3_600, 14_400, 86_400
KEPT = {HOUR_S: 720, FOUR_HOURS_S: 360, DAY_S: 400}
PIVOTS_KEPT = 24
TURN_ATR, TURN_FRAC = 2.0, 0.015
NS_PER_S = 1_000_000_000


def flaw(bar: BarLike, last_ns: int) -> str | None:
    """Return what makes a bar unusable after one that opened at `last_ns`; None: it is sound."""
    prices = (bar.open, bar.high, bar.low, bar.close)
    if not all(map(math.isfinite, prices)) or min(prices) <= 0.0:
        return f"prices must be finite and above zero, were {prices}"
    if bar.high < max(prices) or bar.low > min(prices):
        return f"high and low must contain open and close, were {prices}"
    if not (math.isfinite(bar.volume) and bar.volume >= 0.0):
        return f"volume must be finite and not negative, was {bar.volume}"
    if bar.open_ns <= last_ns:
        return f"opened at {bar.open_ns}, not after the bar before it ({last_ns})"
    return None


def fold(book: LevelBook, bar: BarLike, bar_s: int, atr_1h: float) -> tuple[int, ...]:
    """Take one closed bar of `bar_s` seconds; return the timeframes (seconds) it closed.

    An unusable bar changes nothing but `book.refused` and `book.refusal`. `atr_1h` in quote sets
    the zigzag's threshold; 0.0 while unknown.
    """
    wrong = flaw(bar, book.last_ns)
    if wrong is not None:
        book.refused += 1
        book.refusal = wrong
        return ()
    book.last_ns = bar.open_ns
    closed: list[int] = []
    for timeframe_s, kept in KEPT.items():
        if bar_s > timeframe_s:
            continue
        frame = book.frames.setdefault(timeframe_s, Frame(timeframe_s=timeframe_s, kept=kept))
        done = _grow(frame, bar, bar_s)
        for each in done:
            _keep(frame, each)
            turns = book.zigzags.setdefault(timeframe_s, Zigzag())
            turn(turns, each, frame.bar_ns, threshold(atr_1h, timeframe_s, each.close))
        if done:
            closed.append(timeframe_s)
    return tuple(closed)


def grow(part: FrameBar | None, bar: BarLike, start_ns: int) -> FrameBar:
    """Return the bar that opened at `start_ns` with `bar` in it; `part` is what it was before."""
    if part is None or part.open_ns != start_ns:
        return FrameBar(start_ns, bar.open, bar.high, bar.low, bar.close, bar.volume)
    part.high = max(part.high, bar.high)
    part.low = min(part.low, bar.low)
    part.close = bar.close
    part.volume += bar.volume
    return part


def _grow(frame: Frame, bar: BarLike, bar_s: int) -> list[FrameBar]:
    """Return the bars that are now over: the one before a gap, and the one this bar ends.

    A bar that was not seen from its beginning tells neither its range nor its volume: left out.
    """
    done: list[FrameBar] = []
    start_ns = bar.open_ns - bar.open_ns % frame.bar_ns
    if frame.part is None or frame.part.open_ns != start_ns:
        if frame.part is not None and frame.whole:
            done.append(frame.part)
        frame.whole = bool(len(frame)) or frame.part is not None or bar.open_ns == start_ns
    frame.part = grow(frame.part, bar, start_ns)
    if bar.open_ns + bar_s * NS_PER_S >= start_ns + frame.bar_ns:
        if frame.whole:
            done.append(frame.part)
        frame.part, frame.whole = None, True
    return done


def _keep(frame: Frame, bar: FrameBar) -> None:
    frame.open_ns.append(bar.open_ns)
    frame.open.append(bar.open)
    frame.high.append(bar.high)
    frame.low.append(bar.low)
    frame.close.append(bar.close)
    frame.volume.append(bar.volume)
    if len(frame) > frame.kept:
        del frame.open_ns[0]
        for column in (frame.open, frame.high, frame.low, frame.close, frame.volume):
            del column[0]


def threshold(atr_1h: float, timeframe_s: int, price: float) -> float:
    """Return how far price must turn, in quote, for the zigzag of a timeframe to call it one."""
    return max(TURN_ATR * atr_1h * math.sqrt(timeframe_s / HOUR_S), TURN_FRAC * price)


def turn(state: Zigzag, bar: FrameBar, bar_ns: int, least: float) -> None:
    """Take one closed bar; a pivot is confirmed once price came back `least` from it.

    A bar that makes a new extreme confirms nothing: which came first inside it is unknown.
    """
    known_ns = bar.open_ns + bar_ns
    if state.high_ns == 0:
        state.high, state.high_ns = bar.high, bar.open_ns
        state.low, state.low_ns = bar.low, bar.open_ns
        return
    higher, lower = bar.high > state.high, bar.low < state.low
    if state.direction >= 0 and higher:
        state.high, state.high_ns = bar.high, bar.open_ns
    if state.direction <= 0 and lower:
        state.low, state.low_ns = bar.low, bar.open_ns
    if state.direction >= 0 and not higher and state.high - bar.low >= least:
        _confirm(state, Pivot(is_high=True, price=state.high, ns=state.high_ns, known_ns=known_ns))
        state.direction, state.low, state.low_ns = -1, bar.low, bar.open_ns
    elif state.direction <= 0 and not lower and bar.high - state.low >= least:
        _confirm(state, Pivot(is_high=False, price=state.low, ns=state.low_ns, known_ns=known_ns))
        state.direction, state.high, state.high_ns = 1, bar.high, bar.open_ns


def _confirm(state: Zigzag, pivot: Pivot) -> None:
    state.pivots.append(pivot)
    if len(state.pivots) > PIVOTS_KEPT:
        del state.pivots[0]
