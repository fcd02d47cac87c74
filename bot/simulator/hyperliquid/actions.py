"""POST /exchange: what an account may do, each action by its type, once its signer is known."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Final

from msgspec import structs

from bot.domain.account import MarginMode
from bot.domain.instrument import Instrument
from bot.domain.orders import (
    OrderKind,
    OrderSide,
    OrderState,
    PositionSide,
    TimeInForce,
    TriggerBy,
)
from bot.domain.units import MAGNITUDE_MAX, NS_PER_MS, ZERO
from bot.simulator.exchange import ExchangeRefused
from bot.simulator.hyperliquid import refusals
from bot.simulator.hyperliquid.contracts import is_good_price
from bot.simulator.hyperliquid.desk import Desk
from bot.simulator.hyperliquid.refusals import Declined, Unreadable, text_of
from bot.simulator.hyperliquid.rows import Row, text
from bot.simulator.terms import OrderRequest

LIVES: Final = {"Gtc": TimeInForce.GTC, "Ioc": TimeInForce.IOC, "Alo": TimeInForce.GTX}
KINDS: Final = {"sl": OrderKind.STOP_MARKET, "tp": OrderKind.TAKE_PROFIT_MARKET}
GROUPS: Final = frozenset({"na", "normalTpsl", "positionTpsl"})
NEAR_FRAC: Final = Decimal("0.005")
"""An immediate order with a limit further than this from the mark runs as a market order here."""
FAR_FRAC: Final = Decimal("0.8")
SCHEDULE_AHEAD_MS: Final = 5_000
USD_UNITS: Final = 1_000_000
UNITS_MAX: Final = 10**18
Act = Callable[[Desk, str, Row], object]


def perform(desk: Desk, account_id: str, action: Row) -> object:
    """Do what an account's agent asks for; return the answer's `response`.

    Raises:
        Declined: the action as a whole is refused.
        Unreadable: it is no action the venue knows.
    """
    kind = str(action.get("type"))
    act = ACTIONS.get(kind)
    if act is None:
        raise Declined(f"{kind[:40]} is not for an agent, or not served here")
    return act(desk, account_id, action)


def load_of(action: Row) -> int:
    """Return how many requests an action counts as against the address's allowance."""
    batch = action.get("orders") or action.get("cancels")
    return len(batch) if isinstance(batch, list) else 1


def label_of(action: Row) -> str:
    """Return the name an action has in the log and for faults: stops apart from plain orders."""
    kind = str(action.get("type"))[:40]
    orders = action.get("orders")
    if kind != "order" or not isinstance(orders, list):
        return kind
    first = orders[0] if orders else None
    kinds = first.get("t") if isinstance(first, dict) else None
    return "stop" if isinstance(kinds, dict) and "trigger" in kinds else "order"


# ---------------------------------------------------------------------- orders


def _order(desk: Desk, account_id: str, action: Row) -> object:
    if "builder" in action:
        raise Declined("Builder fee has not been approved.")
    grouping = action.get("grouping")
    if not isinstance(grouping, str) or grouping not in GROUPS:
        raise Unreadable("grouping")
    statuses = []
    for row in _list(action, "orders"):
        try:
            statuses.append(_place(desk, account_id, row, grouping == "positionTpsl"))
        except ExchangeRefused as refused:
            contract = desk.asset(row.get("a"))
            words = text_of(refused, desk.number(contract.symbol), _bbo(desk, contract))
            statuses.append({"error": words})
    return {"type": "order", "data": {"statuses": statuses}}


def _place(desk: Desk, account_id: str, row: Row, whole: bool) -> object:  # noqa: FBT001
    contract = desk.asset(row.get("a"))
    number = desk.number(contract.symbol)
    price, size = _decimal(row, "p"), _decimal(row, "s")
    kinds = row.get("t")
    if not isinstance(kinds, dict) or not isinstance(row.get("b"), bool):
        raise Unreadable("order: b and t are needed")
    if not is_good_price(price, contract):
        return {"error": f"{refusals.TICK} asset={number}"}
    if desk.world.is_halted(contract.symbol):
        return {"error": refusals.HALTED}
    request = OrderRequest(
        symbol=contract.symbol,
        side=OrderSide.BUY if row["b"] else OrderSide.SELL,
        kind=OrderKind.LIMIT,
        qty=size,
        price=price,
        client_order_id=_cloid(desk, row.get("c")),
        reduce_only=bool(row.get("r")),
    )
    if "trigger" in kinds:
        return _place_trigger(desk, account_id, request, contract, kinds["trigger"], whole=whole)
    if whole:
        return {"error": refusals.TRIGGER}
    return _place_plain(desk, account_id, request, contract, kinds.get("limit"))


