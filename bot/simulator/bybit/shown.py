"""Orders, executions, legs and wallet as Bybit shows them, over HTTP and on the private stream.

A conditional order keeps its id when it fires: the order that its trigger bears is not shown, what
that one filled is told under the conditional order's own id.
"""

from decimal import Decimal

from bot.domain.account import PositionState
from bot.domain.messages import Fill
from bot.domain.orders import OrderKind, OrderSide, OrderState, OrderStatus, PositionSide, TriggerBy
from bot.domain.units import ZERO
from bot.simulator.binance.account_rows import AccountReading, LegReading
from bot.simulator.binance.numbers import money_text, ms
from bot.simulator.binance.records import OrderRecord, RecordBook
from bot.simulator.binance.world import World
from bot.simulator.bybit.words import (
    FALL,
    LEG_INDEX,
    LEG_WORD,
    LIFE_WORD,
    PLAIN_STATUS,
    RISE,
    SIDE_WORD,
    STOP_STATUS,
    TRIGGER_WORD,
    Row,
    order_id,
    plain,
)

BORN = "triggered by "


def parent_of(state: OrderState) -> str:
    """Return the number of the conditional order that bore this one; "" for none."""
    if state.kind.is_conditional or not state.reason.startswith(BORN):
        return ""
    return state.reason.removeprefix(BORN)


def shown_number(records: RecordBook, venue_order_id: str) -> str:
    """Return the number under which an order is shown: that of the parent of a born one."""
    record = records.by_id(venue_order_id, conditional=False)
    return (parent_of(record.state) if record is not None else "") or venue_order_id


def status_word(state: OrderState) -> str:
    """Return Bybit's word for the state of an order."""
    if state.kind.is_conditional:
        return STOP_STATUS[state.status]
    if state.status is OrderStatus.WORKING and state.filled_qty > ZERO:
        return "PartiallyFilled"
    return PLAIN_STATUS[state.status]


def direction(state: OrderState) -> int:
    """Return whether a rise or a fall sets a conditional order off."""
    stop = state.kind is OrderKind.STOP_MARKET
    return FALL if (state.side is OrderSide.SELL) == stop else RISE


def order_row(record: OrderRecord, venue_id: str) -> Row:
    """Return an order as /v5/order/realtime and the topic `order` show it."""
    state = record.state
    waits = state.kind.is_conditional
    average = state.average_price or ZERO
    exits = state.position_side is not None and state.side is state.position_side.exit
    return {
        "category": "linear",
        "symbol": venue_id,
        "orderId": order_id(state.venue_order_id),
        "orderLinkId": state.client_order_id,
        "blockTradeId": "",
        "side": SIDE_WORD[state.side],
        "positionIdx": LEG_INDEX[state.position_side],
        "orderStatus": status_word(state),
        "createType": _create_type(state.client_order_id),
        "cancelType": "CancelByUser" if state.status is OrderStatus.CANCELLED else "UNKNOWN",
        "rejectReason": "EC_NoError" if not state.reason or parent_of(state) else _why(state),
        "timeInForce": "IOC"
        if state.kind is not OrderKind.LIMIT
        else LIFE_WORD[record.time_in_force],
        "orderType": "Limit" if state.kind is OrderKind.LIMIT else "Market",
        "price": plain(state.price) or "0",
        "qty": "0" if state.close_position and state.status.is_live else plain(state.qty),
        "avgPrice": plain(state.average_price),
        "leavesQty": plain(state.remaining_qty if state.status.is_live else ZERO),
        "leavesValue": "0",
        "cumExecQty": plain(state.filled_qty),
        "cumExecValue": money_text(average * state.filled_qty),
        "cumExecFee": "0",
        "stopOrderType": "Stop" if waits else "",
        "orderIv": "",
        "triggerPrice": plain(state.trigger_price) if waits else "",
        "triggerDirection": direction(state) if waits else 0,
        "triggerBy": TRIGGER_WORD[state.trigger_by or TriggerBy.LAST] if waits else "",
        "takeProfit": "",
        "stopLoss": "",
        "tpslMode": "",
        "tpTriggerBy": "",
        "slTriggerBy": "",
        "lastPriceOnCreated": "",
        "reduceOnly": state.reduce_only or state.close_position or exits,
        "closeOnTrigger": state.close_position,
        "placeType": "",
        "smpType": "None",
        "smpGroup": 0,
        "smpOrderId": "",
        "isLeverage": "",
        "createdTime": str(ms(record.created_ns)),
        "updatedTime": str(ms(state.event_ns)),
    }


def _create_type(client_order_id: str) -> str:
    if client_order_id.startswith("adl_autoclose-"):
        return "CreateByAdl_PassThrough"
    return "CreateByLiq" if client_order_id.startswith("autoclose-") else "CreateByUser"


def _why(state: OrderState) -> str:
    return "EC_ReduceOnlyNoPosition" if "-2022" in state.reason else "EC_Others"


