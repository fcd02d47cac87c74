"""Signed questions about the account: wallet, legs, executions, ledger, fees, rights of the key."""

from collections.abc import Iterator
from typing import Final

from bot.domain.account import IncomeRow, MarginMode, PositionState
from bot.domain.messages import Fill
from bot.domain.units import NS_PER_MS, ZERO
from bot.simulator.binance.account_rows import read_leg
from bot.simulator.binance.calls import Access, Call, Handler, Route
from bot.simulator.binance.numbers import money_text, ms
from bot.simulator.bybit.rest_orders import PAGE_MAX, linear
from bot.simulator.bybit.shown import execution_row, flat_legs, leg_row, wallet_row
from bot.simulator.bybit.words import BAD_REQUEST, SIDE_WORD, Row, denied, order_id, plain

EXECUTIONS_MAX: Final = 100
DAY_MS: Final = 86_400_000
SPAN_MS: Final = 7 * DAY_MS
LEVERAGE_UNSET: Final = 10
SETTLE: Final = "USDT"


def _wallet(call: Call) -> object:
    if call.params.get("accountType") != "UNIFIED":
        raise denied(10001, "accountType only support UNIFIED.")
    return {"list": [wallet_row(call.world.reading(call.account_id))]}


def _info(call: Call) -> object:
    return {
        "marginMode": margin_word(call),
        "updatedTime": str(call.world.now_ms()),
        "unifiedMarginStatus": 5,
        "dcpStatus": "OFF",
        "timeWindow": 10,
        "smpGroup": 0,
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
    }


def margin_word(call: Call) -> str:
    """Return the margin mode of the whole account."""
    modes = call.world.exchange.account(call.account_id).margin_modes.values()
    walled = all(mode is MarginMode.ISOLATED for mode in modes)
    return "ISOLATED_MARGIN" if walled else "REGULAR_MARGIN"


def _positions(call: Call) -> object:
    other = call.params.get("category") in ("inverse", "option")
    if other or call.params.get("settleCoin", SETTLE) != SETTLE:
        category = call.params.get("category", "linear")
        return {"category": category, "nextPageCursor": "", "list": []}
    linear(call)
    if not (call.has("symbol") or call.has("settleCoin")):
        raise denied(BAD_REQUEST, "params error: symbol or settleCoin is required")
    one = call.optional_instrument()
    account = call.world.exchange.account(call.account_id)
    held = {(leg.symbol, leg.side): leg for leg in account.positions}
    shown: list[PositionState] = []
    if one is None:
        shown = list(account.positions)
    else:
        mine = [leg for leg in account.positions if leg.symbol == one.symbol]
        flat = flat_legs(one.symbol, account.event_ns, hedged=account.hedge_mode)
        if account.hedge_mode:
            shown = [held.get((leg.symbol, leg.side), leg) for leg in flat]
        else:
            shown = mine or flat
    rows = []
    for leg in shown:
        leverage = account.leverages.get(leg.symbol, LEVERAGE_UNSET)
        reading = read_leg(leg, call.world.contract(leg.symbol), leverage)
        rows.append(leg_row(call.world, call.account_id, leg, reading, leverage, streamed=False))
    return {"category": "linear", "nextPageCursor": "", "list": rows}


def _executions(call: Call) -> object:
    linear(call)
    one = call.optional_instrument()
    start_ms, end_ms = _span(call)
    records = call.world.records(call.account_id)
    rows: list[tuple[int, Row]] = []
    for symbol, instrument in call.world.by_symbol.items():
        if one is not None and symbol != one.symbol:
            continue
        fills = call.world.exchange.trades(call.account_id, symbol, start_ms * NS_PER_MS)
        name = instrument.venue_id
        rows += [(fill.event_ns, execution_row(fill, records, name)) for fill in fills]
    rows += [
        (paid.event_ns, funding_row(paid, call.world.venue_id(paid.symbol)))
        for paid in call.world.exchange.income(call.account_id, start_ms * NS_PER_MS)
        if paid.kind == "FUNDING_FEE" and (one is None or paid.symbol == one.symbol)
    ]
    rows = [row for row in rows if ms(row[0]) <= end_ms]
    rows.sort(key=lambda row: row[0], reverse=True)
    start = int(call.params.get("cursor") or 0)
    limit = call.limit(50, EXECUTIONS_MAX)
    more = start + limit < len(rows)
    return {
        "category": "linear",
        "nextPageCursor": str(start + limit) if more else "",
        "list": [row for _, row in rows[start : start + limit]],
    }


def funding_row(paid: IncomeRow, venue_id: str) -> Row:
    """Return a funding payment as the executions show it: a positive fee was paid."""
    return {
        "category": "linear",
        "symbol": venue_id,
        "orderId": order_id(paid.income_id),
        "orderLinkId": "",
        "side": "Sell",
        "orderPrice": "0",
        "orderQty": "0",
        "leavesQty": "0",
        "createType": "",
        "orderType": "UNKNOWN",
        "stopOrderType": "UNKNOWN",
        "execFee": money_text(-paid.amount),
        "execId": order_id(paid.income_id),
        "execPrice": "1",
        "execQty": "1",
        "execType": "Funding",
        "execValue": "0",
        "execTime": str(ms(paid.event_ns)),
        "execPnl": "0",
        "isMaker": False,
        "feeRate": "0",
        "closedSize": "",
        "seq": int(paid.income_id),
    }


