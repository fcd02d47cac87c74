"""The fence round the transport: which hosts a mode may speak to, checked before every request."""

from typing import Final

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from yarl import URL

from bot.domain.errors import ConfigInvalid, VenueRefused
from bot.venue.profiles.binance import Mode

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
ALLOWED: Final[dict[Mode, frozenset[str]]] = {
    "paper": LOOPBACK,
    "testnet": frozenset({"demo-fapi.binance.com", "fstream.binancefuture.com"}),
    "live": frozenset({"fapi.binance.com", "fstream.binance.com", "api.binance.com"}),
}
_ENCRYPTED: Final = frozenset({"https", "wss"})


class Fence:
    """Lets requests of one mode out to its own hosts only, redirects and handshakes included."""

    def __init__(self, mode: Mode) -> None:
        self._mode: Mode = mode
        self._allowed = ALLOWED[mode]

    def check(self, url: URL) -> None:
        """Raise VenueRefused (code HOST_FORBIDDEN) for a host or scheme outside the mode."""
        if url.host not in self._allowed:
            raise VenueRefused(
                f"{self._mode} mode may not speak to {url.host!r}: not sent",
                code="HOST_FORBIDDEN",
            )
        if self._mode != "paper" and url.scheme not in _ENCRYPTED:
            raise VenueRefused(
                f"{self._mode} mode speaks TLS only, was {url.scheme!r}: not sent",
                code="HOST_FORBIDDEN",
            )

    def check_configured(self, origin: str) -> None:
        """Raise ConfigInvalid for a configured address that could never be spoken to."""
        try:
            self.check(URL(origin))
        except (VenueRefused, ValueError):
            raise ConfigInvalid(
                f"venue address {origin!r}: {self._mode} mode speaks to "
                f"{', '.join(sorted(self._allowed))} only"
            ) from None

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Stand in front of aiohttp's transport as a client middleware."""
        self.check(request.url)
        return await handler(request)
