"""Orders, executions, legs and wallet as OKX shows them, over HTTP and on the private streams.

A conditional order that fires bears a plain order with a number of its own; that one names the
conditional order (algoId, algoClOrdId) and has no client id.
"""

from bot.domain.account import MarginMode, PositionState
from bot.domain.instrument import Instrument
from bot.domain.messages import Fill
from bot.domain.orders import OrderKind, OrderState, OrderStatus
from bot.domain.units import ZERO
from bot.simulator.binance.account_rows import AccountReading, LegReading
from bot.simulator.binance.numbers import money_text, ms
from bot.simulator.binance.records import OrderRecord, RecordBook
from bot.simulator.binance.world import World
from bot.simulator.okx.words import (
    ALGO_STATE,
    LEG_WORD,
    LIFE_WORD,
    MODE_WORD,
    SIDE_WORD,
    STATE,
    TRIGGER_WORD,
    Row,
    contracts_of,
    plain,
)
from bot.simulator.terms import ADL_PREFIX, LIQUIDATION_PREFIX

BORN = "triggered by "


def parent_of(state: OrderState) -> str:
    """Return the number of the conditional order that bore this one; "" for none."""
    if state.kind.is_conditional or not state.reason.startswith(BORN):
        return ""
    return state.reason.removeprefix(BORN)


def category_of(client_order_id: str) -> str:
    """Return why an order exists: the venue's own ones close by force."""
    if client_order_id.startswith(ADL_PREFIX):
        return "adl"
    return "partial_liquidation" if client_order_id.startswith(LIQUIDATION_PREFIX) else "normal"


def order_row(world: World, account_id: str, record: OrderRecord, fill: Fill | None = None) -> Row:
    """Return a plain order, with the execution that is told along with it on the stream."""
    state = record.state
    item, parent = world.by_symbol[state.symbol], parent_of(state)
    life = "market" if state.kind is OrderKind.MARKET else LIFE_WORD[record.time_in_force]
    partly = state.status is OrderStatus.WORKING and state.filled_qty > ZERO
    word = STATE.get(state.status, "partially_filled" if partly else "live")
    row: Row = {
        "instType": "SWAP",
        "instId": item.venue_id,
        "ordId": state.venue_order_id,
        "clOrdId": "" if parent else state.client_order_id,
        "algoId": parent,
        "algoClOrdId": state.client_order_id if parent else "",
        "px": plain(state.price),
        "sz": contracts_of(state.qty, item),
        "ordType": life,
        "side": SIDE_WORD[state.side],
        "posSide": LEG_WORD[state.position_side],
        "tdMode": mode_word(world, account_id, state.symbol),
        "accFillSz": contracts_of(state.filled_qty, item),
        "avgPx": plain(state.average_price),
        "state": word,
        "reduceOnly": "true" if state.reduce_only else "false",
        "category": category_of(state.client_order_id),
        "cancelSourceReason": state.reason if state.status is OrderStatus.EXPIRED else "",
        "uTime": str(ms(state.event_ns)),
        "cTime": str(ms(record.created_ns)),
        "fillPx": "",
        "fillSz": "0",
        "tradeId": "",
        "fillTime": "",
    }
    return row | (_execution(fill, item) if fill is not None else {})


def _execution(fill: Fill, item: Instrument) -> Row:
    return {
        "fillPx": plain(fill.price),
        "fillSz": contracts_of(fill.qty, item),
        "tradeId": fill.trade_id,
        "fillTime": str(ms(fill.event_ns)),
        "fillFee": money_text(-fill.fee_usd),
        "fillFeeCcy": "USDT",
        "fillPnl": money_text(fill.realized_pnl_usd),
        "execType": "M" if fill.is_maker else "T",
    }


def fill_row(world: World, records: RecordBook, fill: Fill) -> Row:
    """Return an execution as /trade/fills shows it."""
    item = world.by_symbol[fill.symbol]
    record = records.by_id(fill.venue_order_id, conditional=False)
    parent = parent_of(record.state) if record is not None else ""
    forced = {"normal": "1", "partial_liquidation": "100", "adl": "125"}
    return {
        "instType": "SWAP",
        "instId": item.venue_id,
        "tradeId": fill.trade_id,
        "ordId": fill.venue_order_id,
        "clOrdId": "" if parent else fill.client_order_id,
        "billId": fill.trade_id,
        "subType": forced[category_of(fill.client_order_id)],
        "fillPx": plain(fill.price),
        "fillSz": contracts_of(fill.qty, item),
        "side": SIDE_WORD[fill.side],
        "posSide": LEG_WORD[fill.position_side],
        "execType": "M" if fill.is_maker else "T",
        "feeCcy": "USDT",
        "fee": money_text(-fill.fee_usd),
        "fillPnl": money_text(fill.realized_pnl_usd),
        "ts": str(ms(fill.event_ns)),
        "fillTime": str(ms(fill.event_ns)),
    }


