"""What every strategy file must keep, whatever the market: run over each file that is found."""

import ast
import itertools
import math
from functools import partial
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app.trying.discover import find_strategies, strategy_files
from bot.domain.strategy import Intent, Memory
from bot.kernel.levels.state import LevelZone
from bot.sdk import NEEDS, WARMUP_BARS_MAX, blocked
from tests.fakes.kernel_world import World
from tests.fakes.strategy_scene import judged, named, scene

FOLDER = Path(__file__).resolve().parents[3] / "strategies"
FILES = strategy_files(FOLDER)
EVERY = pytest.mark.parametrize("name", list(FILES))
STATES = ["FAR", "APPROACH", "TOUCHED", "SWEPT", "BREAKING", "BROKEN", "RECLAIMED", "HELD",
          "RETEST_REJECTED"]  # fmt: skip
NOTES = ["", "touched and held", "swept, reclaimed and held", "broken and held"]
CASCADES = ["CALM", "BUILDUP", "ACTIVE", "SUBSIDING", "AFTERMATH"]
FLUSHES = ["NONE", "FLUSH_IN_PROGRESS", "LEVERAGE_RESET"]


def one(name: str):
    (strategy,) = find_strategies(FOLDER, [name])
    return strategy


def ohlc(dice: Random, near: float = 76_000.0):
    prices = [near + dice.randint(-1_500, 1_500) for _ in range(4)]
    return prices[0], max(prices), min(prices), prices[3]


def assessment(dice: Random):
    def maybe(low: float, high: float) -> float | None:
        return dice.uniform(low, high) if dice.random() < 0.8 else None

    return judged(
        threat=dice.randint(1, 5), threat_short=dice.randint(1, 5),
        cascade=dice.choice(CASCADES), flush=dice.choice(FLUSHES),
        flush_short=dice.choice(FLUSHES), funding_8h=maybe(-1e-3, 1e-3),
        funding_med=maybe(1e-4, 1e-4), funding_sd=maybe(1e-5, 1e-4), oi_change=maybe(-0.2, 0.2),
        oi_sd=maybe(0.0, 0.05), sd=maybe(0.005, 0.05), drop_48h=maybe(0.0, 0.3),
        rise_48h=maybe(0.0, 0.3),
    )  # fmt: skip


def zone(dice: Random):
    low = 76_000.0 + dice.randint(-60, 60) * 100.0
    high = low + dice.randint(0, 4) * 50.0
    life = {
        "side": dice.choice([1, -1]), "state": dice.choice(STATES), "note": dice.choice(NOTES),
        "changed": dice.random() < 0.5, "bars_in_state": dice.randint(0, 4),
        "extreme": low + dice.randint(-6, 6) * 50.0,
    }  # fmt: skip
    if dice.random() < 0.5:
        return named(low, high, **life)
    return LevelZone(
        name=f"found {low:g}", low=low, high=high, strength=dice.random(), kinds=["swing"],
        bar_ns=1, **life,
    )  # fmt: skip


def view_of(seed: int, *, warm: bool):
    """A market drawn from a seed: hypothesis draws the seed, so that drawing stays cheap."""
    dice = Random(seed)
    zones = [zone(dice) for _ in range(dice.randint(2, 10))]
    count = 20 if warm else dice.randint(1, 20)
    hours = [(76_000.0, 77_500.0, 74_500.0, 76_000.0)] * 55 + [ohlc(dice) for _ in range(4)]
    return scene(
        bars=[(76_000.0, 76_100.0, 75_900.0, 76_000.0)] * (count - 3)
        + [ohlc(dice) for _ in range(min(count, 3))],
        hours=hours if warm or dice.random() < 0.5 else (),
        zones=[z for z in zones if not isinstance(z, LevelZone)],
        found=[z for z in zones if isinstance(z, LevelZone)],
        assessment=assessment(dice) if warm or dice.random() < 0.5 else None,
        atr=dice.choice([60.0, 400.0, 1_200.0]) if warm or dice.random() < 0.5 else None,
    )  # fmt: skip


def views(*, warm: bool = True):
    return st.integers(0, 2**32).map(partial(view_of, warm=warm))


