"""Sound frames, written as the venues send them: what the fuzz breaks and tests start from."""

from typing import Final

MS: Final = 1_795_000_000_000
_ZERO_HASH: Final = "0x" + "0" * 64
USER: Final = "0x" + "ab" * 20
OTHER: Final = "0x" + "cd" * 20

BINANCE: Final[tuple[dict[str, object], ...]] = (
    {"e": "aggTrade", "E": MS + 9, "a": 5, "s": "BTCUSDT", "p": "80000.1", "q": "0.25",
     "nq": "0.25", "f": 1, "l": 2, "T": MS + 8, "m": True, "st": 1},
    {"e": "markPriceUpdate", "E": MS + 1, "s": "BTCUSDT", "p": "80001.2", "i": "80002.3",
     "P": "80003", "r": "-0.00012", "T": MS + 3_600_000},
    {"e": "bookTicker", "u": 7, "s": "BTCUSDT", "b": "79999.5", "B": "1.5", "a": "80000.5",
     "A": "2.5", "T": MS + 2, "E": MS + 3},
    {"stream": "btcusdt@forceOrder", "data": {"e": "forceOrder", "E": MS + 5, "o": {
        "s": "BTCUSDT", "S": "SELL", "o": "LIMIT", "f": "IOC", "q": "1.75", "p": "79000",
        "ap": "79100.5", "X": "FILLED", "l": "0.25", "z": "1.75", "T": MS + 4}}},
)  # fmt: skip
BYBIT: Final[tuple[dict[str, object], ...]] = (
    {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": MS + 6, "data": [
        {"T": MS + 1, "s": "BTCUSDT", "S": "Buy", "v": "0.125", "p": "80000.10", "L": "PlusTick",
         "i": "20f43950-d8dd-5b31-9112-a178eb6023af", "BT": False, "RPI": False, "seq": 9},
        {"T": MS + 2, "s": "BTCUSDT", "S": "Sell", "v": "0.375", "p": "80000.20",
         "L": "ZeroPlusTick", "i": "20f43950-d8dd-5b31-9112-a178eb6023b0", "BT": False}]},
    {"topic": "tickers.BTCUSDT", "type": "snapshot", "cs": 24987956059, "ts": MS + 3, "data": {
        "symbol": "BTCUSDT", "tickDirection": "PlusTick", "price24hPcnt": "-0.061",
        "lastPrice": "80000.2", "prevPrice24h": "85000", "markPrice": "80010.33",
        "indexPrice": "80020.44", "openInterest": "68744.761", "openInterestValue": "5500000000.1",
        "turnover24h": "1570383121.9", "volume24h": "91705.27",
        "nextFundingTime": str(MS + 3_200_000), "fundingRate": "-0.000212",
        "fundingIntervalHour": "8", "fundingCap": "0.005", "bid1Price": "80000.1",
        "bid1Size": "84.489", "ask1Price": "80000.3", "ask1Size": "83.02"}},
    {"topic": "tickers.BTCUSDT", "type": "delta", "cs": 24987956060, "ts": MS + 4, "data": {
        "symbol": "BTCUSDT", "markPrice": "80011.34", "openInterest": "68745.5"}},
    {"topic": "allLiquidation.BTCUSDT", "type": "snapshot", "ts": MS + 7, "data": [
        {"T": MS + 5, "s": "BTCUSDT", "S": "Buy", "v": "0.003", "p": "79000.5"},
        {"T": MS + 5, "s": "BTCUSDT", "S": "Sell", "v": "1.5", "p": "81000.5"}]},
)  # fmt: skip
OKX: Final[tuple[dict[str, object], ...]] = (
    {"arg": {"channel": "trades", "instId": "BTC-USDT-SWAP"}, "data": [
        {"instId": "BTC-USDT-SWAP", "tradeId": "130639474", "px": "80000.1", "sz": "12.04",
         "side": "buy", "ts": str(MS + 1), "count": "3", "source": "0", "seqId": 1234}]},
    {"arg": {"channel": "mark-price", "instId": "BTC-USDT-SWAP"}, "data": [
        {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "markPx": "80010.2", "ts": str(MS + 2)}]},
    {"arg": {"channel": "index-tickers", "instId": "BTC-USDT"}, "data": [
        {"instId": "BTC-USDT", "idxPx": "80020.3", "open24h": "81000", "high24h": "82000",
         "low24h": "79000", "sodUtc0": "80500", "sodUtc8": "80400", "ts": str(MS + 3)}]},
    {"arg": {"channel": "funding-rate", "instId": "BTC-USDT-SWAP"}, "data": [
        {"formulaType": "withRate", "fundingRate": "0.0001875391284828",
         "fundingTime": str(MS + 3_200_000), "impactValue": "20000", "instId": "BTC-USDT-SWAP",
         "instType": "SWAP", "interestRate": "0.0001", "maxFundingRate": "0.00375",
         "method": "current_period", "minFundingRate": "-0.00375", "nextFundingRate": "",
         "nextFundingTime": str(MS + 32_000_000), "premium": "0.0001233824646391",
         "settFundingRate": "0.0001699799259033", "settState": "settled", "ts": str(MS + 4)}]},
    {"arg": {"channel": "open-interest", "instId": "BTC-USDT-SWAP"}, "data": [
        {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "oi": "2216113.01",
         "oiCcy": "22161.1301", "oiUsd": "1772890408", "ts": str(MS + 5)}]},
    {"arg": {"channel": "liquidation-orders", "instType": "SWAP"}, "data": [
        {"details": [{"bkLoss": "0", "bkPx": "79000.5", "ccy": "", "posSide": "long",
                      "side": "sell", "sz": "13", "ts": str(MS + 6)},
                     {"bkLoss": "0", "bkPx": "81000.5", "ccy": "", "posSide": "short",
                      "side": "buy", "sz": "2137", "ts": str(MS + 7)}],
         "instFamily": "BTC-USDT", "instId": "BTC-USDT-SWAP", "instType": "SWAP",
         "uly": "BTC-USDT"}]},
)  # fmt: skip
HYPERLIQUID: Final[tuple[dict[str, object], ...]] = (
    {"channel": "bbo", "data": {"coin": "BTC", "time": MS + 1, "bbo": [
        {"px": "80000.0", "sz": "0.5", "n": 2}, {"px": "80001.0", "sz": "1.5", "n": 3}]}},
    {"channel": "trades", "data": [
        {"coin": "BTC", "side": "B", "px": "80001.0", "sz": "0.00751", "time": MS + 2,
         "hash": _ZERO_HASH, "tid": 981894269203506, "users": [USER, OTHER]},
        {"coin": "BTC", "side": "A", "px": "80000.0", "sz": "0.25", "time": MS + 3,
         "hash": _ZERO_HASH, "tid": 881894269203507, "users": [OTHER, USER]}]},
    {"channel": "activeAssetCtx", "data": {"coin": "BTC", "ctx": {
        "dayNtlVlm": "1169046294.06", "prevDayPx": "85000.0", "markPx": "80010.5",
        "midPx": "80000.5", "oraclePx": "80020.7", "funding": "0.0000125",
        "openInterest": "33688.11", "premium": "0.00031774", "dayBaseVlm": "14560.1",
        "impactPxs": ["80000.1", "80000.9"]}}},
    {"channel": "userFills", "data": {"user": USER, "fills": [
        {"coin": "BTC", "px": "79000.0", "sz": "3.5", "side": "A", "time": MS + 4,
         "startPosition": "3.5", "dir": "Close Long", "closedPnl": "-7000", "hash": _ZERO_HASH,
         "oid": 5, "crossed": True, "fee": "1", "tid": 77, "feeToken": "USDC",
         "liquidation": {"liquidatedUser": USER, "markPx": "79010", "method": "market"}}]}},
)  # fmt: skip
SOUND: Final = {"binance": BINANCE, "bybit": BYBIT, "okx": OKX, "hyperliquid": HYPERLIQUID}
