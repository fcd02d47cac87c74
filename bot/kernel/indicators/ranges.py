"""True range, its Wilder average (ATR) and the directional index (ADX)."""

import math

import msgspec

from bot.kernel.indicators.averages import wilder


def true_range(high: float, low: float, previous_close: float) -> float:
    """Return Wilder's true range; a previous close of 0.0 means there is none."""
    if previous_close <= 0.0:
        return high - low
    return max(high - low, abs(high - previous_close), abs(low - previous_close))


def sound(high: float, low: float, close: float) -> bool:
    """Whether three numbers can be a bar's: finite, above zero, in order."""
    return math.isfinite(high) and 0.0 < low <= close <= high


class Atr(msgspec.Struct):
    """Average true range; the first bar only tells its close, for it has no range to it."""

    length: int = 14
    close: float = 0.0
    value: float = 0.0
    count: int = 0

    @property
    def ready(self) -> bool:
        """Whether `length` true ranges were seen."""
        return self.count >= self.length


def fold_atr(state: Atr, high: float, low: float, close: float) -> bool:
    """Take one closed bar; False and nothing changed when it is not believable."""
    if not sound(high, low, close):
        return False
    if state.close > 0.0:
        state.count += 1
        span = true_range(high, low, state.close)
        state.value = wilder(state.value, span, state.count, state.length)
    state.close = close
    return True


class Adx(msgspec.Struct, kw_only=True):
    """Wilder's directional movement: smoothed sums of moves and ranges, and their averaged index.

    The sums hold `length - 1` bars before smoothing begins; the index then averages `length`
    directional readings before its own smoothing begins.
    """

    length: int = 14
    high: float = 0.0
    low: float = 0.0
    close: float = 0.0
    up: float = 0.0
    down: float = 0.0
    span: float = 0.0
    bars: int = 0
    value: float = 0.0
    count: int = 0

    @property
    def ready(self) -> bool:
        """Whether the first average of the directional index is complete."""
        return self.count >= self.length


def fold_adx(state: Adx, high: float, low: float, close: float) -> bool:
    """Take one closed bar; False and nothing changed when it is not believable."""
    if not sound(high, low, close):
        return False
    if state.close > 0.0:
        _move(state, high, low)
    state.high, state.low, state.close = high, low, close
    return True


def _move(state: Adx, high: float, low: float) -> None:
    rise, fall = high - state.high, state.low - low
    keep = 1.0 if state.bars < state.length - 1 else 1.0 - 1.0 / state.length
    state.up = keep * state.up + (rise if rise > max(fall, 0.0) else 0.0)
    state.down = keep * state.down + (fall if fall > max(rise, 0.0) else 0.0)
    state.span = keep * state.span + true_range(high, low, state.close)
    state.bars += 1
    if state.bars < state.length:
        return
    moved = state.up + state.down
    if state.count < state.length:
        state.count += 1
        reading = _directional(state) if moved > 0.0 else 0.0
        state.value = wilder(state.value, reading, state.count, state.length)
    elif moved > 0.0 and state.span > 0.0:
        state.value += (_directional(state) - state.value) / state.length


def _directional(state: Adx) -> float:
    """Return the directional reading, 0 to 100."""
    return 100.0 * abs(state.up - state.down) / (state.up + state.down)


def directions(state: Adx) -> tuple[float, float] | None:
    """Return (+DI, -DI), 0 to 100; None until their sums are complete."""
    if state.bars < state.length or state.span <= 0.0:
        return None
    return 100.0 * state.up / state.span, 100.0 * state.down / state.span
