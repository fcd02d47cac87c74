"""Measures the road of public messages from socket to kernel, with ccxt's parse beside it."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import aiohttp
import uvloop

from bot.domain.messages import Effect, TimerFired
from bot.domain.units import NS_PER_S
from bot.kernel.step import Kernel
from bot.lab.bench.flood import Frames
from bot.lab.bench.kernel import Numbers, staged
from bot.lab.stage import Stage
from bot.ports import Clock
from bot.runtime.inbox import Inbox
from bot.runtime.pump import Pump
from bot.venue.binance.feed import HEARTBEAT_S
from bot.venue.breaker import Breaker
from bot.venue.line import Line
from bot.venue.reader import PublicReader

SYMBOLS: Final = 20
RATE: Final = 20_000
LEAD_NS: Final = 20 * NS_PER_S
"""The market's time runs this far ahead of the staged account's."""
CORE_MAX: Final = 0.25


@dataclass(frozen=True)
class _Parts:
    kernel: Kernel
    clock: Clock


class _MarketClock:
    """The machine's clock, moved to the time of the staged market."""

    def __init__(self, clock: Clock, base_ns: int) -> None:
        self._clock = clock
        self._base_ns = base_ns
        self._began_ns: int | None = None

    def start(self) -> None:
        """Let the market's time run from its base now."""
        self._began_ns = self._clock.monotonic_ns()

    def now_ns(self) -> int:
        """Return the market's time; it stands until it is started."""
        began_ns = self._began_ns
        return self._base_ns + (0 if began_ns is None else self._clock.monotonic_ns() - began_ns)

    def monotonic_ns(self) -> int:
        """Return nanoseconds that never step back."""
        return self._clock.monotonic_ns()

    async def sleep_s(self, seconds: float) -> None:
        """Wait."""
        await self._clock.sleep_s(seconds)


class _Asking:
    """Asks for nothing in particular: the flood sends everything."""

    heartbeat_s: float | None = HEARTBEAT_S
    ping = ""
    ping_s = 0.0

    def __init__(self, symbols: Sequence[str]) -> None:
        self._symbols = symbols

    def symbols(self) -> Sequence[str]:
        """Return the contracts of the bench."""
        return self._symbols

    def messages(self) -> Sequence[str]:
        """Return the request that starts the flood."""
        return ['{"method":"SUBSCRIBE","params":[],"id":1}']


def bench_messages(
    clock: Clock, *, symbols: int = SYMBOLS, rate: int = RATE, seconds: float = 10.0
) -> Numbers:
    """Return the share of a core that `rate` messages a second take, and ccxt's parse beside it.

    The whole road of a daemon's feed is walked: aiohttp's socket, typed decoding, inbox, pump and
    kernel, with every fifth contract held. ccxt.pro parses a sample of the same frames in the same
    process; its socket, queues and our kernel are not in its figure.
    """
    from bot.venue.proof.peer import parse_cpu_us

    stage, kernel = staged(symbols)
    base_ns = stage.now_ns + LEAD_NS
    road = _Road(stage, kernel, _MarketClock(clock, base_ns))
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [
            sys.executable, "-m", "bot.lab.bench.flood", str(symbols), str(rate), str(seconds),
            str(base_ns),
        ],
        stdout=subprocess.PIPE,
        text=True,
    ) as server:  # fmt: skip
        try:
            port = int((server.stdout.readline() if server.stdout else "") or 0)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                figures = runner.run(road.walk(f"http://127.0.0.1:{port}/ws", seconds))
        finally:
            server.terminate()
    sample = [frame.encode() for frame in Frames(symbols).at(base_ns // 1_000_000, 20_000)]
    theirs_us = parse_cpu_us(sample, list(kernel.state.markets))
    return {
        **figures,
        "core_frac": float(figures["cpu_us_per_message"]) * rate / 1e6,
        "ccxt_pro_parse_us": theirs_us,
        "ccxt_pro_parse_core_frac": theirs_us * rate / 1e6,
        "aim": f"under {CORE_MAX:.0%} of a core from socket to folded state",
    }


class _Road:
    """One line, one inbox, one pump, as in a daemon."""

    def __init__(self, stage: Stage, kernel: Kernel, clock: _MarketClock) -> None:
        self._stage = stage
        self._clock = clock
        self._symbols = list(kernel.state.markets)
        self._inbox = Inbox()
        self._pump = Pump(_Parts(kernel, clock), self._inbox, self._carry_out, lambda *_: None)

    def _carry_out(self, effects: Sequence[Effect], _seq: int) -> None:
        self._stage.now_ns = max(self._stage.now_ns, self._clock.now_ns())
        self._stage.take(list(effects))

    async def walk(self, url: str, seconds: float) -> Numbers:
        """Read the flood to its end and return the figures."""
        reader = PublicReader(self._symbols)
        async with aiohttp.ClientSession() as session:
            line = Line(
                session, url, _Asking(self._symbols), reader, name="market", clock=self._clock,
                breaker=Breaker(self._clock), venue_now_ns=self._clock.now_ns,
                prepare=_nothing, must_prepare=False, stale_ns=60 * NS_PER_S,
            )  # fmt: skip
            self._clock.start()
            began, cpu = time.perf_counter(), time.process_time()
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._pump.run()),
                    group.create_task(self._tick()),
                    group.create_task(line.run(self._inbox.put)),
                ]
                while time.perf_counter() - began < 3.0 * seconds + 10.0:
                    await asyncio.sleep(0.05)
                    if line.tally.frames > 0 and not line.live:
                        break
                spent_cpu, spent = time.process_time() - cpu, time.perf_counter() - began
                for task in tasks:
                    task.cancel()
        frames = line.tally.frames
        return {
            "symbols": len(self._symbols),
            "messages": frames,
            "seconds": spent,
            "messages_per_s": frames / spent,
            "cpu_us_per_message": spent_cpu * 1e6 / frames,
            "kernel_steps": self._pump.steps,
            "folded": self._inbox.folded,
            "lost": reader.gaps + self._inbox.dropped,
            "waiting_at_end": len(self._inbox),
        }

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            now_ns = self._clock.now_ns()
            self._inbox.put(TimerFired("second", now_ns, now_ns))


async def _nothing() -> None:
    """There is nothing to prepare."""
