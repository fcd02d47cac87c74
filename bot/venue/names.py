"""Host names into addresses: what was found once is used again while no name server answers."""

import asyncio
import socket
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

DNS_TTL_S: Final = 300
"""So long aiohttp asks nobody again."""
ANSWER_S: Final = 3.0
"""A lookup that hangs must not use up the time of the request that waits for it."""


class RememberedNames(AbstractResolver):
    """Asks `inner`; where that fails, its last good answer stands.

    TLS proves who answers: an address that is no longer the venue's leads to a refused connection,
    never to a stranger who is believed.
    """

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner
        self._known: dict[tuple[str, int, int], list[ResolveResult]] = {}

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of `host`.

        Raises:
            OSError: no name server knows it, or none answered in time, and none ever did.
        """
        key = (host, port, family)
        try:
            async with asyncio.timeout(ANSWER_S):
                found = await self._inner.resolve(host, port, family)
        except (OSError, TimeoutError) as failed:
            if key in self._known:
                return self._known[key]
            if isinstance(failed, TimeoutError):
                raise OSError(f"no name server answered within {ANSWER_S:g} s") from None
            raise
        self._known[key] = found
        return found

    @override
    async def close(self) -> None:
        """Give `inner` back what it holds."""
        await self._inner.close()
