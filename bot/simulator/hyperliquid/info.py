"""POST /info: every question of the protocol, by its type. None needs a key."""

from collections.abc import Callable
from typing import Final

from bot.domain.account import MarginMode
from bot.domain.messages import Fill
from bot.domain.orders import OrderState
from bot.simulator.hyperliquid import market_rows, rows
from bot.simulator.hyperliquid.desk import HASH, Desk, ms
from bot.simulator.hyperliquid.market_rows import since_ns, until_ns
from bot.simulator.hyperliquid.refusals import Unreadable
from bot.simulator.hyperliquid.rows import Row

FILLS_MAX: Final = 2_000
FUNDINGS_MAX: Final = 500
LIGHT: Final = frozenset(
    {
        "l2Book", "allMids", "clearinghouseState", "orderStatus", "spotClearinghouseState",
        "exchangeStatus",
    }
)  # fmt: skip
Serve = Callable[[Desk, Row], object]


def weight_of(kind: str) -> int:
    """Return what a question weighs against the limit of an address."""
    if kind in LIGHT:
        return 2
    return 60 if kind == "userRole" else 20


def answer(desk: Desk, asked: Row) -> object:
    """Answer a question.

    Raises:
        Unreadable: the venue does not know it, or a part of it is missing.
    """
    serve = QUESTIONS.get(str(asked.get("type")))
    if serve is None:
        raise Unreadable(f"no question {str(asked.get('type'))[:40]!r}")
    return serve(desk, asked)


# ---------------------------------------------------------------------- account


def _clearinghouse(desk: Desk, asked: Row) -> object:
    account_id = desk.account_of(asked.get("user"))
    if account_id is None:
        return rows.empty_account(desk.now_ms())
    return rows.clearinghouse(desk, account_id)


def _role(desk: Desk, asked: Row) -> object:
    """Whose address this is: an account, an agent that acts for one, or nobody's."""
    account_id = desk.account_of(asked.get("user"))
    if account_id is not None:
        return {"role": "user"}
    owner = desk.agent_account(str(asked["user"]))
    return {"role": "agent", "data": {"user": owner}} if owner else {"role": "missing"}


def _agents(desk: Desk, asked: Row) -> object:
    account_id = desk.account_of(asked.get("user"))
    names = desk.agents(account_id) if account_id is not None else []
    until = desk.now_ms() + 90 * 86_400_000
    return [{"name": "bot", "address": each, "validUntil": until} for each in names]


def _rate_limit(desk: Desk, asked: Row) -> object:
    account_id = desk.account_of(asked.get("user"))
    if account_id is None:
        return {"cumVlm": "0.0", "nRequestsUsed": 0, "nRequestsCap": 10_000}
    return {
        "cumVlm": rows.usd(desk.traded_usd(account_id)),
        "nRequestsUsed": desk.acted.get(account_id, 0),
        "nRequestsCap": desk.allowance(account_id),
    }


def _fees(desk: Desk, asked: Row) -> object:
    desk.account_of(asked.get("user"))
    contract = desk.contracts[0]
    taker, maker = f"{contract.taker_fee_frac:.6f}", f"{contract.maker_fee_frac:.6f}"
    return {
        "dailyUserVlm": [],
        "feeSchedule": {"cross": taker, "add": maker, "tiers": {"vip": [], "mm": []}},
        "userCrossRate": taker,
        "userAddRate": maker,
        "activeReferralDiscount": "0.0",
    }


def _asset_data(desk: Desk, asked: Row) -> object:
    account_id = desk.account_of(asked.get("user"))
    contract = desk.contract(asked.get("coin"))
    leverage: Row = {"type": "cross", "value": 20}
    if account_id is not None:
        state = desk.world.exchange.account(account_id)
        isolated = state.margin_modes[contract.symbol] is MarginMode.ISOLATED
        leverage = {
            "type": "isolated" if isolated else "cross",
            "value": state.leverages[contract.symbol],
        }
        if isolated:
            leverage["rawUsd"] = "0.0"
    return {
        "user": asked.get("user"),
        "coin": contract.venue_id,
        "leverage": leverage,
        "maxTradeSzs": ["0.0", "0.0"],
        "availableToTrade": ["0.0", "0.0"],
        "markPx": market_rows.state_row(desk, contract)["markPx"],
    }


# ---------------------------------------------------------------------- orders


def _open(desk: Desk, asked: Row) -> list[Row]:
    account_id = desk.account_of(asked.get("user"))
    if account_id is None:
        return []
    exchange = desk.world.exchange
    states: list[OrderState] = []
    for conditional in (False, True):
        states += exchange.open_orders(account_id, None, conditional=conditional)
    return [
        rows.order_row(desk, account_id, state) for state in states if not desk.parent_of(state)
    ]


