"""Indicators against independent batch formulas, published series, and TA-Lib where it has them."""

import math
import random
from itertools import pairwise

import msgspec
import numpy as np
import pytest
import talib

from bot.kernel.indicators import (
    Adx,
    Atr,
    Ema,
    RollingVolatility,
    Rsi,
    Vwap,
    averages,
    ranges,
    rsi,
    volatility,
    vwap,
)

BAR_NS, DAY_NS = 300 * 10**9, 86_400 * 10**9
PUBLISHED = [
    44.34, 44.09, 44.15, 43.61, 44.33, 44.83, 45.10, 45.42, 45.84, 46.08,
    45.89, 46.03, 45.61, 46.28, 46.28, 46.00, 46.03, 46.41, 46.22, 45.64,
]  # fmt: skip


def bars(count: int, seed: int = 7) -> list[tuple[float, float, float, float]]:
    """Return (high, low, close, volume) of a random walk."""
    dice, price, rows = random.Random(seed), 75_000.0, []
    for _ in range(count):
        close = price * math.exp(dice.gauss(0.0, 0.004))
        high = max(price, close) * (1.0 + abs(dice.gauss(0.0, 0.002)))
        low = min(price, close) * (1.0 - abs(dice.gauss(0.0, 0.002)))
        rows.append((high, low, close, dice.uniform(1.0, 50.0)))
        price = close
    return rows


def batch_rsi(closes: list[float], n: int = 14) -> list[float]:
    """The definition over whole columns: plain mean first, then Wilder's smoothing."""
    moves = np.diff(closes)
    gains, losses = np.clip(moves, 0, None), np.clip(-moves, 0, None)
    gain, loss = gains[:n].mean(), losses[:n].mean()
    out = [100 - 100 / (1 + gain / loss)]
    for up, down in zip(gains[n:], losses[n:], strict=True):
        gain, loss = (gain * (n - 1) + up) / n, (loss * (n - 1) + down) / n
        out.append(100 - 100 / (1 + gain / loss))
    return out


def batch_adx(rows: list[tuple[float, float, float, float]], n: int = 14) -> list[float]:
    """Wilder's book way, kept as columns and smoothed sums."""
    high, low, close = (np.array([row[i] for row in rows]) for i in range(3))
    up, down = np.diff(high), -np.diff(low)
    plus = np.where((up > down) & (up > 0), up, 0.0)
    minus = np.where((down > up) & (down > 0), down, 0.0)
    span = np.maximum.reduce(
        [high[1:] - low[1:], abs(high[1:] - close[:-1]), abs(low[1:] - close[:-1])]
    )
    p, m, t = plus[: n - 1].sum(), minus[: n - 1].sum(), span[: n - 1].sum()
    readings = []
    for i in range(n - 1, len(span)):
        p, m, t = p - p / n + plus[i], m - m / n + minus[i], t - t / n + span[i]
        readings.append(100 * abs(p / t - m / t) / (p / t + m / t))
    value = float(np.mean(readings[:n]))
    out = [value]
    for reading in readings[n:]:
        value = (value * (n - 1) + reading) / n
        out.append(value)
    return out


def run_rsi(closes: list[float]) -> list[float]:
    state, out = Rsi(), []
    for close in closes:
        assert rsi.fold(state, close)
        value = rsi.value(state)
        if value is not None:
            out.append(value)
    return out


def test_rsi_gives_the_published_series() -> None:
    expected = [70.46, 66.25, 66.48, 69.35, 66.29, 57.92]
    assert run_rsi(PUBLISHED) == pytest.approx(expected, abs=0.005)


def test_rsi_equals_the_batch_formula() -> None:
    closes = [row[2] for row in bars(400)]
    assert run_rsi(closes) == pytest.approx(batch_rsi(closes), rel=1e-12)


def test_rsi_at_its_edges() -> None:
    assert run_rsi([100.0] * 20)[-1] == 50.0
    assert run_rsi([100.0 + i for i in range(20)])[-1] == 100.0
    assert run_rsi([100.0 - i for i in range(20)])[-1] == 0.0


def test_a_provisional_rsi_is_what_the_close_will_give_and_changes_nothing() -> None:
    state = Rsi()
    for close in PUBLISHED[:-1]:
        rsi.fold(state, close)
    before = msgspec.msgpack.encode(state)
    ahead = rsi.provisional(state, PUBLISHED[-1])
    assert msgspec.msgpack.encode(state) == before
    rsi.fold(state, PUBLISHED[-1])
    assert ahead == rsi.value(state)


def test_atr_equals_the_batch_formula() -> None:
    rows, state = bars(200), Atr()
    for high, low, close, _ in rows:
        ranges.fold_atr(state, high, low, close)
    spans = [
        max(high, before[2]) - min(low, before[2]) for before, (high, low, _, _) in pairwise(rows)
    ]
    value = sum(spans[:14]) / 14
    for span in spans[14:]:
        value = (value * 13 + span) / 14
    assert state.value == pytest.approx(value, rel=1e-12)


def test_adx_equals_the_batch_formula() -> None:
    rows, state, out = bars(300), Adx(), []
    for high, low, close, _ in rows:
        ranges.fold_adx(state, high, low, close)
        if state.ready:
            out.append(state.value)
    assert out == pytest.approx(batch_adx(rows), rel=1e-12)


def test_ema_starts_from_the_plain_mean() -> None:
    values, state = [float(v) for v in range(1, 31)], Ema(10)
    for value in values:
        averages.fold(state, value)
    expected = sum(values[:10]) / 10
    for value in values[10:]:
        expected += (value - expected) * 2 / 11
    assert state.value == pytest.approx(expected, rel=1e-12)


