"""Rows as Bybit's v5 writes them: same shape over HTTP and on the private topics."""

from typing import Any

MS = "1795000000000"
ORDER_ID = "7e2ae69c-4edf-5800-a352-893d52b446aa"
STOP_ID = "5cf98598-39a7-459e-97bf-76ca765ee020"


def order_row(**changes: Any) -> dict[str, Any]:
    """A market order that filled; every number is text, nothing is written as nothing."""
    row = {
        "category": "linear", "symbol": "BTCUSDT", "orderId": ORDER_ID,
        "orderLinkId": "bw00000001-1-0", "blockTradeId": "", "side": "Buy", "positionIdx": 0,
        "orderStatus": "Filled", "createType": "CreateByUser", "cancelType": "UNKNOWN",
        "rejectReason": "EC_NoError", "timeInForce": "IOC", "orderType": "Market", "price": "0",
        "qty": "0.05", "avgPrice": "80000.8", "leavesQty": "0", "cumExecQty": "0.05",
        "stopOrderType": "", "triggerPrice": "", "triggerDirection": 0, "triggerBy": "",
        "takeProfit": "", "stopLoss": "", "reduceOnly": False, "closeOnTrigger": False,
        "createdTime": MS, "updatedTime": MS, "somethingNew": [1, 2],
    }  # fmt: skip
    return {**row, **changes}


def stop_row(**changes: Any) -> dict[str, Any]:
    """A conditional order that waits."""
    row = {
        "orderId": STOP_ID, "orderLinkId": "bw00000001-2-0", "side": "Sell", "price": "0",
        "orderStatus": "Untriggered", "stopOrderType": "Stop", "triggerPrice": "79000",
        "triggerDirection": 2, "triggerBy": "MarkPrice", "reduceOnly": True, "avgPrice": "",
        "cumExecQty": "0",
    }  # fmt: skip
    return order_row(**{**row, **changes})


def leg_row(**changes: Any) -> dict[str, Any]:
    """A held leg of a cross account: no liquidation price, no leverage."""
    row = {
        "category": "linear", "symbol": "BTCUSDT", "positionIdx": 0, "side": "Buy", "size": "0.05",
        "avgPrice": "80000.8", "leverage": "", "liqPrice": "", "positionBalance": "0",
        "adlRankIndicator": 0, "createdTime": MS, "updatedTime": MS,
    }  # fmt: skip
    return {**row, **changes}


def execution_row(**changes: Any) -> dict[str, Any]:
    """A trade that opened something."""
    row = {
        "category": "linear", "symbol": "BTCUSDT", "orderId": ORDER_ID,
        "orderLinkId": "bw00000001-1-0", "side": "Buy", "execFee": "2.00002", "execPnl": "0",
        "execId": "0ab1bdf7-4219-438b-b30a-32ec863018f7", "execPrice": "80000.8",
        "execQty": "0.05", "execType": "Trade", "execTime": MS, "isMaker": False, "closedSize": "0",
    }  # fmt: skip
    return {**row, **changes}


def wallet_row(balance: str = "9997.99998", *more: dict[str, Any]) -> dict[str, Any]:
    """A unified account with USDT, and other coins when given."""
    usdt = {
        "coin": "USDT", "walletBalance": balance, "usdValue": balance, "borrowAmount": "0",
        "collateralSwitch": True, "marginCollateral": True,
    }  # fmt: skip
    return {"accountType": "UNIFIED", "totalWalletBalance": balance, "coin": [usdt, *more]}


def told(topic: str, *rows: dict[str, Any]) -> dict[str, Any]:
    """A message of a private topic."""
    return {"id": "1", "topic": topic, "creationTime": int(MS), "data": list(rows)}
