"""The benches run and report what they say, without judging the machine."""

import pytest

from bot.app.clock import SystemClock
from bot.lab.bench.kernel import bench_kernel, bench_replay, percentile
from bot.lab.bench.messages import bench_messages
from bot.lab.bench.senses import bench_assessment, bench_fold


class StepClock:
    """A clock that moves a microsecond whenever it is asked."""

    def __init__(self) -> None:
        self.at_ns = 0

    def now_ns(self) -> int:
        return self.at_ns

    def monotonic_ns(self) -> int:
        self.at_ns += 1_000
        return self.at_ns

    async def sleep_s(self, seconds: float) -> None:
        self.at_ns += int(seconds * 1e9)


def test_the_kernel_bench_guards_what_it_measures() -> None:
    numbers = bench_kernel(StepClock(), symbols=6, steps=200)
    assert numbers["p50_us"] == numbers["p99_us"] == numbers["max_us"] == 1.0
    assert (numbers["symbols"], numbers["held"], numbers["steps"]) == (6, 2, 200)


def test_the_replay_bench_needs_no_recording() -> None:
    numbers = bench_replay(StepClock(), bars=50)
    assert numbers["events"] > 400
    assert numbers["seconds"] > 0.0


def test_percentiles() -> None:
    ordered = list(range(100))
    assert percentile(ordered, 0.5) == 50.0
    assert percentile(ordered, 0.99) == 99.0
    assert percentile([7], 0.99) == 7.0
    assert percentile([], 0.5) == 0.0


def test_the_message_bench_walks_the_whole_road_and_loses_nothing() -> None:
    numbers = bench_messages(SystemClock(), symbols=3, rate=500, seconds=0.6)
    assert numbers["messages"] > 0
    assert (numbers["lost"], numbers["waiting_at_end"]) == (0, 0)
    assert 0 < numbers["kernel_steps"] <= numbers["messages"] + 10
    assert numbers["cpu_us_per_message"] > 0.0
    assert numbers["ccxt_pro_parse_us"] > 0.0
    assert numbers["core_frac"] == pytest.approx(numbers["cpu_us_per_message"] * 500 / 1e6)


def test_the_fold_bench_folds() -> None:
    numbers = bench_fold(StepClock(), trades=20_000)
    assert numbers["trades"] == 20_000
    assert 1 < numbers["steps"] < 200
    assert numbers["trades_per_step"] == pytest.approx(20_000 / numbers["steps"])


def test_the_assessment_bench_judges_every_symbol() -> None:
    numbers = bench_assessment(StepClock(), symbols=2, rounds=3)
    assert (numbers["symbols"], numbers["rounds"]) == (2, 3)
    assert numbers["best_ms"] == numbers["max_ms"] == 1e-3
