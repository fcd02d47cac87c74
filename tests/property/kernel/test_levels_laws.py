"""No generator changes the past, nothing propagates nonsense, one bar at a time equals all."""

import math
from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.policy import LevelPolicy, LevelSpec
from bot.kernel.levels import LevelBook, Scene, fold, follow, levels_of, refresh
from bot.kernel.levels.generators import fair_value_gaps, order_blocks, swings
from bot.kernel.levels.merge import merge
from bot.kernel.levels.state import Frame, FrameBar, Level

HOUR_NS, START_NS = 3_600 * 10**9, 1_769_904_000 * 10**9
BTC = "BTC/USDT:USDT"
POLICY = LevelPolicy()
ATR = 300.0
MANUAL = (LevelSpec(symbol=BTC, name="shelf support", low=74_800.0, high=75_200.0),)

STEPS = st.lists(
    st.tuples(st.integers(-900, 900), st.integers(0, 300), st.integers(0, 300), st.integers(0, 50)),
    min_size=8,
    max_size=90,
)


def bars(steps: list[tuple[int, int, int, int]]) -> list[FrameBar]:
    price, rows = 75_000.0, []
    for index, (move, up, down, volume) in enumerate(steps):
        close = max(price + move, 60_000.0)
        rows.append(
            FrameBar(
                START_NS + index * HOUR_NS,
                price,
                max(price, close) + up,
                min(price, close) - down,
                close,
                float(volume),
            )
        )
        price = close
    return rows


def told(rows: list[FrameBar]) -> LevelBook:
    book = LevelBook()
    for row in rows:
        fold(book, row, 3_600, ATR)
        follow(book, row, 3_600, POLICY, ATR)
        refresh(seen(book, row))
    return book


def seen(book: LevelBook, row: FrameBar) -> Scene:
    return Scene(
        book=book,
        symbol=BTC,
        now_ns=row.open_ns + HOUR_NS,
        price=row.close,
        atr_1h=ATR,
        tick=0.1,
        manual=MANUAL,
    )


def frame_of(rows: list[FrameBar]) -> Frame:
    book = LevelBook()
    for row in rows:
        fold(book, row, 3_600, ATR)
    return book.frames[3_600]


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, data=st.data())
def test_bars_to_come_change_no_confirmed_finding(steps: list[tuple], data: st.DataObject) -> None:
    rows = bars(steps)
    cut = data.draw(st.integers(3, len(rows)))
    past, whole = frame_of(rows[:cut]), frame_of(rows)
    side = swings.SIDE_BARS
    tops = swings.fractals(past.high, side)
    assert tops == [i for i in swings.fractals(whole.high, side) if i + side < cut]
    before = fair_value_gaps.gaps(past)
    assert before == [gap for gap in fair_value_gaps.gaps(whole) if gap.index + 1 < cut]
    blocks = order_blocks.blocks(past)
    assert blocks == [block for block in order_blocks.blocks(whole) if block.broke < cut]


@settings(max_examples=40, deadline=None)
@given(steps=STEPS, other=STEPS)
def test_levels_at_an_instant_are_the_same_whatever_follows(
    steps: list[tuple], other: list[tuple]
) -> None:
    rows = bars(steps)
    then = told(rows)
    known = levels_of(seen(then, rows[-1]))[0]
    zigzags = {key: list(each.pivots) for key, each in then.zigzags.items()}
    later = bars([*steps, *other])
    for row in later[len(rows) :]:
        fold(then, row, 3_600, ATR)
    assert all(level.known_from_ns <= rows[-1].open_ns + HOUR_NS for level in known)
    for key, pivots in zigzags.items():
        now = then.zigzags[key].pivots
        survivors = [pivot for pivot in pivots if pivot in now]
        assert survivors == now[: len(survivors)]
        assert len(now) == 24 or survivors == pivots
    assert known == levels_of(seen(told(rows), rows[-1]))[0]


@settings(max_examples=30, deadline=None)
@given(steps=STEPS, data=st.data())
def test_a_book_thawed_at_any_bar_goes_on_alike(steps: list[tuple], data: st.DataObject) -> None:
    rows = bars(steps)
    cut = data.draw(st.integers(1, len(rows)))
    whole = told(rows)
    part = told(rows[:cut])
    part = msgspec.msgpack.decode(msgspec.msgpack.encode(part), type=LevelBook)
    for row in rows[cut:]:
        fold(part, row, 3_600, ATR)
        follow(part, row, 3_600, POLICY, ATR)
        refresh(seen(part, row))
    assert msgspec.msgpack.encode(part) == msgspec.msgpack.encode(whole)


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_what_is_found_is_finite_ordered_and_between_its_bounds(steps: list[tuple]) -> None:
    rows = bars(steps)
    book = told(rows)
    levels, refused = levels_of(seen(book, rows[-1]))
    assert refused == []
    for level in levels:
        assert math.isfinite(level.low)
        assert 0.0 < level.low <= level.high
        assert 0.0 <= level.strength <= 1.0
        assert level.formed_ns <= level.known_from_ns or level.kind == "manual"
    assert all(a.low <= b.low for a, b in pairwise(book.zones))
    assert all(0.0 <= zone.strength <= 1.0 and zone.side in (1, -1) for zone in book.zones)
    assert sum(zone.manual for zone in book.zones) == 1


@settings(max_examples=40, deadline=None)
@given(
    steps=STEPS,
    place=st.integers(0, 50),
    field=st.sampled_from(["open", "high", "low", "close", "volume"]),
    bad=st.sampled_from([math.nan, math.inf, -math.inf, -1.0]),
)
def test_a_broken_bar_anywhere_leaves_no_trace(
    steps: list[tuple], place: int, field: str, bad: float
) -> None:
    rows = bars(steps)
    broken = list(rows)
    spoilt = msgspec.structs.replace(rows[min(place, len(rows) - 1)], **{field: bad})
    broken.insert(min(place, len(rows) - 1), spoilt)
    clean, dirty = LevelBook(), LevelBook()
    for row in rows:
        fold(clean, row, 3_600, ATR)
    for row in broken:
        fold(dirty, row, 3_600, ATR)
    assert dirty.refused == 1
    dirty.refused, dirty.refusal = 0, ""
    assert dirty == clean


@settings(max_examples=40, deadline=None)
@given(levels=st.lists(st.tuples(st.integers(700, 800), st.integers(0, 8)), max_size=40))
def test_merging_loses_no_level_and_ignores_order(levels: list[tuple[int, int]]) -> None:
    given_levels = [
        Level(
            kind=f"kind {n % 3}",
            name=f"level {n}",
            low=100.0 * low,
            high=100.0 * (low + width),
            strength=0.5,
            weight=0.5,
        )
        for n, (low, width) in enumerate(levels)
    ]
    forward = merge(given_levels, 75_000.0, 400.0, 0)
    assert forward == merge(given_levels[::-1], 75_000.0, 400.0, 0)
    names = sorted(level.name for draft in forward for level in draft.levels)
    assert names == sorted(level.name for level in given_levels)
