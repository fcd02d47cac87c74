"""How Hyperliquid is asked: one subscription a message, JSON pings, watched addresses by name."""

import re
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from bot.domain.errors import ConfigInvalid
from bot.venue.feeds.contracts import Contract

KINDS: Final = ("bbo", "trades", "activeAssetCtx")
"""Book tops first: they bring the time that the contract state is stamped with."""
WATCHED_MAX: Final = 10
"""The venue lets one address follow the fills of ten others."""
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
LIQUIDATIONS: Final = "not offered: no market-wide feed"
LIQUIDATIONS_OF_WATCHED: Final = "not offered market-wide: only those of watched addresses"


class HyperliquidDialect:
    """Speaks for the contracts that `listed` returns at the time of dialling."""

    heartbeat_s: float | None = None
    ping: str = '{"method":"ping"}'
    ping_s: float = 20.0

    def __init__(
        self, listed: Callable[[], Sequence[Contract]], watched: Sequence[str] = ()
    ) -> None:
        self._listed = listed
        self._watched = watched

    def symbols(self) -> Sequence[str]:
        """Return the symbols whose prices must stay fresh."""
        return [contract.symbol for contract in self._listed()]

    def messages(self) -> Sequence[str]:
        """Return the requests, one for each kind and contract, and each watched address."""
        found = [
            _request({"type": kind, "coin": item.venue_id})
            for item in self._listed()
            for kind in KINDS
        ]
        return found + [_request({"type": "userFills", "user": user}) for user in self._watched]


def check_watched(watched: Sequence[str]) -> None:
    """Refuse addresses that the venue would not let one listener follow.

    Raises:
        ConfigInvalid: too many, or not an address.
    """
    if len(watched) > WATCHED_MAX:
        raise ConfigInvalid(
            f"hyperliquid: {len(watched)} addresses are watched, the venue allows {WATCHED_MAX}"
        )
    for user in watched:
        if not _ADDRESS.fullmatch(user):
            raise ConfigInvalid(f"hyperliquid: {user[:60]!r} is not an address (0x, 40 hex digits)")


def _request(subscription: dict[str, str]) -> str:
    return msgspec.json.encode({"method": "subscribe", "subscription": subscription}).decode()
