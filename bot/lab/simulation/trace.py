"""The running hash of everything that crossed a border, and the last lines of it as text."""

import hashlib
from collections import deque

KEPT = 400


class Trace:
    """Same seed, same hash. The newest lines are kept so that a violation can be read."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.lines = 0
        self.tail: deque[str] = deque(maxlen=KEPT)

    def note(self, now_ns: int, text: str) -> None:
        """Fold one line in."""
        line = f"{now_ns} {text}"
        self._hash.update(line.encode())
        self.lines += 1
        self.tail.append(line)

    def digest(self) -> str:
        """Return the hash so far, hex."""
        return self._hash.hexdigest()
