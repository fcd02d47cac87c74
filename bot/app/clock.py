"""The only place that reads the machine's clocks."""

import asyncio
import time


class SystemClock:
    """Wall and monotonic time of this machine; implements bot.ports.Clock."""

    def now_ns(self) -> int:
        """Return wall-clock nanoseconds UTC."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """Return nanoseconds that never step back."""
        return time.monotonic_ns()

    async def sleep_s(self, seconds: float) -> None:
        """Wait `seconds`."""
        await asyncio.sleep(seconds)


def pause_s(seconds: float) -> None:
    """Block the calling thread for `seconds` (command line only, never beside an event loop)."""
    time.sleep(seconds)


def cpu_s() -> float:
    """Return the processor seconds this process has used."""
    return time.process_time()
