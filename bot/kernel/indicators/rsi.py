"""Wilder's relative strength index, one close at a time."""

import math

import msgspec

from bot.kernel.indicators.averages import wilder


class Rsi(msgspec.Struct):
    """Smoothed gains and losses of the closes so far; `close` 0.0 means none was seen."""

    length: int = 14
    close: float = 0.0
    gain: float = 0.0
    loss: float = 0.0
    count: int = 0


def fold(state: Rsi, close: float) -> bool:
    """Take one closed bar's close; False and nothing changed when it is no price."""
    if not (math.isfinite(close) and close > 0.0):
        return False
    if state.close > 0.0:
        state.gain, state.loss, state.count = _after(state, close)
    state.close = close
    return True


def value(state: Rsi) -> float | None:
    """Return the index, 0 to 100; None until `length` changes were seen."""
    return _index(state.gain, state.loss) if state.count >= state.length else None


def provisional(state: Rsi, price: float) -> float | None:
    """Return the index as it would read if the open bar closed at `price`; nothing is kept."""
    if state.close <= 0.0 or not (math.isfinite(price) and price > 0.0):
        return None
    gain, loss, count = _after(state, price)
    return _index(gain, loss) if count >= state.length else None


def _after(state: Rsi, close: float) -> tuple[float, float, int]:
    change = close - state.close
    count = state.count + 1
    gain = wilder(state.gain, max(change, 0.0), count, state.length)
    loss = wilder(state.loss, max(-change, 0.0), count, state.length)
    return gain, loss, count


def _index(gain: float, loss: float) -> float:
    """Return 100 when nothing was lost, and the middle when nothing moved at all."""
    if gain + loss <= 0.0:
        return 50.0
    return 100.0 * gain / (gain + loss)
