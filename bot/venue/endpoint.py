"""One request of a venue's interface: ccxt's name of it, its weight, what a lost answer means."""

from typing import Final

import msgspec

_OPEN: Final = ("public", "fapiPublic", "fapiData")
"""How ccxt's implicit methods begin that need no key."""


class Endpoint(msgspec.Struct, frozen=True):
    """ccxt's implicit method, its weight at the venue, and what a lost answer means.

    `acts` marks a request that changes something: when its answer is lost, the outcome is unknown.
    """

    call: str
    weight: int = 1
    acts: bool = False
    places: bool = False

    @property
    def private(self) -> bool:
        """Whether an API key is needed."""
        return not self.call.startswith(_OPEN)