LOADED = {name: one(name) for name in FILES}


def ask(
    name: str, view, memory: Memory | None = None, *, anew: bool = False
) -> tuple[Memory, tuple[Intent, ...]]:
    strategy = one(name) if anew else LOADED[name]
    return strategy.evaluate(view, strategy.start() if memory is None else memory)


@EVERY
def test_it_says_what_it_is(name) -> None:
    strategy = one(name)
    assert strategy.name == name
    assert set(strategy.needs) <= set(NEEDS)
    assert 1 <= strategy.warmup_bars <= WARMUP_BARS_MAX
    assert type(strategy).__doc__
    params = strategy.params
    assert params.__struct_config__.frozen
    for field in msgspec.inspect.type_info(type(params)).fields:
        kind = field.type
        assert kind.ge is not None or kind.gt is not None, f"{field.name} has no least value"
        assert kind.le is not None or kind.lt is not None, f"{field.name} has no greatest value"


@EVERY
def test_it_imports_the_sdk_and_nothing_else(name) -> None:
    for node in ast.walk(ast.parse(FILES[name].read_text())):
        if isinstance(node, ast.Import):
            raise AssertionError(f"{name} imports {node.names[0].name}")
        if isinstance(node, ast.ImportFrom):
            assert node.module == "bot.sdk"


@EVERY
@settings(max_examples=20)
@given(view=views())
def test_the_same_view_gives_the_same_wishes_and_memory_survives_being_written(name, view) -> None:
    memory, wishes = ask(name, view)
    assert ask(name, view, anew=True) == (memory, wishes)
    start = LOADED[name].start()
    ask(name, view, start)
    assert start == LOADED[name].start(), "what it was handed is not written to"
    back = msgspec.json.decode(msgspec.json.encode(memory), type=Memory)
    assert back == memory
    assert ask(name, view, back) == ask(name, view, memory)


@EVERY
@settings(max_examples=50)
@given(view=views())
def test_stops_lie_on_the_loss_side_and_targets_on_the_other(name, view) -> None:
    _, wishes = ask(name, view)
    for wish in wishes:
        sign = wish.side.sign
        assert wish.symbol == view.symbol
        assert wish.signal_id.startswith(f"{name}|{view.symbol}|")
        assert wish.reason
        assert math.isfinite(wish.stop_price)
        assert wish.stop_price > 0.0
        assert sign * (view.close - wish.stop_price) > 0.0
        way = [view.close, *wish.exits.partials, wish.target_price]
        assert all(sign * (b - a) > 0.0 for a, b in itertools.pairwise(way))
        assert not blocked(view, wish.side)
    assert len({wish.signal_id for wish in wishes}) == len(wishes)


@EVERY
@settings(max_examples=25)
@given(view=views(warm=False))
def test_it_is_silent_while_anything_it_needs_is_unknown(name, view) -> None:
    strategy = LOADED[name]
    _, wishes = ask(name, view)
    if not all(view.has(need) for need in strategy.needs) or view.assessment is None:
        assert wishes == ()


@EVERY
def test_the_kernel_does_not_ask_it_before_it_is_warm(name) -> None:
    strategy = one(name)
    asked: list[int] = []
    whole = strategy.evaluate

    def listening(view, memory):
        asked.append(view.bars)
        assert all(view.has(need) for need in strategy.needs)
        return whole(view, memory)

    strategy.evaluate = listening
    world = World(strategies=[strategy])
    world.account()
    for price in range(strategy.warmup_bars + 2):
        world.candle(76_000.0, 76_010.0, 75_990.0, 76_000.0 + price)
    assert all(count >= strategy.warmup_bars for count in asked)


def test_no_strategy_can_name_a_quantity() -> None:
    told = {field.name for field in msgspec.structs.fields(Intent)}
    assert not {word for word in told if "qty" in word or "size" in word or "risk" in word}


def test_a_view_tells_nothing_of_the_account() -> None:
    """So no strategy can know what a quantity would cost, or lose."""
    words = {word for word in dir(scene(bars=[(1.0, 1.0, 1.0, 1.0)])) if word[0] != "_"}
    assert not [word for word in words if word in ("wallet", "equity", "position", "legs", "qty")]
