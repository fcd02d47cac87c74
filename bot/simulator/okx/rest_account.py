"""Signed requests about the account: settings, balance, legs, fees, executions, the ledger."""

from collections.abc import Iterable
from typing import Final, TypeVar

from bot.domain.account import IncomeRow, MarginMode
from bot.domain.messages import Fill
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_MS
from bot.simulator.binance.calls import Access, Call, Route
from bot.simulator.binance.numbers import money_text, ms
from bot.simulator.exchange import ExchangeRefused
from bot.simulator.okx.rest_market import named
from bot.simulator.okx.shown import balance_row, fill_row, leg_row
from bot.simulator.okx.words import LEGS, MODE_WORD, MODES, Row, denied

PAGE_MAX: Final = 100
T = TypeVar("T", Fill, IncomeRow)
BILLS: Final = {
    "FUNDING_FEE": ("8", "173"),
    "TRANSFER": ("1", "11"),
    "COMMISSION": ("2", "1"),
    "REALIZED_PNL": ("2", "1"),
    "INSURANCE_CLEAR": ("5", "100"),
}


def _config(call: Call) -> object:
    hedged = call.world.exchange.is_hedged(call.account_id)
    return [
        {
            "uid": "1",
            "acctLv": "2",
            "posMode": "long_short_mode" if hedged else "net_mode",
            "autoLoan": False,
            "perm": "read_only,trade",
            "ip": "127.0.0.1",
        }
    ]


def _balance(call: Call) -> object:
    return [balance_row(call.world.reading(call.account_id), call.world.now_ms())]


def _positions(call: Call) -> object:
    reading = call.world.reading(call.account_id)
    wanted = call.params.get("instId", "")
    return [
        leg_row(call.world, item.leg, item, call.account_id)
        for item in reading.legs
        if wanted in ("", item.venue_id)
    ]


def _leverage(call: Call) -> object:
    item, account = named(call), call.world.exchange.account(call.account_id)
    mode = call.text("mgnMode")
    if mode not in MODES:
        raise denied(51000, "Parameter mgnMode error")
    return [
        {
            "instId": item.venue_id,
            "mgnMode": mode,
            "posSide": "net",
            "lever": str(account.leverages[item.symbol]),
        }
    ]


def _set_leverage(call: Call) -> object:
    item, mode = named(call), MODES.get(call.text("mgnMode"))
    lever = call.number("lever")
    if mode is None or lever is None:
        raise denied(51000, "Parameter mgnMode error")
    call.world.exchange.set_leverage(call.account_id, item.symbol, lever)
    return [{"instId": item.venue_id, "mgnMode": MODE_WORD[mode], "lever": str(lever)}]


def settle_mode(call: Call, symbol: str, word: str) -> None:
    """Take the margin mode that an order comes with; a position holds on to its own."""
    mode = MODES.get(word)
    if mode is None:
        raise denied(51000, "Parameter tdMode error")
    exchange = call.world.exchange
    if exchange.account(call.account_id).margin_modes[symbol] is mode:
        return
    try:
        exchange.set_margin_mode(call.account_id, symbol, mode)
    except ExchangeRefused as refused:
        if refused.code in (-4047, -4048):
            raise denied(
                51010, "Operation is not supported under the current margin mode"
            ) from None
        raise


def _margin(call: Call) -> object:
    item, amount = named(call), call.need_decimal("amt")
    if call.text("type") not in ("add", "reduce"):
        raise denied(51000, "Parameter type error")
    sign = 1 if call.text("type") == "add" else -1
    named_leg = LEGS.get(call.params.get("posSide", "net"))
    held = [leg for leg in call.world.exchange.legs(call.account_id) if leg.symbol == item.symbol]
    side = named_leg or (held[0].side if held else PositionSide.LONG)
    call.world.exchange.add_margin(call.account_id, item.symbol, side, sign * amount)
    call.world.settle()
    return [{"instId": item.venue_id, "amt": str(amount), "type": call.text("type")}]


def _fees(call: Call) -> object:
    item = next(iter(call.world.by_symbol.values()))
    taker, maker = f"{-item.taker_fee_frac}", f"{-item.maker_fee_frac}"
    return [{"instType": "SWAP", "takerU": taker, "makerU": maker, "taker": "", "maker": ""}]


def _begin_ns(call: Call) -> int:
    return (call.number("begin", 0) or 0) * NS_PER_MS


def _fills(call: Call) -> object:
    """Return executions, newest first; `after` pages to older ones."""
    records = call.world.records(call.account_id)
    items = [named(call)] if call.has("instId") else call.world.by_symbol.values()
    found: list[Fill] = []
    for item in items:
        found += call.world.exchange.trades(call.account_id, item.symbol, _begin_ns(call))
    if call.has("ordId"):
        found = [fill for fill in found if fill.venue_order_id == call.params["ordId"]]
    found.sort(key=lambda fill: int(fill.trade_id), reverse=True)
    older = _older(call, ((int(fill.trade_id), fill) for fill in found))
    return [fill_row(call.world, records, fill) for fill in older]


def _bills(call: Call) -> object:
    rows = call.world.exchange.income(call.account_id, _begin_ns(call))
    rows = sorted(rows, key=lambda row: int(row.income_id), reverse=True)
    kept = _older(call, ((int(row.income_id), row) for row in rows))
    return [_bill(call, row) for row in kept]


def _older(call: Call, rows: Iterable[tuple[int, T]]) -> list[T]:
    after = call.number("after")
    limit = call.limit(PAGE_MAX, PAGE_MAX)
    return [item for number, item in rows if after is None or number < after][:limit]


def _bill(call: Call, row: IncomeRow) -> Row:
    kind, sub = BILLS.get(row.kind, ("2", "1"))
    return {
        "billId": row.income_id,
        "ccy": "USDT",
        "balChg": money_text(row.amount),
        "pnl": money_text(row.amount) if row.kind != "COMMISSION" else "0",
        "fee": money_text(row.amount) if row.kind == "COMMISSION" else "0",
        "type": kind,
        "subType": sub,
        "instId": call.world.venue_id(row.symbol) if row.symbol else "",
        "mgnMode": MODE_WORD[MarginMode.CROSS],
        "tradeId": row.info if row.kind in ("COMMISSION", "REALIZED_PNL") else "",
        "ts": str(ms(row.event_ns)),
    }


ROUTES: Final = (
    *(
        Route(method="GET", path=f"/api/v5/{path}", serve=serve, access=Access.READ)
        for path, serve in (
            ("account/config", _config),
            ("account/balance", _balance),
            ("account/positions", _positions),
            ("account/leverage-info", _leverage),
            ("account/trade-fee", _fees),
            ("account/bills", _bills),
            ("trade/fills", _fills),
        )
    ),
    Route(method="POST", path="/api/v5/account/set-leverage", serve=_set_leverage,
          access=Access.TRADE),
    Route(method="POST", path="/api/v5/account/position/margin-balance", serve=_margin,
          access=Access.TRADE),
)  # fmt: skip