def _place_plain(
    desk: Desk, account_id: str, request: OrderRequest, contract: Instrument, limit: object
) -> object:
    life = LIVES.get(str(limit.get("tif"))) if isinstance(limit, dict) else None
    if life is None:
        raise Unreadable("tif")
    number = desk.number(contract.symbol)
    mark = Decimal(repr(desk.world.exchange.market(contract.symbol).mark))
    price = request.price or ZERO
    if abs(price - mark) > mark * FAR_FRAC:
        return {"error": f"{refusals.FAR} asset={number}"}
    sent = structs.replace(request, time_in_force=life)
    reaches = (price - mark) * request.side.sign > mark * NEAR_FRAC
    if life is TimeInForce.IOC and reaches:
        sent = structs.replace(sent, kind=OrderKind.MARKET, price=None)
    state = desk.world.exchange.submit(account_id, sent)
    records = desk.world.records(account_id)
    records.set_time_in_force(state.venue_order_id, life)
    return _status(state, number)


def _status(state: OrderState, number: int) -> object:
    named: Row = {"oid": int(state.venue_order_id)}
    if state.client_order_id.startswith("0x"):
        named["cloid"] = state.client_order_id
    if state.status.is_live:
        return {"resting": named}
    if state.filled_qty == ZERO:
        return {"error": f"{refusals.NO_MATCH} asset={number}"}
    average = state.average_price or ZERO
    return {"filled": {"totalSz": text(state.filled_qty), "avgPx": text(average), **named}}


def _place_trigger(
    desk: Desk,
    account_id: str,
    request: OrderRequest,
    contract: Instrument,
    given: object,
    *,
    whole: bool,
) -> object:
    kind = KINDS.get(str(given.get("tpsl"))) if isinstance(given, dict) else None
    if kind is None or not isinstance(given, dict):
        raise Unreadable("trigger")
    if not given.get("isMarket"):
        raise Declined("limit orders behind a trigger are not served here")
    trigger = _decimal(given, "triggerPx")
    number = desk.number(contract.symbol)
    if not is_good_price(trigger, contract):
        return {"error": f"{refusals.TICK} asset={number}"}
    # the pure exchange lets a reducing stop rest beside no position; this venue does not
    if request.reduce_only and not _reduces(desk, account_id, request):
        return {"error": f"{refusals.REDUCE_ONLY} asset={number}"}
    sent = structs.replace(
        request,
        kind=kind,
        qty=ZERO if whole else request.qty,
        close_position=whole,
        reduce_only=request.reduce_only and not whole,
        trigger_price=trigger,
        trigger_by=TriggerBy.MARK,
    )
    state = desk.world.exchange.submit(account_id, sent)
    return "waitingForTrigger" if whole else _status(state, number)


def _reduces(desk: Desk, account_id: str, request: OrderRequest) -> bool:
    legs = desk.world.exchange.legs(account_id)
    return any(leg.symbol == request.symbol and leg.side.exit is request.side for leg in legs)


def _bbo(desk: Desk, contract: Instrument) -> str:
    bids, asks = desk.world.exchange.depth(contract.symbol, 1)
    return f"{bids[0][0]}@{asks[0][0]}" if bids and asks else "None"


def _cloid(desk: Desk, given: object) -> str:
    if given is None:
        return desk.world.fallback_id("hl-")
    word = given if isinstance(given, str) else ""
    digits = word.removeprefix("0x")
    if len(word) != 34 or not word.startswith("0x") or not set(digits) <= set("0123456789abcdef"):
        raise Unreadable("c: 0x and 32 hex digits are needed")
    return word


def _cancel(desk: Desk, account_id: str, action: Row) -> object:
    statuses = [
        _cancel_one(desk, account_id, row.get("a"), row.get("o"))
        for row in _list(action, "cancels")
    ]
    return {"type": "cancel", "data": {"statuses": statuses}}


