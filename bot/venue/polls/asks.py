"""Who carries a public question to a venue: a client without a key, or the room's own caller."""

from collections.abc import Mapping
from typing import Protocol


class Asks(Protocol):
    """Carries one question at a time."""

    def now_ns(self) -> int:
        """Return our time in ns UTC."""
        ...

    async def ask(self, call: str, params: Mapping[str, str | int]) -> object:
        """Send one question by ccxt's implicit method `call`. Raises VenueError."""
        ...
