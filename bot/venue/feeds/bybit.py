"""How Bybit is asked: topics by contract, JSON pings."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from bot.venue.feeds.contracts import Contract

TOPICS: Final = ("publicTrade", "tickers", "allLiquidation")
TOPICS_PER_MESSAGE: Final = 10
LIQUIDATIONS: Final = "every liquidation, batched every 500 ms"


class BybitDialect:
    """Speaks for the contracts that `listed` returns at the time of dialling."""

    heartbeat_s: float | None = None
    ping: str = '{"op":"ping"}'
    ping_s: float = 20.0

    def __init__(self, listed: Callable[[], Sequence[Contract]]) -> None:
        self._listed = listed

    def symbols(self) -> Sequence[str]:
        """Return the symbols whose prices must stay fresh."""
        return [contract.symbol for contract in self._listed()]

    def messages(self) -> Sequence[str]:
        """Return the requests for all topics; one that is refused takes few others with it."""
        topics = [f"{kind}.{item.venue_id}" for item in self._listed() for kind in TOPICS]
        parts = range(0, len(topics), TOPICS_PER_MESSAGE)
        return [_request(topics[start : start + TOPICS_PER_MESSAGE]) for start in parts]


def _request(topics: Sequence[str]) -> str:
    return msgspec.json.encode({"op": "subscribe", "args": topics}).decode()
