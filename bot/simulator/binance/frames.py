"""Orders as the protocol shows them: rows of HTTP answers and frames of the user stream."""

from decimal import Decimal

from bot.domain.messages import Fill
from bot.domain.orders import OrderState, OrderStatus, PositionSide, TriggerBy
from bot.domain.units import ZERO
from bot.simulator.binance.numbers import exact_text, money_text, ms
from bot.simulator.binance.records import OrderRecord

Row = dict[str, object]

STATUS_WORD = {
    OrderStatus.PENDING: "NEW",
    OrderStatus.UNKNOWN: "NEW",
    OrderStatus.WORKING: "NEW",
    OrderStatus.TRIGGERING: "NEW",
    OrderStatus.FILLED: "FILLED",
    OrderStatus.CANCELLED: "CANCELED",
    OrderStatus.REJECTED: "REJECTED",
    OrderStatus.EXPIRED: "EXPIRED",
    OrderStatus.LOST: "EXPIRED",
}
ALGO_STATUS_WORD = {
    **STATUS_WORD,
    OrderStatus.TRIGGERING: "TRIGGERING",
    OrderStatus.FILLED: "FINISHED",
}
WORKING_TYPE = {
    TriggerBy.MARK: "MARK_PRICE",
    TriggerBy.LAST: "CONTRACT_PRICE",
    TriggerBy.INDEX: "INDEX_PRICE",
}


def status_word(state: OrderState) -> str:
    """Return the venue's word for the status of a plain order."""
    if state.status is OrderStatus.WORKING and state.filled_qty > ZERO:
        return "PARTIALLY_FILLED"
    return STATUS_WORD[state.status]


def side_word(side: PositionSide | None) -> str:
    """Return LONG, SHORT, or BOTH in one-way mode."""
    return "BOTH" if side is None else side.value


def _text(number: Decimal | None, empty: str = "0.00") -> str:
    return empty if number is None else exact_text(number)


def order_row(record: OrderRecord, venue_id: str) -> Row:
    """Return a plain order as /fapi/v1/order shows it."""
    state = record.state
    average = state.average_price or ZERO
    return {
        "orderId": int(state.venue_order_id),
        "symbol": venue_id,
        "status": status_word(state),
        "clientOrderId": state.client_order_id,
        "price": _text(state.price),
        "avgPrice": _text(state.average_price),
        "origQty": exact_text(state.qty),
        "executedQty": exact_text(state.filled_qty),
        "cumQty": exact_text(state.filled_qty),
        "cumQuote": money_text(average * state.filled_qty),
        "timeInForce": record.time_in_force.value,
        "type": state.kind.value,
        "reduceOnly": state.reduce_only,
        "closePosition": state.close_position,
        "side": state.side.value,
        "positionSide": side_word(state.position_side),
        "stopPrice": "0.00",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": state.kind.value,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
        "time": ms(record.created_ns),
        "updateTime": ms(state.event_ns),
    }


def algo_row(record: OrderRecord, venue_id: str) -> Row:
    """Return a conditional order as /fapi/v1/algoOrder shows it."""
    state = record.state
    return {
        "algoId": int(state.venue_order_id),
        "clientAlgoId": state.client_order_id,
        "algoType": "CONDITIONAL",
        "orderType": state.kind.value,
        "symbol": venue_id,
        "side": state.side.value,
        "positionSide": side_word(state.position_side),
        "timeInForce": record.time_in_force.value,
        "quantity": exact_text(state.qty),
        "algoStatus": ALGO_STATUS_WORD[state.status],
        "actualOrderId": record.born_order_id,
        "actualPrice": _text(state.average_price),
        "actualQty": exact_text(state.filled_qty),
        "triggerPrice": _text(state.trigger_price),
        "price": _text(state.price),
        "icebergQuantity": None,
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "workingType": WORKING_TYPE[state.trigger_by or TriggerBy.LAST],
        "priceMatch": "NONE",
        "closePosition": state.close_position,
        "priceProtect": False,
        "reduceOnly": state.reduce_only,
        "createTime": ms(record.created_ns),
        "updateTime": ms(state.event_ns),
        "triggerTime": ms(record.triggered_ns),
        "goodTillDate": 0,
    }


