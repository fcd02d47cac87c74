"""A running venue that speaks Hyperliquid: moved by /_control as by a human, read by address."""

import json
import urllib.request
from decimal import Decimal
from typing import Any

from typing_extensions import override

from tests.fakes.daemon import Stand
from tests.fakes.venue_handle import DEADLINE_S, VenueHandle

COIN = "BTC"


class HyperliquidHandle(VenueHandle):
    """Everything of an account is public here: reading needs its address alone."""

    def info(self, kind: str, **more: object) -> Any:
        """Ask one question."""
        body = json.dumps({"type": kind, "user": self.key, **more}).encode()
        request = urllib.request.Request(
            f"{self.url}/info", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
            return json.load(answer)

    @override
    def move(self, price: float, symbol: str = COIN) -> None:
        super().move(price, symbol)

    @override
    def by_hand(self, side: str, qty: str, *, reduce_only: bool = False, symbol: str = COIN) -> int:
        return super().by_hand(side, qty, reduce_only=reduce_only, symbol=symbol)

    @override
    def position(self, symbol: str = COIN) -> Decimal:
        held = self.info("clearinghouseState")["assetPositions"]
        return sum(
            (
                Decimal(item["position"]["szi"])
                for item in held
                if item["position"]["coin"] == symbol
            ),
            Decimal(0),
        )

    @override
    def stops(self, symbol: str = COIN) -> list[dict[str, Any]]:
        rows = self.info("frontendOpenOrders")
        return [row for row in rows if row["coin"] == symbol and row["orderType"] == "Stop Market"]

    @override
    def covers(self, symbol: str = COIN) -> bool:
        held = self.position(symbol)
        if held == 0:
            return False
        side = "A" if held > 0 else "B"
        good = [r for r in self.stops(symbol) if r["side"] == side and r["reduceOnly"]]
        return sum(Decimal(row["sz"]) for row in good) >= abs(held)

    @override
    def stops_asked(self, since_ns: int = 0) -> list[dict[str, Any]]:
        rows = self.log(since_ns=since_ns, method="POST", path="/exchange/stop")
        return [row for row in rows if row["status"] == 200]


class HyperliquidStand(Stand):
    """Whole processes on an account at Hyperliquid."""

    handle = HyperliquidHandle

    def __init__(self, **env: str) -> None:
        super().__init__(BREAKWATER_VENUES__EXCHANGE="hyperliquid", **env)
