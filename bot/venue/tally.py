"""Counts the frames of a line: how many, how fast lately, and when the newest came."""

from collections import deque
from typing import Final

from bot.domain.units import NS_PER_S

SAMPLES: Final = 11
"""Looks a second apart: the rate is one of about ten seconds."""


class Tally:
    """`frames` and `frame_ns` are written by the reading loop, frame by frame."""

    def __init__(self) -> None:
        self.frames = 0
        self.frame_ns = 0
        self._looks: deque[tuple[int, int]] = deque(maxlen=SAMPLES)

    def begin(self) -> None:
        """Forget the rate: a connection ended or began."""
        self._looks.clear()

    def look(self, monotonic_ns: int) -> None:
        """Remember where the count stands now."""
        self._looks.append((monotonic_ns, self.frames))

    def per_s(self) -> float:
        """Return frames a second between the looks; 0.0 before there are two."""
        if len(self._looks) < 2:
            return 0.0
        (began_ns, first), (ended_ns, last) = self._looks[0], self._looks[-1]
        return (last - first) * NS_PER_S / (ended_ns - began_ns) if ended_ns > began_ns else 0.0