def _cancel_by_cloid(desk: Desk, account_id: str, action: Row) -> object:
    statuses = [
        _cancel_one(desk, account_id, row.get("asset"), row.get("cloid"))
        for row in _list(action, "cancels")
    ]
    return {"type": "cancel", "data": {"statuses": statuses}}


def _cancel_one(desk: Desk, account_id: str, number: object, name: object) -> object:
    contract = desk.asset(number)
    state = desk.find(account_id, name)
    if state is None or state.symbol != contract.symbol or not state.status.is_live:
        return {"error": f"{refusals.NO_ORDER} asset={number}"}
    desk.world.exchange.cancel(
        account_id,
        state.symbol,
        venue_order_id=state.venue_order_id,
        conditional=state.kind.is_conditional,
    )
    return "success"


def _schedule(desk: Desk, account_id: str, action: Row) -> object:
    """The dead man's switch: at that time EVERY open order goes, triggers too."""
    at_ms = action.get("time")
    if at_ms is None:
        desk.scheduled_ns.pop(account_id, None)
        return {"type": "default"}
    if isinstance(at_ms, bool) or not isinstance(at_ms, int):
        raise Unreadable("time")
    if at_ms < desk.now_ms() + SCHEDULE_AHEAD_MS:
        raise Declined("Scheduled cancel time must be at least 5 seconds in the future")
    desk.scheduled_ns[account_id] = at_ms * NS_PER_MS
    return {"type": "default"}


def run_schedule(desk: Desk, now_ns: int) -> None:
    """Cancel every open order of the accounts whose time has come."""
    for account_id, at_ns in list(desk.scheduled_ns.items()):
        if at_ns <= now_ns:
            del desk.scheduled_ns[account_id]
            for contract in desk.contracts:
                for conditional in (False, True):
                    desk.world.exchange.cancel_all(
                        account_id, contract.symbol, conditional=conditional
                    )
            desk.world.settle()


# ---------------------------------------------------------------------- settings


def _leverage(desk: Desk, account_id: str, action: Row) -> object:
    contract = desk.asset(action.get("asset"))
    leverage, cross = action.get("leverage"), action.get("isCross")
    if isinstance(leverage, bool) or not isinstance(leverage, int) or not isinstance(cross, bool):
        raise Unreadable("updateLeverage")
    exchange = desk.world.exchange
    mode = MarginMode.CROSS if cross else MarginMode.ISOLATED
    try:
        if exchange.account(account_id).margin_modes[contract.symbol] is not mode:
            exchange.set_margin_mode(account_id, contract.symbol, mode)
        exchange.set_leverage(account_id, contract.symbol, leverage)
    except ExchangeRefused as refused:
        raise Declined(text_of(refused, desk.number(contract.symbol))) from None
    return {"type": "default"}


def _margin(desk: Desk, account_id: str, action: Row) -> object:
    """One-way: the side of the position that is held; `isBuy` says nothing."""
    contract, units = desk.asset(action.get("asset")), action.get("ntli")
    if isinstance(units, bool) or not isinstance(units, int) or abs(units) > UNITS_MAX:
        raise Unreadable("ntli")
    exchange = desk.world.exchange
    held = [leg for leg in exchange.legs(account_id) if leg.symbol == contract.symbol]
    side = held[0].side if held else PositionSide.LONG
    try:
        exchange.add_margin(account_id, contract.symbol, side, Decimal(units) / USD_UNITS)
    except ExchangeRefused as refused:
        raise Declined(text_of(refused, desk.number(contract.symbol))) from None
    return {"type": "default"}


ACTIONS: Final[dict[str, Act]] = {
    "order": _order,
    "cancel": _cancel,
    "cancelByCloid": _cancel_by_cloid,
    "scheduleCancel": _schedule,
    "updateLeverage": _leverage,
    "updateIsolatedMargin": _margin,
}
"""No transfer, no withdrawal, no builder and no referrer: an agent may not."""


def _list(action: Row, name: str) -> list[Row]:
    found = action.get(name)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise Unreadable(name)
    return found


def _decimal(row: Row, name: str) -> Decimal:
    value = row.get(name)
    if not isinstance(value, str):
        raise Unreadable(f"{name}: a number as text is needed")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise Unreadable(f"{name}: a number as text is needed") from None
    if not number.is_finite() or not ZERO <= number <= MAGNITUDE_MAX:
        raise Unreadable(f"{name}: a number as text is needed")
    return number
