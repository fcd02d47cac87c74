"""How long to wait before dialling again: exponential, capped, with jitter that replays alike."""

from typing import Final

GOLDEN: Final = 0.618033988749895


class Backoff:
    """Delays of one connection; jitter comes from a counter, not from dice."""

    def __init__(self, *, first_s: float = 0.5, cap_s: float = 30.0) -> None:
        self._first_s = first_s
        self._cap_s = cap_s
        self._tries = 0
        self._draws = 0

    def next_s(self) -> float:
        """Return the next delay in seconds: half to all of an exponential step."""
        step_s = min(self._cap_s, self._first_s * float(2 ** min(self._tries, 16)))
        self._tries += 1
        self._draws += 1
        return step_s * (0.5 + 0.5 * ((self._draws * GOLDEN) % 1.0))

    def reset(self) -> None:
        """Forget failures after a connection that held."""
        self._tries = 0
