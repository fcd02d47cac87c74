"""Signed requests about the account: balances, legs, executions, ledger, rights of the key."""

from typing import Final

from bot.domain.account import MarginMode
from bot.domain.messages import Fill
from bot.domain.units import NS_PER_MS
from bot.simulator.binance.account_rows import (
    account_row,
    adl_rank,
    balance_rows,
    position_row,
)
from bot.simulator.binance.calls import Access, Call, Handler, Route, Weigh, with_symbol
from bot.simulator.binance.frames import Row, side_word
from bot.simulator.binance.listing import bracket_row, rate_limits
from bot.simulator.binance.numbers import exact_text, money_text, ms

MARGIN_WORD: Final = {MarginMode.CROSS: "CROSSED", MarginMode.ISOLATED: "ISOLATED"}
LEVERAGE_UNSET: Final = 20


def _account(call: Call) -> object:
    return account_row(call.world.reading(call.account_id))


def _balance(call: Call) -> object:
    return balance_rows(call.world.reading(call.account_id))


def _positions(call: Call) -> object:
    wanted = call.optional_instrument()
    legs = call.world.reading(call.account_id).legs
    return [position_row(leg) for leg in legs if wanted is None or leg.leg.symbol == wanted.symbol]


def _brackets(call: Call) -> object:
    one = call.optional_instrument()
    if one is not None:
        return [bracket_row(one)]
    return [bracket_row(i) for i in call.world.by_symbol.values()]


def _symbol_config(call: Call) -> object:
    account = call.world.exchange.account(call.account_id)
    one = call.optional_instrument()
    rows: list[Row] = []
    for instrument in [one] if one is not None else call.world.by_symbol.values():
        leverage = account.leverages.get(instrument.symbol, LEVERAGE_UNSET)
        mode = account.margin_modes.get(instrument.symbol, MarginMode.CROSS)
        caps = [t.cap_usd for t in instrument.tiers if t.leverage_max >= leverage]
        rows.append(
            {
                "symbol": instrument.venue_id,
                "marginType": MARGIN_WORD[mode],
                "isAutoAddMargin": False,
                "leverage": leverage,
                "maxNotionalValue": f"{max(caps, default=0.0):.0f}",
            }
        )
    return rows


def _account_config(call: Call) -> object:
    key = call.key
    return {
        "feeTier": 0,
        "canTrade": key is not None and key.can_trade,
        "canDeposit": True,
        "canWithdraw": key is not None and key.can_withdraw,
        "dualSidePosition": call.world.exchange.account(call.account_id).hedge_mode,
        "multiAssetsMargin": False,
        "updateTime": 0,
    }


def _income(call: Call) -> object:
    since_ms = call.number("startTime", call.world.now_ms() - 7 * 86_400_000) or 0
    end_ms = call.number("endTime", call.world.now_ms()) or 0
    wanted = call.optional_instrument()
    kind = call.params.get("incomeType", "")
    rows = [
        {
            "symbol": call.world.venue_id(row.symbol) if row.symbol else "",
            "incomeType": row.kind,
            "income": money_text(row.amount),
            "asset": row.asset,
            "info": row.info or row.kind,
            "time": ms(row.event_ns),
            "tranId": int(row.income_id),
            "tradeId": row.info if row.info.isdigit() else "",
        }
        for row in call.world.exchange.income(call.account_id, since_ms * NS_PER_MS)
        if ms(row.event_ns) <= end_ms
        and (wanted is None or row.symbol == wanted.symbol)
        and (not kind or row.kind == kind)
    ]
    return rows[: call.limit(100, 1_000)]


def _commission(call: Call) -> object:
    instrument = call.instrument()
    return {
        "symbol": instrument.venue_id,
        "makerCommissionRate": f"{instrument.maker_fee_frac:.6f}",
        "takerCommissionRate": f"{instrument.taker_fee_frac:.6f}",
    }


def _trade_row(fill: Fill, venue_id: str) -> Row:
    return {
        "buyer": fill.side.sign > 0,
        "commission": money_text(fill.fee_usd),
        "commissionAsset": "USDT",
        "id": int(fill.trade_id),
        "maker": fill.is_maker,
        "orderId": int(fill.venue_order_id),
        "price": exact_text(fill.price),
        "qty": exact_text(fill.qty),
        "quoteQty": money_text(fill.price * fill.qty),
        "realizedPnl": money_text(fill.realized_pnl_usd),
        "side": fill.side.value,
        "positionSide": side_word(fill.position_side),
        "symbol": venue_id,
        "time": ms(fill.event_ns),
    }


