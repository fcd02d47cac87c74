"""The fence round the transport: which hosts a mode may speak to, checked before every request."""

from typing import Final, NamedTuple

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


class PublicData(NamedTuple):
    """Where a venue that is not traded gives market data, and the only paths asked for."""

    rest: str
    ws: str
    paths: tuple[str, ...]


SENSED: Final[dict[str, PublicData]] = {
    "bybit": PublicData(
        "https://api.bybit.com", "wss://stream.bybit.com", ("/v5/market/", "/v5/public/linear")
    ),
    "okx": PublicData(
        "https://www.okx.com",
        "wss://ws.okx.com:8443",
        ("/api/v5/public/", "/api/v5/rubik/stat/", "/ws/v5/public"),
    ),
    "hyperliquid": PublicData(
        "https://api.hyperliquid.xyz", "wss://api.hyperliquid.xyz", ("/info", "/ws")
    ),
    "deribit": PublicData("https://www.deribit.com", "wss://www.deribit.com", ("/api/v2/public/",)),
}
"""Public market data alone: no path here takes an order, whatever the mode."""


class DataFence:
    """Lets requests of one sensed venue out to its public data, or to `loopback` in its place."""

    def __init__(self, venue: str, loopback: str = "") -> None:
        self._venue = venue
        self._paths = SENSED[venue].paths
        self._hosts = {URL(SENSED[venue].rest).host, URL(SENSED[venue].ws).host}
        self._encrypted = not loopback
        if loopback:
            self._hosts = {URL(loopback).host}
            if not self._hosts <= LOOPBACK:
                raise ConfigInvalid(f"{venue} address {loopback!r}: only loopback may stand in")

    def check(self, url: URL) -> None:
        """Raise VenueRefused (code HOST_FORBIDDEN) for anything but the venue's public data."""
        if url.host not in self._hosts or (self._encrypted and url.scheme not in _ENCRYPTED):
            raise VenueRefused(
                f"{self._venue} market data: may not speak to {url.scheme}://{url.host}: not sent",
                code="HOST_FORBIDDEN",
            )
        if not url.path.startswith(self._paths):
            raise VenueRefused(
                f"{self._venue} market data: {url.path[:60]!r} is not public data: not sent",
                code="HOST_FORBIDDEN",
            )

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Stand in front of aiohttp's transport as a client middleware."""
        self.check(request.url)
        return await handler(request)
