"""How one venue says its time and its refusals: what the caller must know of it, and no more."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from bot.domain.errors import VenueError
from bot.venue.endpoint import Endpoint
from bot.venue.errors import VenueReply


class Translate(Protocol):
    """From an answer that is no success to our tree of errors."""

    def __call__(self, reply: VenueReply, *, acts: bool, now_ns: int) -> VenueError:
        """Return the error; `acts` says that the request would have changed something."""
        ...


class Manners(msgspec.Struct, frozen=True, kw_only=True):
    """One venue's; a venue without an address for its time leaves `time` to a public one."""

    time: Endpoint
    server_ms: Callable[[object], object]
    """Take the venue's clock (ms, unchecked) from the answer to `time`."""
    clock_apart: frozenset[int]
    """Refusals by timestamp: nothing was done, measure the clock and send once more."""
    orders_only: frozenset[int] = frozenset()
    """Throttling that concerns the sending of orders alone."""
    error_of_reply: Translate