def _trades(call: Call) -> object:
    instrument = call.instrument()
    since_ms = call.number("startTime", 0) or 0
    end_ms = call.number("endTime", call.world.now_ms()) or 0
    order_id, from_id = call.params.get("orderId"), call.number("fromId", 0) or 0
    found = [
        fill
        for fill in call.world.exchange.trades(
            call.account_id, instrument.symbol, since_ms * NS_PER_MS
        )
        if ms(fill.event_ns) <= end_ms
        and int(fill.trade_id) >= from_id
        and (not order_id or fill.venue_order_id == order_id)
    ]
    limit = call.limit(500, 1_000)
    kept = found[:limit] if since_ms or from_id else found[-limit:]
    return [_trade_row(fill, instrument.venue_id) for fill in kept]


def _forced(call: Call) -> object:
    one = call.optional_instrument()
    rows: list[Row] = []
    for instrument in [one] if one is not None else call.world.by_symbol.values():
        for fill in call.world.exchange.trades(call.account_id, instrument.symbol, 0):
            if not fill.is_liquidation and not fill.is_adl:
                continue
            row: Row = {
                "orderId": int(fill.venue_order_id),
                "symbol": instrument.venue_id,
                "status": "FILLED",
                "clientOrderId": fill.client_order_id,
                "price": exact_text(fill.price),
                "avgPrice": exact_text(fill.price),
                "origQty": exact_text(fill.qty),
                "executedQty": exact_text(fill.qty),
                "cumQuote": money_text(fill.price * fill.qty),
                "timeInForce": "IOC",
                "type": "LIMIT",
                "reduceOnly": False,
                "closePosition": False,
                "side": fill.side.value,
                "positionSide": side_word(fill.position_side),
                "stopPrice": "0",
                "workingType": "CONTRACT_PRICE",
                "origType": "LIMIT",
                "time": ms(fill.event_ns),
                "updateTime": ms(fill.event_ns),
            }
            rows.append(row)
    return rows[-call.limit(50, 100) :]


def _adl(call: Call) -> object:
    ranks: dict[str, dict[str, int]] = {}
    for leg in call.world.reading(call.account_id).legs:
        side = leg.leg.side.value if leg.leg.hedged else "BOTH"
        ranks.setdefault(leg.venue_id, {})[side] = adl_rank(leg)
    return [{"symbol": symbol, "adlQuantile": rank} for symbol, rank in ranks.items()]


def _order_limits(call: Call) -> object:
    return rate_limits(call.world.quota)[1:]


def _key_rights(call: Call) -> object:
    key = call.key
    return {
        "ipRestrict": key is not None and key.ip_restricted,
        "createTime": 1_700_000_000_000,
        "enableReading": True,
        "enableFutures": key is not None and key.can_trade,
        "enableWithdrawals": key is not None and key.can_withdraw,
        "enableInternalTransfer": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableMargin": False,
        "enableSpotAndMarginTrading": False,
        "enablePortfolioMarginTrading": False,
    }


def _get(path: str, serve: Handler, weight: int | Weigh = 5) -> Route:
    return Route(method="GET", path=path, serve=serve, access=Access.READ, weight=weight)


ROUTES: Final = (
    _get("/fapi/v3/account", _account),
    _get("/fapi/v2/account", _account),
    _get("/fapi/v3/balance", _balance),
    _get("/fapi/v2/balance", _balance),
    _get("/fapi/v3/positionRisk", _positions),
    _get("/fapi/v1/leverageBracket", _brackets, 1),
    _get("/fapi/v1/symbolConfig", _symbol_config),
    _get("/fapi/v1/accountConfig", _account_config),
    _get("/fapi/v1/income", _income, 30),
    _get("/fapi/v1/commissionRate", _commission, 20),
    _get("/fapi/v1/userTrades", _trades),
    _get("/fapi/v1/forceOrders", _forced, with_symbol(20, 50)),
    _get("/fapi/v1/adlQuantile", _adl),
    _get("/fapi/v1/rateLimit/order", _order_limits, 1),
    _get("/sapi/v1/account/apiRestrictions", _key_rights, 1),
)