def test_vwap_equals_its_definition() -> None:
    rows, state = bars(120), Vwap()
    for high, low, close, volume in rows:
        vwap.fold(state, high, low, close, volume)
    typical = np.array([(high + low + close) / 3 for high, low, close, _ in rows])
    volume = np.array([row[3] for row in rows])
    mean = np.average(typical, weights=volume)
    assert vwap.value(state) == pytest.approx(mean, rel=1e-12)
    spread = math.sqrt(np.average((typical - mean) ** 2, weights=volume))
    assert vwap.deviation(state) == pytest.approx(spread, rel=1e-9)


def rolled(rows: list[tuple[float, float, float, float]]) -> RollingVolatility:
    state = RollingVolatility(window_ns=DAY_NS, bar_ns=BAR_NS)
    for index, (high, low, close, _) in enumerate(rows):
        assert volatility.fold(state, high, low, close, (index + 1) * BAR_NS)
    return state


def test_volatilities_equal_their_definitions_over_the_window() -> None:
    rows = bars(700)
    state = rolled(rows)
    closes = np.array([row[2] for row in rows])
    returns = np.diff(np.log(closes))
    last, steps = returns[-288:], np.abs(returns)
    year = 365.0
    assert volatility.realised(state) == pytest.approx(math.sqrt((last**2).sum() * year))
    pairs = (steps[1:] * steps[:-1])[-288:]
    two = math.sqrt(math.pi / 2 * pairs.sum() * year)
    assert volatility.bipower(state) == pytest.approx(two)
    logs = np.log([row[0] / row[1] for row in rows[-288:]])
    park = math.sqrt((logs**2).mean() / (4 * math.log(2)) * 288 * year)
    assert volatility.parkinson(state) == pytest.approx(park)


def test_a_jump_shows_as_a_jump() -> None:
    rows = bars(288)
    calm = volatility.jump_share(rolled(rows))
    rows[200:] = [(h * 0.9, low * 0.9, c * 0.9, v) for h, low, c, v in rows[200:]]
    assert volatility.jump_share(rolled(rows)) > 0.5 > calm


def test_a_gap_is_no_neighbour() -> None:
    state = RollingVolatility(window_ns=DAY_NS, bar_ns=BAR_NS)
    for step, close in ((1, 100.0), (2, 101.0), (5, 99.0), (6, 100.0)):
        volatility.fold(state, close, close, close, step * BAR_NS)
    assert state.products == [0.0, 0.0, 0.0, 0.0]
    assert sum(state.squares) == pytest.approx(
        sum(math.log(b / a) ** 2 for a, b in ((100, 101), (101, 99), (99, 100)))
    )


BAD = [math.nan, math.inf, -math.inf, 0.0, -1.0]


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_price_is_refused_and_changes_nothing(bad: float) -> None:
    states = (Rsi(), Atr(), Adx(), Vwap(), rolled(bars(3)), Ema(5))
    for high, low, close, volume in bars(30):
        rsi.fold(states[0], close)
        ranges.fold_atr(states[1], high, low, close)
        ranges.fold_adx(states[2], high, low, close)
        vwap.fold(states[3], high, low, close, volume)
    before = [msgspec.msgpack.encode(state) for state in states]
    assert not rsi.fold(states[0], bad)
    assert rsi.provisional(states[0], bad) is None
    for row in ((bad, 1.0, 1.0), (2.0, bad, 1.0), (2.0, 1.0, bad)):
        assert not ranges.fold_atr(states[1], *row)
        assert not ranges.fold_adx(states[2], *row)
        assert not vwap.fold(states[3], *row, 1.0)
        assert not volatility.fold(states[4], *row, 100 * BAR_NS)
    assert not vwap.fold(states[3], 2.0, 1.0, 1.0, bad)
    if not math.isfinite(bad):
        assert not averages.fold(states[5], bad)
    assert [msgspec.msgpack.encode(state) for state in states] == before


def test_old_and_repeated_bars_are_refused() -> None:
    state = rolled(bars(5))
    before = msgspec.msgpack.encode(state)
    for close_ns in (5 * BAR_NS, 4 * BAR_NS, 0):
        assert not volatility.fold(state, 75_000.0, 75_000.0, 75_000.0, close_ns)
    assert msgspec.msgpack.encode(state) == before


def test_equal_to_talib() -> None:
    rows = bars(500)
    high, low, close = (np.array([row[i] for row in rows]) for i in range(3))
    atr, adx, ema = Atr(), Adx(), Ema(20)
    out: dict[str, list[float]] = {"atr": [], "adx": [], "ema": []}
    for row in rows:
        ranges.fold_atr(atr, *row[:3])
        ranges.fold_adx(adx, *row[:3])
        averages.fold(ema, row[2])
        for name, state in (("atr", atr), ("adx", adx), ("ema", ema)):
            if state.ready:
                out[name].append(state.value)
    theirs = {
        "atr": talib.ATR(high, low, close, 14),
        "adx": talib.ADX(high, low, close, 14),
        "ema": talib.EMA(close, 20),
    }
    for name, column in theirs.items():
        assert out[name] == pytest.approx(column[~np.isnan(column)].tolist(), rel=1e-9), name
    column = talib.RSI(close, 14)
    assert run_rsi(close.tolist()) == pytest.approx(column[~np.isnan(column)].tolist(), rel=1e-9)