def _span(call: Call) -> tuple[int, int]:
    """Return the span asked for, at most seven days, in ms."""
    now_ms = call.world.now_ms()
    start = call.number("startTime")
    end = call.number("endTime")
    if start is None:
        start = (end if end is not None else now_ms) - SPAN_MS
    if end is None:
        end = start + SPAN_MS
    if end - start > SPAN_MS:
        raise denied(BAD_REQUEST, "params error: the time range must be within 7 days")
    return start, end


def _log(call: Call) -> object:
    start_ms, end_ms = _span(call)
    rows = [row for row in _ledger(call, start_ms) if int(str(row["transactionTime"])) <= end_ms]
    rows.sort(key=lambda row: int(str(row["transactionTime"])), reverse=True)
    start = int(call.params.get("cursor") or 0)
    limit = call.limit(20, PAGE_MAX)
    more = start + limit < len(rows)
    return {
        "nextPageCursor": str(start + limit) if more else "",
        "list": rows[start : start + limit],
    }


def _ledger(call: Call, start_ms: int) -> Iterator[Row]:
    """Walk the ledger: a trade is one row with result and fee, everything else as it was booked."""
    world, since_ns = call.world, start_ms * NS_PER_MS
    for symbol, instrument in world.by_symbol.items():
        for fill in world.exchange.trades(call.account_id, symbol, since_ns):
            yield _trade_row(fill, instrument.venue_id)
    for row in world.exchange.income(call.account_id, since_ns):
        if row.kind in ("COMMISSION", "REALIZED_PNL") and row.info.isdigit():
            continue
        yield _booked_row(row, world.venue_id(row.symbol) if row.symbol else "")


def _trade_row(fill: Fill, venue_id: str) -> Row:
    kind = "ADL" if fill.is_adl else "LIQUIDATION" if fill.is_liquidation else "TRADE"
    return {
        "id": order_id(fill.trade_id),
        "symbol": venue_id,
        "category": "linear",
        "side": SIDE_WORD[fill.side],
        "transactionTime": str(ms(fill.event_ns)),
        "type": kind,
        "qty": plain(fill.qty),
        "size": "0",
        "currency": "USDT",
        "tradePrice": plain(fill.price),
        "funding": "",
        "fee": money_text(fill.fee_usd),
        "cashFlow": money_text(fill.realized_pnl_usd),
        "change": money_text(fill.realized_pnl_usd - fill.fee_usd),
        "cashBalance": "",
        "feeRate": "0",
        "bonusChange": "",
        "tradeId": order_id(fill.trade_id),
        "orderId": order_id(fill.venue_order_id),
        "orderLinkId": fill.client_order_id,
    }


def _booked_row(row: IncomeRow, venue_id: str) -> Row:
    funding = row.kind == "FUNDING_FEE"
    kinds = {"FUNDING_FEE": "SETTLEMENT", "INSURANCE_CLEAR": "LIQUIDATION"}
    moved = "TRANSFER_IN" if row.amount > ZERO else "TRANSFER_OUT"
    return {
        "id": order_id(row.income_id),
        "symbol": venue_id,
        "category": "linear" if venue_id else "",
        "side": "None",
        "transactionTime": str(ms(row.event_ns)),
        "type": kinds.get(row.kind, moved),
        "qty": "0",
        "size": "0",
        "currency": row.asset,
        "tradePrice": "",
        "funding": money_text(row.amount) if funding else "",
        "fee": "0",
        "cashFlow": "0" if funding else money_text(row.amount),
        "change": money_text(row.amount),
        "cashBalance": "",
        "feeRate": "",
        "bonusChange": "",
        "tradeId": "",
        "orderId": "",
        "orderLinkId": "",
    }


def _fees(call: Call) -> object:
    linear(call)
    one = call.optional_instrument()
    chosen = [one] if one is not None else list(call.world.by_symbol.values())
    return {
        "list": [
            {
                "symbol": item.venue_id,
                "takerFeeRate": f"{item.taker_fee_frac:.6f}",
                "makerFeeRate": f"{item.maker_fee_frac:.6f}",
            }
            for item in chosen
        ]
    }


def _key(call: Call) -> object:
    key = call.key
    can_trade = key is not None and key.can_trade
    wallet = ["AccountTransfer", "Withdraw"] if key is not None and key.can_withdraw else []
    return {
        "id": "1",
        "note": "embedded",
        "apiKey": key.key if key is not None else "",
        "readOnly": 0 if can_trade else 1,
        "secret": "",
        "permissions": {
            "ContractTrade": ["Order", "Position"],
            "Spot": [],
            "Wallet": wallet,
            "Options": [],
            "Derivatives": [],
            "Exchange": [],
        },
        "ips": ["127.0.0.1"] if key is not None and key.ip_restricted else ["*"],
        "type": 1,
        "deadlineDay": 90,
        "unified": 0,
        "uta": 1,
        "userID": 1,
        "isMaster": True,
        "parentUid": "0",
    }


def _coins(_: Call) -> object:
    return {"rows": []}


def _get(path: str, serve: Handler) -> Route:
    return Route(method="GET", path=path, serve=serve, access=Access.READ)


ROUTES: Final = (
    _get("/v5/account/wallet-balance", _wallet),
    _get("/v5/account/info", _info),
    _get("/v5/account/fee-rate", _fees),
    _get("/v5/account/transaction-log", _log),
    _get("/v5/position/list", _positions),
    _get("/v5/execution/list", _executions),
    _get("/v5/user/query-api", _key),
    _get("/v5/asset/coin/query-info", _coins),
)