def _order_status(desk: Desk, asked: Row) -> object:
    account_id, name = desk.account_of(asked.get("user")), asked.get("oid")
    if isinstance(name, bool) or not isinstance(name, int | str):
        raise Unreadable("oid: a number, or 0x and 32 hex digits")
    if isinstance(name, str) and not (name.startswith("0x") and len(name) == 34):
        raise Unreadable("oid: a number, or 0x and 32 hex digits")
    state = desk.find(account_id, name) if account_id is not None else None
    if state is None or account_id is None:
        return {"status": "unknownOid"}
    return {"status": "order", "order": _with_status(desk, account_id, state)}


def _with_status(desk: Desk, account_id: str, state: OrderState) -> Row:
    return {
        "order": rows.order_row(desk, account_id, state),
        "status": rows.status_word(state),
        "statusTimestamp": ms(state.event_ns),
    }


def _history(desk: Desk, asked: Row) -> object:
    account_id = desk.account_of(asked.get("user"))
    if account_id is None:
        return []
    exchange = desk.world.exchange
    found = [
        state
        for contract in desk.contracts
        for conditional in (False, True)
        for state in exchange.all_orders(account_id, contract.symbol, conditional=conditional)
        if not desk.parent_of(state)
    ]
    found.sort(key=lambda state: state.event_ns, reverse=True)
    return [_with_status(desk, account_id, state) for state in found[:FILLS_MAX]]


# ---------------------------------------------------------------------- executions, ledger


def _fills(desk: Desk, asked: Row) -> list[Row]:
    """The newest first, or by time the oldest first."""
    account_id = desk.account_of(asked.get("user"))
    if account_id is None:
        return []
    since, until = since_ns(asked), until_ns(asked)
    found: list[Fill] = []
    for contract in desk.contracts:
        trades = desk.world.exchange.trades(account_id, contract.symbol, since)
        found += [trade for trade in trades if trade.event_ns < until]
    told = rows.fill_rows(desk, account_id, found)
    return told[:FILLS_MAX] if "startTime" in asked else told[::-1][:FILLS_MAX]


def _fundings(desk: Desk, asked: Row) -> object:
    account_id = desk.account_of(asked.get("user"))
    if account_id is None:
        return []
    until = until_ns(asked)
    paid = desk.world.exchange.income(account_id, since_ns(asked))
    return [
        {"time": ms(row.event_ns), "hash": HASH, "delta": rows.funding_row(desk, account_id, row)}
        for row in paid
        if row.kind == "FUNDING_FEE" and row.event_ns < until
    ][:FUNDINGS_MAX]


def _transfers(desk: Desk, asked: Row) -> object:
    account_id = desk.account_of(asked.get("user"))
    if account_id is None:
        return []
    moved = desk.world.exchange.income(account_id, since_ns(asked))
    return [
        {
            "time": ms(row.event_ns),
            "hash": "0x" + row.income_id.rjust(64, "0"),
            "delta": {
                "type": "deposit" if row.amount > 0 else "withdraw",
                "usdc": rows.usd(abs(row.amount)),
            },
        }
        for row in moved
        if row.kind == "TRANSFER"
    ]


QUESTIONS: Final[dict[str, Serve]] = {
    "meta": lambda desk, _: market_rows.meta(desk),
    "metaAndAssetCtxs": lambda desk, _: [
        market_rows.meta(desk),
        [market_rows.state_row(desk, contract) for contract in desk.contracts],
    ],
    "allMids": lambda desk, _: market_rows.all_mids(desk),
    "l2Book": lambda desk, asked: market_rows.book(desk, desk.contract(asked.get("coin"))),
    "candleSnapshot": lambda desk, asked: market_rows.candles(desk, _inner(asked)),
    "fundingHistory": market_rows.past_funding,
    "recentTrades": lambda desk, asked: market_rows.recent_trades(
        desk, desk.contract(asked.get("coin"))
    ),
    "exchangeStatus": lambda desk, _: {"time": desk.now_ms(), "specialStatuses": None},
    "spotMeta": lambda _desk, _: {"tokens": [], "universe": []},
    "perpDexs": lambda _desk, _: [None],
    "clearinghouseState": _clearinghouse,
    "spotClearinghouseState": lambda _desk, _: {"balances": []},
    "userAbstraction": lambda _desk, _: "disabled",
    "userRole": _role,
    "extraAgents": _agents,
    "userRateLimit": _rate_limit,
    "userFees": _fees,
    "activeAssetData": _asset_data,
    "openOrders": lambda desk, asked: [rows.short_row(row) for row in _open(desk, asked)],
    "frontendOpenOrders": _open,
    "orderStatus": _order_status,
    "historicalOrders": _history,
    "userFills": _fills,
    "userFillsByTime": _fills,
    "userFunding": _fundings,
    "userNonFundingLedgerUpdates": _transfers,
}


def _inner(asked: Row) -> Row:
    req = asked.get("req")
    if not isinstance(req, dict):
        raise Unreadable("req: an object is needed")
    return req
