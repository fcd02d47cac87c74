"""How OKX is asked: channels by instrument, one channel for all liquidations, pings in plain text.

The venue does not answer pings of the protocol itself.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from bot.venue.feeds.contracts import Contract

CHANNELS: Final = ("trades", "mark-price", "funding-rate", "open-interest")
ARGS_PER_MESSAGE: Final = 40
LIQUIDATIONS: Final = "at most one a second per contract, the venue says"


class OkxDialect:
    """Speaks for the contracts that `listed` returns at the time of dialling."""

    heartbeat_s: float | None = None
    ping: str = "ping"
    ping_s: float = 20.0

    def __init__(self, listed: Callable[[], Sequence[Contract]]) -> None:
        self._listed = listed

    def symbols(self) -> Sequence[str]:
        """Return the symbols whose prices must stay fresh."""
        return [contract.symbol for contract in self._listed()]

    def messages(self) -> Sequence[str]:
        """Return the requests for all channels."""
        args = [{"channel": "liquidation-orders", "instType": "SWAP"}]
        for item in self._listed():
            args += [{"channel": name, "instId": item.venue_id} for name in CHANNELS]
            index = item.venue_id.removesuffix("-SWAP")
            args.append({"channel": "index-tickers", "instId": index})
        parts = range(0, len(args), ARGS_PER_MESSAGE)
        return [_request(args[start : start + ARGS_PER_MESSAGE]) for start in parts]


def _request(args: Sequence[dict[str, str]]) -> str:
    return msgspec.json.encode({"op": "subscribe", "args": args}).decode()
