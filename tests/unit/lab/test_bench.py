"""The benches run and report what they say, without judging the machine."""

from bot.lab.bench import bench_kernel, bench_replay, percentile


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