def algo_row(world: World, account_id: str, record: OrderRecord, child_id: str) -> Row:
    """Return a conditional order; `child_id` is the order it bore, "" for none."""
    state = record.state
    item = world.by_symbol[state.symbol]
    stop = state.kind is OrderKind.STOP_MARKET
    names = ("sl", "tp") if stop else ("tp", "sl")
    word = TRIGGER_WORD[state.trigger_by] if state.trigger_by is not None else "last"
    closing = state.close_position
    return {
        "instType": "SWAP",
        "instId": item.venue_id,
        "algoId": state.venue_order_id,
        "algoClOrdId": state.client_order_id,
        "clOrdId": "",
        "ordType": "conditional",
        "side": SIDE_WORD[state.side],
        "posSide": LEG_WORD[state.position_side],
        "tdMode": mode_word(world, account_id, state.symbol),
        "sz": "" if closing else contracts_of(state.qty, item),
        "closeFraction": "1" if closing else "",
        "reduceOnly": "true" if state.reduce_only or closing else "false",
        f"{names[0]}TriggerPx": plain(state.trigger_price),
        f"{names[0]}TriggerPxType": word,
        f"{names[0]}OrdPx": "-1",
        f"{names[1]}TriggerPx": "",
        f"{names[1]}TriggerPxType": "",
        f"{names[1]}OrdPx": "",
        "state": ALGO_STATE.get(state.status, "canceled"),
        "failCode": "51008" if state.status is OrderStatus.REJECTED else "",
        "ordId": child_id,
        "ordIdList": [child_id] if child_id else [],
        "actualSz": contracts_of(state.filled_qty, item) if child_id else "",
        "actualPx": plain(state.average_price),
        "triggerTime": str(ms(record.triggered_ns)) if record.triggered_ns else "",
        "uTime": str(ms(state.event_ns)),
        "cTime": str(ms(record.created_ns)),
    }


def mode_word(world: World, account_id: str, symbol: str) -> str:
    """Return how a contract is margined."""
    return MODE_WORD[world.exchange.account(account_id).margin_modes[symbol]]


def leg_row(world: World, leg: PositionState, reading: LegReading, account_id: str) -> Row:
    """Return a leg of /account/positions."""
    item = world.by_symbol[leg.symbol]
    sign = leg.side.sign if not leg.hedged else 1
    liq = world.exchange.liquidation_price(account_id, leg.symbol, leg.side)
    isolated = leg.margin_mode is MarginMode.ISOLATED
    return {
        "instType": "SWAP",
        "instId": item.venue_id,
        "mgnMode": "isolated" if isolated else "cross",
        "posId": f"{leg.symbol}{leg.side}",
        "posSide": LEG_WORD[leg.side if leg.hedged else None],
        "pos": contracts_of(sign * leg.qty, item),
        "avgPx": plain(leg.entry_price),
        "lever": str(leg.leverage),
        "liqPx": plain(liq),
        "markPx": plain(reading.mark),
        "margin": money_text(reading.isolated_wallet_usd) if isolated else "",
        "imr": "" if isolated else money_text(reading.initial_usd),
        "mmr": money_text(reading.maintenance_usd),
        "upl": money_text(reading.unrealised_usd),
        "notionalUsd": money_text(reading.notional_usd),
        "adl": str((leg.adl_rank or 0) + 1),
        "ccy": "USDT",
        "uTime": str(ms(leg.event_ns)),
        "cTime": str(ms(leg.event_ns)),
    }


def moved_leg(world: World, leg: PositionState) -> Row:
    """Return a leg as the stream tells that it changed."""
    item = world.by_symbol[leg.symbol]
    sign = leg.side.sign if not leg.hedged else 1
    return {
        "posId": f"{leg.symbol}{leg.side}",
        "instId": item.venue_id,
        "instType": "SWAP",
        "mgnMode": MODE_WORD[leg.margin_mode or MarginMode.CROSS],
        "posSide": LEG_WORD[leg.side if leg.hedged else None],
        "pos": contracts_of(sign * leg.qty, item),
        "avgPx": plain(leg.entry_price) if leg.qty else "",
        "ccy": "USDT",
        "uTime": str(ms(leg.event_ns)),
    }


def balance_row(reading: AccountReading, now_ms: int) -> Row:
    """Return /account/balance."""
    equity = reading.wallet_usd + reading.unrealised_usd
    detail: Row = {
        "ccy": "USDT",
        "cashBal": money_text(reading.wallet_usd),
        "eq": money_text(equity),
        "availEq": money_text(reading.available_usd),
        "availBal": money_text(reading.available_usd),
        "upl": money_text(reading.unrealised_usd),
        "frozenBal": money_text(reading.initial_usd),
        "uTime": str(now_ms),
    }
    total = money_text(equity)
    return {"uTime": str(now_ms), "totalEq": total, "details": [detail]}
