"""Candles: folding, splitting and holes lose no volume and invent no extremes."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.simulator.binance.bars import INTERVAL_MS, MINUTE_MS, Bar, BarLine, split

PRICES = st.floats(1.0, 1e6)
COARSE = st.sampled_from([v for v in INTERVAL_MS.values() if v > MINUTE_MS])


@st.composite
def bars(draw: st.DrawFn) -> Bar:
    opened, close = draw(PRICES), draw(PRICES)
    high = max(opened, close) * draw(st.floats(1.0, 1.5))
    low = min(opened, close) * draw(st.floats(0.5, 1.0))
    span = draw(COARSE)
    return Bar(span * 10, span, opened, high, low, close, draw(st.floats(0, 1e6)), 0.0, 7)


@given(bar=bars(), interval_ms=st.sampled_from([MINUTE_MS, 3 * MINUTE_MS, 5 * MINUTE_MS]))
def test_a_split_bar_folds_back_to_itself(bar: Bar, interval_ms: int) -> None:
    if bar.span_ms % interval_ms:
        return
    pieces = list(split(bar, interval_ms))
    whole = pieces[0]
    for before, piece in pairwise(pieces):
        assert abs(piece.open - before.close) <= 1e-9 * piece.open
        assert piece.open_ms == before.open_ms + interval_ms
    for piece in pieces:
        assert piece.low <= min(piece.open, piece.close) <= max(piece.open, piece.close)
        assert max(piece.open, piece.close) <= piece.high
    for piece in pieces[1:]:
        whole.fold(piece)
    assert (whole.open, whole.close) == (bar.open, bar.close)
    assert abs(whole.high - bar.high) <= 1e-9 * bar.high
    assert abs(whole.low - bar.low) <= 1e-9 * bar.low
    assert abs(whole.volume - bar.volume) <= 1e-6 * max(bar.volume, 1.0)


TICKS = st.lists(
    st.tuples(st.integers(0, 4 * 3_600_000), PRICES, st.floats(0, 100)), min_size=1, max_size=60
)


@given(ticks=TICKS, name=st.sampled_from(["1m", "5m", "15m", "1h"]))
def test_bars_of_any_interval_tell_the_same_story(
    ticks: list[tuple[int, float, float]], name: str
) -> None:
    line = BarLine()
    for at_ms, price, volume in sorted(ticks):
        line.add(at_ms, price, volume, volume / 2)
    interval_ms = INTERVAL_MS[name]
    read = line.read(interval_ms, 0, 5 * 3_600_000)
    assert all(b.open_ms == a.open_ms + interval_ms for a, b in pairwise(read))
    assert all(b.open_ms % interval_ms == 0 and b.span_ms == interval_ms for b in read)
    assert max(b.high for b in read) == max(price for _, price, _ in ticks)
    assert min(b.low for b in read) == min(price for _, price, _ in ticks)
    assert abs(sum(b.volume for b in read) - sum(v for _, _, v in ticks)) < 1e-6
    assert read[-1].close == max(ticks)[1]


def test_reading_leaves_the_bars_as_they_are() -> None:
    line = BarLine([Bar(0, 3_600_000, 1.0, 4.0, 0.5, 2.0, 10.0)])
    line.add(3_600_000, 2.0, 1.0, 0.5)
    line.add(3_660_000, 3.0, 1.0, 0.5)
    first = line.read(86_400_000, 0, 86_400_000)
    assert first == line.read(86_400_000, 0, 86_400_000)
    assert (first[0].open, first[0].high, first[0].close, first[0].volume) == (1.0, 4.0, 3.0, 12.0)
