"""The same tape tells the same story: again, and after a freeze at any point of it."""

import subprocess
import sys
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.market import Candle, MarkPrice
from bot.domain.messages import Event, InstrumentsLoaded, OrderAccepted, Started
from bot.domain.orders import PositionSide
from bot.kernel.step import Kernel
from strategies.level_bounce import LevelBounce
from tests.fakes.kernel_world import BTC, CONTRACT, START_NS, orders_of, policy, position, snapshot

MINUTE_NS = 60 * 10**9


def tape(moves: list[int]) -> list[Event]:
    """A tape of marks and bars around the level book, with a position found in the middle."""
    now = START_NS
    events: list[Event] = [
        Started(run_id="tape0001", event_ns=now, received_ns=now),
        InstrumentsLoaded(now, now, (CONTRACT,)),
        snapshot("10000", [], [], now),
    ]
    price = 76_300.0
    for index, move in enumerate(moves):
        before, price = price, max(price + move, 1_000.0)
        now += 5 * MINUTE_NS
        events.append(MarkPrice(BTC, now, now, price, price))
        low, high = min(before, price) - 60.0, max(before, price) + 60.0
        events.append(Candle(BTC, now, now, 300, before, high, low, price, 5.0))
        if index == len(moves) // 2:
            found = position(PositionSide.LONG, "0.4", f"{price:.1f}", ns=now, margin="9000")
            events.append(snapshot("10000", [found], [], now))
    return events


def run(kernel: Kernel, events: list[Event]) -> list[bytes]:
    told = []
    for event in events:
        effects = kernel.step(event)
        told.append(msgspec.msgpack.encode(effects))
        for order in orders_of(effects):
            ns = event.received_ns + 1
            answer = OrderAccepted(ns, ns, order.client_order_id, "v" + order.client_order_id)
            told.append(msgspec.msgpack.encode(kernel.step(answer)))
    return told


def fresh() -> Kernel:
    return Kernel(policy(), [LevelBounce()], "tape0001")


MOVES = st.lists(st.integers(-600, 600), min_size=4, max_size=60)


@settings(max_examples=40, deadline=None)
@given(MOVES, st.integers(0, 10_000))
def test_freeze_and_restore_anywhere_changes_nothing(moves: list[int], cut: int) -> None:
    events = tape(moves)
    at = cut % len(events)
    whole = fresh()
    expected = run(whole, events)
    first = fresh()
    told = run(first, events[:at])
    second = fresh()
    second.restore(first.freeze())
    told += run(second, events[at:])
    assert told == expected
    assert second.digest() == whole.digest()


def test_two_hash_seeds_tell_the_same_story() -> None:
    code = (
        "from tests.property.kernel.test_determinism import fresh, run, tape\n"
        "k = fresh(); run(k, tape([(-1)**n * (n * 37 % 500) for n in range(80)]))\n"
        "print(k.digest())"
    )
    root = Path(__file__).resolve().parents[3]
    digests = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""}, timeout=60,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 64
