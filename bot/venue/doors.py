"""Which hosts, paths and headers each mode of each traded venue may use: data, nothing else.

A request that no door of its mode lets through is not sent. Testnets whose host differs from the
live one are held apart by the host. OKX's demo account lives on the live host: there a header alone
tells play from real money, so the testnet door demands it and the live door forbids it.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

Mode = Literal["paper", "testnet", "live"]
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Door(NamedTuple):
    """One way out: hosts, and the paths behind them (`/` at the end: all that begin so)."""

    hosts: frozenset[str]
    paths: tuple[str, ...]
    needs: tuple[str, str] | None = None
    """A header (name, value) without which nothing is sent."""
    forbids: str = ""
    """A header with which nothing is sent."""

    def lets(self, host: str | None, path: str, headers: Mapping[str, str]) -> bool:
        """Tell whether a request may go out here."""
        return (
            host in self.hosts
            and any(path == each or (each[-1] == "/" and path.startswith(each))
                    for each in self.paths)
            and (self.needs is None or headers.get(self.needs[0]) == self.needs[1])
            and not (self.forbids and self.forbids in headers)
        )  # fmt: skip


def _fapi(version: int, *names: str) -> tuple[str, ...]:
    return tuple(f"/fapi/v{version}/{name}" for name in names)


_BINANCE_REST: Final = (
    *_fapi(
        1,
        "time", "exchangeInfo", "klines", "openInterest", "fundingInfo", "fundingRate",
        "symbolConfig", "positionSide/dual", "multiAssetsMargin", "leverageBracket",
        "commissionRate", "income", "userTrades", "openOrders", "openAlgoOrders", "order",
        "algoOrder", "positionMargin", "leverage", "listenKey",
    ),
    *_fapi(3, "account", "positionRisk"),
    "/futures/data/openInterestHist",
)  # fmt: skip
_BINANCE_STREAMS: Final = ("/ws", "/market/ws", "/public/ws", "/private/ws")
_BINANCE_RIGHTS: Final = ("/sapi/v1/account/apiRestrictions",)
_OKX_DEMO: Final = "x-simulated-trading"
_BYBIT_REST: Final = (
    *(
        f"/v5/market/{name}"
        for name in ("time", "instruments-info", "risk-limit", "kline", "tickers",
                     "funding/history", "open-interest")
    ),
    "/v5/order/create", "/v5/order/cancel", "/v5/order/realtime", "/v5/order/history",
    "/v5/position/list", "/v5/position/set-leverage", "/v5/position/add-margin",
    "/v5/account/wallet-balance", "/v5/account/info", "/v5/account/fee-rate",
    "/v5/account/transaction-log", "/v5/execution/list", "/v5/user/query-api",
)  # fmt: skip
_BYBIT_PUBLIC: Final = "/v5/public/linear"
_BYBIT_PRIVATE: Final = "/v5/private"
_OKX_REST: Final = ("/api/v5/public/", "/api/v5/market/", "/api/v5/trade/", "/api/v5/account/")
_OKX_STREAMS: Final = ("/ws/v5/public", "/ws/v5/private", "/ws/v5/business")
_HYPERLIQUID: Final = ("/info", "/exchange", "/ws")


def _at(*hosts: str) -> frozenset[str]:
    return frozenset(hosts)


DOORS: Final[dict[str, dict[Mode, tuple[Door, ...]]]] = {
    "binance": {
        "paper": (Door(LOOPBACK, (*_BINANCE_REST, *_BINANCE_STREAMS, *_BINANCE_RIGHTS)),),
        "testnet": (
            Door(_at("demo-fapi.binance.com"), _BINANCE_REST),
            Door(_at("fstream.binancefuture.com"), _BINANCE_STREAMS),
        ),
        "live": (
            Door(_at("fapi.binance.com"), _BINANCE_REST),
            Door(_at("fstream.binance.com"), _BINANCE_STREAMS),
            Door(_at("api.binance.com"), _BINANCE_RIGHTS),
        ),
    },
    "bybit": {
        "paper": (Door(LOOPBACK, (*_BYBIT_REST, _BYBIT_PUBLIC, _BYBIT_PRIVATE)),),
        "testnet": (
            Door(_at("api-testnet.bybit.com", "api-demo.bybit.com"), _BYBIT_REST),
            Door(_at("stream-testnet.bybit.com"), (_BYBIT_PUBLIC, _BYBIT_PRIVATE)),
            Door(_at("stream-demo.bybit.com"), (_BYBIT_PRIVATE,)),
            Door(_at("stream.bybit.com"), (_BYBIT_PUBLIC,)),  # demo trades at production prices
        ),
        "live": (
            Door(_at("api.bybit.com"), _BYBIT_REST),
            Door(_at("stream.bybit.com"), (_BYBIT_PUBLIC, _BYBIT_PRIVATE)),
        ),
    },
    "okx": {
        "paper": (Door(LOOPBACK, ("/",)),),
        "testnet": (
            Door(_at("www.okx.com"), _OKX_REST, needs=(_OKX_DEMO, "1")),
            Door(_at("wspap.okx.com"), _OKX_STREAMS),
        ),
        "live": (
            Door(_at("www.okx.com"), _OKX_REST, forbids=_OKX_DEMO),
            Door(_at("ws.okx.com"), _OKX_STREAMS),
        ),
    },
    "hyperliquid": {
        "paper": (Door(LOOPBACK, ("/",)),),
        "testnet": (Door(_at("api.hyperliquid-testnet.xyz"), _HYPERLIQUID),),
        "live": (Door(_at("api.hyperliquid.xyz"), _HYPERLIQUID),),
    },
}
"""By venue and mode. No door leads to transfers or withdrawals."""
