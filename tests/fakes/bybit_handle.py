"""A running Bybit venue process: moved by /_control as by a human, read by ccxt's own client."""

from decimal import Decimal
from typing import Any

import ccxt
from typing_extensions import override

from tests.fakes.daemon import Stand
from tests.fakes.venue_handle import BTC, DEADLINE_S, VenueHandle

STOP_ROWS = {"category": "linear", "orderFilter": "StopOrder", "limit": 50}


class BybitHandle(VenueHandle):
    """The handle in Bybit's words."""

    @override
    def client(self) -> ccxt.bybit:
        client = ccxt.bybit(
            {
                "apiKey": self.key,
                "secret": self.secret,
                "enableRateLimit": False,
                "timeout": int(DEADLINE_S * 1000),
                "urls": {"api": {"public": self.url, "private": self.url}},
            }
        )
        if self.ca is not None:
            client.validateServerSsl = str(self.ca)
        return client

    @override
    def stops_asked(self, since_ns: int = 0) -> list[dict[str, Any]]:
        rows = self.log(since_ns=since_ns, method="POST", path="/v5/order/create")
        return [
            row
            for row in rows
            if row["status"] == 200
            and row["code"] in (None, 0)
            and row["params"].get("triggerPrice")
            and "-p" not in row["params"]["orderLinkId"]
        ]

    def _rows(self, call: str, **params: object) -> list[dict[str, Any]]:
        return self.read(call, **params)["result"]["list"]

    @override
    def position(self, symbol: str = BTC) -> Decimal:
        rows = self._rows("privateGetV5PositionList", category="linear", symbol=symbol)
        signs = {"Buy": 1, "Sell": -1, "": 0}
        return sum((signs[row["side"]] * Decimal(row["size"]) for row in rows), Decimal(0))

    @override
    def stops(self, symbol: str = BTC) -> list[dict[str, Any]]:
        return self._rows("privateGetV5OrderRealtime", **STOP_ROWS, symbol=symbol)

    @override
    def covers(self, symbol: str = BTC) -> bool:
        held = self.position(symbol)
        if held == 0:
            return False
        side = "Sell" if held > 0 else "Buy"
        good = [
            row
            for row in self.stops(symbol)
            if row["side"] == side
            and row["reduceOnly"] in (True, "true")
            and row["triggerBy"] == "MarkPrice"
            and str(row["triggerDirection"]) == ("2" if held > 0 else "1")
        ]
        if any(row["closeOnTrigger"] in (True, "true") for row in good):
            return True
        return sum(Decimal(row["qty"]) for row in good) >= abs(held)


class BybitStand(Stand):
    """A stand whose account is at Bybit."""

    handle = BybitHandle

    def __init__(self, **env: str) -> None:
        super().__init__(BREAKWATER_VENUES__EXCHANGE="bybit", **env)
