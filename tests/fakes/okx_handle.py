"""A running venue that speaks OKX: moved by /_control as by a human, read by ccxt's own client."""

from contextlib import closing
from decimal import Decimal
from typing import Any

import ccxt
from typing_extensions import override

from bot.simulator.okx.words import PASSPHRASE
from tests.fakes.daemon import Stand
from tests.fakes.venue_handle import DEADLINE_S, VenueHandle

SWAP = "BTC-USDT-SWAP"


class OkxHandle(VenueHandle):
    """What is read is in contracts of 0.01 bitcoin; by hand and told here: in coins."""

    @override
    def read(self, call: str, **params: object) -> Any:
        client = ccxt.okx(
            {
                "apiKey": self.key,
                "secret": self.secret,
                "password": PASSPHRASE,
                "enableRateLimit": False,
                "timeout": int(DEADLINE_S * 1000),
                "urls": {"api": {"rest": self.url}},
            }
        )
        with closing(client.session):
            return getattr(client, call)(params)["data"]

    @override
    def move(self, price: float, symbol: str = SWAP) -> None:
        super().move(price, symbol)

    @override
    def by_hand(self, side: str, qty: str, *, reduce_only: bool = False, symbol: str = SWAP) -> int:
        return super().by_hand(side, qty, reduce_only=reduce_only, symbol=symbol)

    @override
    def position(self, symbol: str = SWAP) -> Decimal:
        rows = self.read("privateGetAccountPositions", instId=symbol)
        return sum((Decimal(row["pos"]) for row in rows), Decimal(0)) / 100

    @override
    def stops(self, symbol: str = SWAP) -> list[dict[str, Any]]:
        rows = self.read("privateGetTradeOrdersAlgoPending", instId=symbol, ordType="conditional")
        return [row for row in rows if row["slTriggerPx"]]

    @override
    def covers(self, symbol: str = SWAP) -> bool:
        held = self.position(symbol)
        side = "sell" if held > 0 else "buy"
        good = [r for r in self.stops(symbol) if r["side"] == side and r["reduceOnly"] == "true"]
        return held != 0 and sum(Decimal(row["sz"]) for row in good) / 100 >= abs(held)

    @override
    def stops_asked(self, since_ns: int = 0) -> list[dict[str, Any]]:
        rows = self.log(since_ns=since_ns, method="POST", path="/trade/order-algo")
        return [row for row in rows if row["status"] == 200]


class OkxStand(Stand):
    """Whole processes on an account at OKX."""

    handle = OkxHandle

    def __init__(self, **env: str) -> None:
        super().__init__(BREAKWATER_VENUES__EXCHANGE="okx", **env)
