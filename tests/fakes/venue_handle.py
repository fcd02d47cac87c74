"""A running venue process: moved by /_control as by a human, read by ccxt's own client."""

import json
import ssl
import time
import urllib.error
import urllib.request
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt

BTC = "BTCUSDT"
DEADLINE_S = 10.0


class VenueHandle:
    """The venue that last published its address in `folder`; with a `ca` file it speaks TLS."""

    def __init__(self, folder: Path, ca: Path | None = None) -> None:
        address = json.loads((folder / "address.json").read_text())
        self.port, self.pid = int(address["port"]), int(address["pid"])
        self.key, self.secret = str(address["api_key"]), str(address["api_secret"])
        self.ca = ca if ca is not None and ca.exists() else None
        self.tls = ssl.create_default_context(cafile=str(ca)) if self.ca is not None else None
        host = "http://127.0.0.1" if self.tls is None else "https://localhost"
        self.url = f"{host}:{self.port}"

    # ------------------------------------------------------------------ control

    def _open(self, request: str | urllib.request.Request) -> Any:
        return urllib.request.urlopen(request, timeout=DEADLINE_S, context=self.tls)

    def reachable(self) -> bool:
        with self._open(f"{self.url}/_control/faults") as answer:
            return answer.status == 200

    def control(self, method: str, path: str, body: object = None) -> Any:
        """One request to /_control; returns its JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/_control/{path}",
            data=data,
            method=method,
            headers={"Content-Type": "application/json"},
        )
        try:
            with self._open(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with closing(error):
                told = error.read()[:300]
            raise AssertionError(f"the venue refused {path} {body}: {told!r}") from None

    def move(self, price: float, symbol: str = BTC) -> None:
        """Let last, mark and index jump."""
        self.control("POST", "market", {"symbol": symbol, "price": price})

    def by_hand(self, side: str, qty: str, *, reduce_only: bool = False, symbol: str = BTC) -> int:
        """Trade at market past the bot; return the instant before it (ns)."""
        before_ns = time.time_ns()
        body = {"symbol": symbol, "side": side, "qty": qty, "reduce_only": reduce_only}
        self.control("POST", "position", body)
        return before_ns

    def fault(self, kind: str, **fields: object) -> None:
        """Arm a rule of bot/simulator/faults.py."""
        self.control("POST", "faults", {"kind": kind, **fields})

    def clear_faults(self, kind: str = "") -> None:
        self.control("DELETE", f"faults?kind={kind}")

    def log(
        self, *, since_ns: int = 0, method: str = "", path: str = "", **params: str
    ) -> list[dict[str, Any]]:
        """Requests as they arrived, oldest first, whose path ends in `path`."""
        rows = self.control("GET", f"log?since_ns={since_ns}")
        return [
            row
            for row in rows
            if method in ("", row["method"])
            and row["path"].endswith(path)
            and all(row["params"].get(name) == value for name, value in params.items())
        ]

    def stops_asked(self, since_ns: int = 0) -> list[dict[str, Any]]:
        """Stop orders that arrived and were taken; the proof of a start (id ...-p1) is none."""
        rows = self.log(since_ns=since_ns, method="POST", path="/algoOrder", type="STOP_MARKET")
        return [
            row
            for row in rows
            if row["status"] == 200 and "-p" not in row["params"]["clientAlgoId"]
        ]

    # ------------------------------------------------------------------ the book, by ccxt

    def client(self) -> ccxt.binanceusdm:
        """ccxt's synchronous client, pointed here; close its session."""
        rest = self.url
        client = ccxt.binanceusdm(
            {
                "apiKey": self.key,
                "secret": self.secret,
                "enableRateLimit": False,
                "timeout": int(DEADLINE_S * 1000),
                "urls": {
                    "api": {
                        "fapiPublic": f"{rest}/fapi/v1",
                        "fapiPrivate": f"{rest}/fapi/v1",
                        "fapiPrivateV3": f"{rest}/fapi/v3",
                    }
                },
                "options": {"fetchCurrencies": False},
            }
        )
        if self.ca is not None:
            client.validateServerSsl = str(self.ca)  # ccxt hands it to requests as `verify`
        return client

    def read(self, call: str, **params: object) -> Any:
        """One signed reading by ccxt's implicit method `call`."""
        client = self.client()
        try:
            return getattr(client, call)(params)
        except ccxt.NetworkError as error:
            raise OSError(str(error)) from None
        finally:
            client.session.close()

    def position(self, symbol: str = BTC) -> Decimal:
        """The signed quantity held."""
        rows = self.read("fapiPrivateV3GetPositionRisk", symbol=symbol)
        return sum((Decimal(row["positionAmt"]) for row in rows), Decimal(0))

    def open_orders(self, symbol: str = BTC) -> list[dict[str, Any]]:
        """Plain orders that rest."""
        return self.read("fapiPrivateGetOpenOrders", symbol=symbol)

    def open_algos(self, symbol: str = BTC) -> list[dict[str, Any]]:
        """Conditional orders that rest."""
        return self.read("fapiPrivateGetOpenAlgoOrders", symbol=symbol)

    def stops(self, symbol: str = BTC) -> list[dict[str, Any]]:
        return [row for row in self.open_algos(symbol) if row["orderType"] == "STOP_MARKET"]

    def targets(self, symbol: str = BTC) -> list[dict[str, Any]]:
        return [row for row in self.open_algos(symbol) if row["orderType"] == "TAKE_PROFIT_MARKET"]

    def all_orders(self, symbol: str = BTC) -> list[dict[str, Any]]:
        return self.read("fapiPrivateGetAllOrders", symbol=symbol, limit=1000)

    def all_algos(self, symbol: str = BTC) -> list[dict[str, Any]]:
        return self.read("fapiPrivateGetAllAlgoOrders", symbol=symbol, limit=1000)

    def income(self) -> list[dict[str, Any]]:
        return self.read("fapiPrivateGetIncome", limit=1000)

    def wallet_usd(self) -> Decimal:
        return Decimal(self.read("fapiPrivateV3GetAccount")["totalWalletBalance"])

    def covers(self, symbol: str = BTC) -> bool:
        """Whether resting reduce-only stops of the right side cover the whole position."""
        held = self.position(symbol)
        if held == 0:
            return False
        side = "SELL" if held > 0 else "BUY"
        good = [
            row
            for row in self.stops(symbol)
            if row["side"] == side
            and (row["reduceOnly"] in (True, "true") or row["closePosition"] in (True, "true"))
        ]
        return sum(Decimal(row["quantity"]) for row in good) >= abs(held)
