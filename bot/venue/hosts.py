"""The fence round the transport: by which doors a mode may go out, checked before every request."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from yarl import URL

from bot.domain.errors import ConfigInvalid, VenueRefused
from bot.venue.doors import DOORS, LOOPBACK, Mode

_ENCRYPTED: Final = frozenset({"https", "wss"})
_NO_HEADERS: Final[Mapping[str, str]] = {}


class Fence:
    """Lets requests of one mode out by its own doors only, redirects and handshakes included."""

    def __init__(self, mode: Mode, venue: str = "binance") -> None:
        self._mode: Mode = mode
        self._doors = DOORS[venue][mode]
        self.hosts = frozenset[str]().union(*(door.hosts for door in self._doors))

    def check(self, url: URL, headers: Mapping[str, str] = _NO_HEADERS) -> None:
        """Raise VenueRefused for what the mode has no door for; nothing is sent then.

        Code HOST_FORBIDDEN: another host or scheme. PATH_FORBIDDEN: another path of its own host,
        or a header that tells this mode from another is missing or too much.
        """
        self._check_host(url)
        if not any(door.lets(url.host, url.path, headers) for door in self._doors):
            raise VenueRefused(
                f"{self._mode} mode has no door to {url.host}{url.path[:80]}: not sent",
                code="PATH_FORBIDDEN",
            )

    def _check_host(self, url: URL) -> None:
        if url.host not in self.hosts:
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
            self._check_host(URL(origin))
        except (VenueRefused, ValueError):
            raise ConfigInvalid(
                f"venue address {origin!r}: {self._mode} mode speaks to "
                f"{', '.join(sorted(self.hosts))} only"
            ) from None

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Stand in front of aiohttp's transport as a client middleware."""
        self.check(request.url, request.headers)
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