def execution_row(fill: Fill, records: RecordBook, venue_id: str) -> Row:
    """Return an execution as /v5/execution/list shows it; the stream adds `execPnl`."""
    number = shown_number(records, fill.venue_order_id)
    conditional = number != fill.venue_order_id
    record = records.by_id(number, conditional=conditional)
    kind = "AdlTrade" if fill.is_adl else "BustTrade" if fill.is_liquidation else "Trade"
    forced = fill.is_adl or fill.is_liquidation
    limit = record is not None and record.state.kind is OrderKind.LIMIT
    return {
        "category": "linear",
        "symbol": venue_id,
        "orderId": order_id(number),
        "orderLinkId": "" if forced else fill.client_order_id,
        "side": SIDE_WORD[fill.side],
        "orderPrice": plain(fill.price),
        "orderQty": plain(record.state.qty) if record is not None else plain(fill.qty),
        "leavesQty": plain(record.state.remaining_qty) if record is not None else "0",
        "createType": _create_type(fill.client_order_id),
        "orderType": "Limit" if limit else "Market",
        "stopOrderType": "Stop" if conditional else "UNKNOWN",
        "execFee": money_text(fill.fee_usd),
        "execId": order_id(fill.trade_id),
        "execPrice": plain(fill.price),
        "execQty": plain(fill.qty),
        "execType": kind,
        "execValue": money_text(fill.qty * fill.price),
        "execTime": str(ms(fill.event_ns)),
        "feeCurrency": "",
        "isMaker": fill.is_maker,
        "feeRate": "0",
        "tradeIv": "",
        "markIv": "",
        "markPrice": plain(fill.price),
        "indexPrice": "",
        "underlyingPrice": "",
        "blockTradeId": "",
        "closedSize": plain(fill.qty if _shrank(fill) else ZERO),
        "seq": int(fill.trade_id),
    }


def _shrank(fill: Fill) -> bool:
    """Tell whether an execution closed something; one that turns a position is told as closing."""
    if fill.position_side is not None:
        return fill.side is fill.position_side.exit
    return fill.realized_pnl_usd != ZERO


def leg_row(
    world: World,
    account_id: str,
    leg: PositionState,
    reading: LegReading | None,
    leverage: int,
    *,
    streamed: bool,
) -> Row:
    """Return a leg, flat ones too, as /v5/position/list and the topic `position` show it."""
    held = leg.qty > ZERO
    liq = world.exchange.liquidation_price(account_id, leg.symbol, leg.side) if held else None
    isolated = reading.isolated_wallet_usd if reading is not None and reading.is_isolated else ZERO
    mark = Decimal(repr(world.exchange.market(leg.symbol).mark))
    entry = plain(leg.entry_price) if held else "0"
    side = LEG_WORD[leg.side] if held or leg.hedged else ""
    return {
        "category": "linear",
        "symbol": world.venue_id(leg.symbol),
        "positionIdx": LEG_INDEX[leg.side if leg.hedged else None],
        "side": side,
        "size": plain(leg.qty),
        ("entryPrice" if streamed else "avgPrice"): entry,
        "positionValue": money_text(leg.qty * leg.entry_price),
        "tradeMode": 0,
        "riskId": 1,
        "riskLimitValue": "2000000",
        "autoAddMargin": 0,
        "positionStatus": "Normal",
        "leverage": str(leverage),
        "markPrice": plain(mark),
        "liqPrice": plain(liq),
        "bustPrice": "",
        "positionIM": money_text(reading.initial_usd) if reading is not None else "0",
        "positionMM": money_text(reading.maintenance_usd) if reading is not None else "0",
        "positionBalance": money_text(isolated),
        "takeProfit": "",
        "stopLoss": "",
        "trailingStop": "0",
        "tpslMode": "Full",
        "sessionAvgPrice": "",
        "unrealisedPnl": money_text(reading.unrealised_usd) if reading is not None else "0",
        "curRealisedPnl": "0",
        "cumRealisedPnl": "0",
        "adlRankIndicator": 2 if held else 0,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
        "createdTime": str(ms(leg.event_ns)),
        "updatedTime": str(ms(leg.event_ns)),
        "seq": ms(leg.event_ns),
    }


def flat_legs(symbol: str, event_ns: int, *, hedged: bool) -> list[PositionState]:
    """Return what is shown of a contract in which nothing is held."""
    return [
        PositionState(
            symbol=symbol, side=side, qty=ZERO, entry_price=ZERO, margin_mode=None,
            event_ns=event_ns, hedged=hedged,
        )
        for side in (PositionSide if hedged else (PositionSide.LONG,))
    ]  # fmt: skip


def wallet_row(reading: AccountReading) -> Row:
    """Return the unified account's wallet."""
    equity = reading.wallet_usd + reading.unrealised_usd
    initial = reading.initial_usd + reading.open_order_initial_usd

    def rate(part: Decimal) -> str:
        return f"{part / equity:.4f}" if equity > ZERO else "1"

    coin: Row = {
        "coin": "USDT",
        "equity": money_text(equity),
        "usdValue": money_text(equity),
        "walletBalance": money_text(reading.wallet_usd),
        "free": "",
        "locked": "0",
        "spotHedgingQty": "0",
        "borrowAmount": "0",
        "availableToBorrow": "",
        "availableToWithdraw": "",
        "accruedInterest": "0",
        "totalOrderIM": money_text(reading.open_order_initial_usd),
        "totalPositionIM": money_text(reading.initial_usd),
        "totalPositionMM": money_text(reading.maintenance_usd),
        "unrealisedPnl": money_text(reading.unrealised_usd),
        "cumRealisedPnl": "0",
        "bonus": "0",
        "collateralSwitch": True,
        "marginCollateral": True,
    }
    return {
        "accountType": "UNIFIED",
        "accountLTV": "0",
        "accountIMRate": rate(initial),
        "accountMMRate": rate(reading.maintenance_usd),
        "totalEquity": money_text(equity),
        "totalWalletBalance": money_text(reading.wallet_usd),
        "totalMarginBalance": money_text(equity),
        "totalAvailableBalance": money_text(reading.available_usd),
        "totalPerpUPL": money_text(reading.unrealised_usd),
        "totalInitialMargin": money_text(initial),
        "totalMaintenanceMargin": money_text(reading.maintenance_usd),
        "coin": [coin],
    }
