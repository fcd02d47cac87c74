"""What ccxt.pro pays to parse the frames that the typed decoders parse: a measure beside ours."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

from bot.venue.lean import binanceusdm


class _Client:
    """As much of ccxt's websocket client as its handlers touch when nobody waits."""

    def __init__(self) -> None:
        self.subscriptions: dict[str, object] = {}
        self.futures: dict[str, object] = {}
        self.rejections: dict[str, object] = {}
        self.url = "wss://fstream.binance.com/market/ws"
        self.keepAlive = 0

    def resolve(self, result: object, _hash: str) -> object:
        """Nobody waits."""
        return result

    def reject(self, failed: object, _hash: str | None = None) -> None:
        """Raise what a handler could not read."""
        raise failed if isinstance(failed, BaseException) else RuntimeError(str(failed))


def parse_cpu_us(frames: Sequence[bytes], symbols: Sequence[str]) -> float:
    """Return ccxt.pro's CPU microseconds a frame: JSON, handler and cache, no socket."""
    return asyncio.run(_measured(frames, symbols))


async def _measured(frames: Sequence[bytes], symbols: Sequence[str]) -> float:
    exchange = binanceusdm({"newUpdates": True})
    exchange.set_markets([_market(symbol) for symbol in symbols])
    client = _Client()
    try:
        for raw in frames[:200]:
            exchange.handle_message(client, json.loads(raw))
        began = time.process_time_ns()
        for raw in frames:
            exchange.handle_message(client, json.loads(raw))
        return (time.process_time_ns() - began) / 1e3 / len(frames)
    finally:
        await exchange.close()


def _market(symbol: str) -> dict[str, Any]:
    base = symbol.split("/", 1)[0]
    return {
        "id": f"{base}USDT", "lowercaseId": f"{base.lower()}usdt", "symbol": symbol,
        "base": base, "quote": "USDT", "settle": "USDT", "baseId": base, "quoteId": "USDT",
        "settleId": "USDT", "type": "swap", "spot": False, "margin": False, "swap": True,
        "future": False, "option": False, "contract": True, "linear": True, "inverse": False,
        "subType": "linear", "active": True, "contractSize": 1,
        "precision": {"price": 0.1, "amount": 0.001},
        "limits": {"amount": {}, "price": {}, "cost": {}, "leverage": {}}, "info": {},
        "taker": 0.0005, "maker": 0.0002, "expiry": None, "strike": None, "optionType": None,
        "expiryDatetime": None,
    }  # fmt: skip
