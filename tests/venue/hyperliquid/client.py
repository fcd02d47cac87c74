"""The real ccxt client on the embedded Hyperliquid, with the traps of builder and referrer shut."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt.pro

from tests.fakes.embedded import EmbeddedVenue, embedded_venue

BTC_USDC = "BTC/USDC:USDC"
CLOID = "0x" + "0" * 31


class Plain(ccxt.pro.hyperliquid):
    """ccxt as it is, but for the builder's fee."""

    async def handle_builder_fee_approval(self) -> bool:
        return True


def client(venue: EmbeddedVenue, kind: type = Plain, **more: Any) -> Any:
    """A client of `venue`; `kind` may be ccxt's own class."""
    options = {"fetchMarkets": {"types": ["swap"]}}
    if kind is Plain:
        options |= {"builderFee": False, "refSet": True, "approvedBuilderFee": False}
    return kind(
        {
            "walletAddress": venue.api_key,
            "privateKey": venue.secret,
            "enableRateLimit": False,
            "options": options,
            "urls": {
                "api": {
                    "public": venue.url,
                    "private": venue.url,
                    "ws": {"public": venue.ws_url + "/ws"},
                }
            },
            **more,
        }
    )


@asynccontextmanager
async def spoken(**wishes: Any) -> AsyncIterator[tuple[EmbeddedVenue, Any]]:
    """A venue that speaks Hyperliquid, and a client that loaded its markets."""
    async with embedded_venue(protocol="hyperliquid", **wishes) as venue:
        ex = client(venue)
        try:
            await ex.load_markets()
            yield venue, ex
        finally:
            await ex.close()