def order_frame(
    record: OrderRecord, state: OrderState, venue_id: str, *, execution: str, fill: Fill | None
) -> Row:
    """Return an ORDER_TRADE_UPDATE: `execution` is NEW, TRADE, CALCULATED, CANCELED ...

    `state` is the order right after what the frame tells, `fill` what it tells of an execution.
    """
    shown = "LIQUIDATION" if fill is not None and fill.is_liquidation else state.kind.value
    body: Row = {
        "s": venue_id,
        "c": state.client_order_id,
        "S": state.side.value,
        "o": shown,
        "f": record.time_in_force.value,
        "q": exact_text(state.qty),
        "p": _text(state.price, "0"),
        "ap": _text(state.average_price, "0"),
        "sp": "0",
        "x": execution,
        "X": status_word(state),
        "i": int(state.venue_order_id),
        "l": exact_text(fill.qty) if fill else "0",
        "z": exact_text(state.filled_qty),
        "L": exact_text(fill.price) if fill else "0",
        "T": ms(state.event_ns),
        "t": int(fill.trade_id) if fill else 0,
        "b": "0",
        "a": "0",
        "m": bool(fill and fill.is_maker),
        "R": state.reduce_only,
        "wt": "CONTRACT_PRICE",
        "ot": shown,
        "ps": side_word(state.position_side),
        "cp": state.close_position,
        "rp": money_text(fill.realized_pnl_usd) if fill else "0",
        "pP": False,
        "si": 0,
        "ss": 0,
        "V": "EXPIRE_MAKER",
        "pm": "NONE",
        "gtd": 0,
        "er": "0",
    }
    if fill is not None:
        body |= {"N": "USDT", "n": money_text(fill.fee_usd)}
    return _envelope("ORDER_TRADE_UPDATE", state.event_ns, {"o": body})


def algo_frame(record: OrderRecord, venue_id: str, status: str) -> Row:
    """Return an ALGO_UPDATE that shows the conditional order in `status`."""
    state = record.state
    done = status == "FINISHED"
    body: Row = {
        "caid": state.client_order_id,
        "aid": int(state.venue_order_id),
        "at": "CONDITIONAL",
        "o": state.kind.value,
        "s": venue_id,
        "S": state.side.value,
        "ps": side_word(state.position_side),
        "f": record.time_in_force.value,
        "q": exact_text(state.qty),
        "X": status,
        "ai": record.born_order_id if status in ("TRIGGERED", "FINISHED", "EXPIRED") else "",
        "ap": _text(state.average_price, "0.00000") if done else "0.00000",
        "aq": exact_text(state.filled_qty) if done else "0.00000",
        "act": "MARKET" if record.born_order_id else "0",
        "tp": _text(state.trigger_price),
        "p": _text(state.price, "0"),
        "V": "EXPIRE_MAKER",
        "wt": WORKING_TYPE[state.trigger_by or TriggerBy.LAST],
        "pm": "NONE",
        "cp": state.close_position,
        "pP": False,
        "R": state.reduce_only,
        "tt": ms(record.triggered_ns),
        "gtd": 0,
        "rm": state.reason,
    }
    return _envelope("ALGO_UPDATE", state.event_ns, {"o": body})


def account_frame(cause: str, event_ns: int, balances: list[Row], positions: list[Row]) -> Row:
    """Return an ACCOUNT_UPDATE with changed balances and legs."""
    body: Row = {"m": cause, "B": balances, "P": positions}
    return _envelope("ACCOUNT_UPDATE", event_ns, {"a": body})


def _envelope(kind: str, event_ns: int, body: Row) -> Row:
    return {"e": kind, "T": ms(event_ns), "E": ms(event_ns), **body}
