"""Executions read back by request: what the private stream may have missed.

The venue's list of trades names orders by its own number only; the client id is asked for per
order, and the child of a fired conditional order carries the id of the stop that bore it.
"""

from decimal import Decimal
from typing import Final

from bot.domain.messages import Fill
from bot.domain.orders import OrderSide
from bot.domain.units import NS_PER_MS, ZERO
from bot.venue import fields
from bot.venue.binance import parse
from bot.venue.caller import Caller
from bot.venue.endpoint import Endpoint
from bot.venue.fields import Row
from bot.venue.lanes import Lane
from bot.venue.profiles import binance

USER_TRADES: Final = Endpoint("fapiPrivateGetUserTrades", 5)
TRADES_MAX: Final = 1000
ORDERS_MAX: Final = 100
"""Distinct orders asked for in one reading; older ones keep an unknown client id."""
TAKER_FRAC: Final = Decimal("0.0005")
"""Stands in for a fee paid in another coin than the settlement coin; the ledger is exact."""


async def read_fills(
    caller: Caller, symbol: str, since_ns: int, lane: Lane, now_ns: int
) -> tuple[Fill, ...]:
    """Return the executions of `symbol` since `since_ns`, oldest first.

    Raises:
        VenueError: the list or an order could not be read or believed.
    """
    name = binance.contract_of(symbol)
    rows = await caller.rows(
        USER_TRADES,
        {"symbol": name, "startTime": since_ns // NS_PER_MS, "limit": TRADES_MAX},
        lane=lane,
    )
    trades = [fields.row(item, "userTrades") for item in rows]
    numbers = list(dict.fromkeys(fields.text(row, "orderId", "userTrades") for row in trades))
    client_ids: dict[str, str] = {}
    for number in numbers[-ORDERS_MAX:]:
        answer = await caller.table(
            binance.GET_ORDER, {"symbol": name, "orderId": number}, lane=lane
        )
        client_ids[number] = fields.text(answer, "clientOrderId", "order")
    fills = [_fill(row, symbol, client_ids, now_ns) for row in trades]
    return tuple(sorted(fills, key=lambda fill: (fill.event_ns, fill.trade_id)))


def _fill(row: Row, symbol: str, client_ids: dict[str, str], now_ns: int) -> Fill:
    what = "userTrades"
    _side, leg = parse.sides(row, "side", "positionSide", what)
    number = fields.text(row, "orderId", what)
    client_id = client_ids.get(number, "")
    qty = fields.positive(row, "qty", what)
    price = fields.positive(row, "price", what)
    fee = fields.number(row, "commission", what) if row.get("commission") is not None else ZERO
    if fee != ZERO and str(row.get("commissionAsset")) != binance.SETTLE:
        fee = qty * price * TAKER_FRAC
    is_adl = client_id.startswith(binance.ADL_PREFIX)
    return Fill(
        symbol=symbol,
        trade_id=fields.text(row, "id", what),
        client_order_id=client_id,
        venue_order_id=number,
        side=fields.choice(row, "side", SIDES, what),
        position_side=leg,
        qty=qty,
        price=price,
        fee_usd=fee,
        realized_pnl_usd=fields.number(row, "realizedPnl", what),
        is_maker=fields.flag(row, "maker", what),
        event_ns=fields.instant_ns(row, "time", what),
        received_ns=now_ns,
        is_liquidation=client_id.startswith(binance.LIQUIDATION_PREFIXES) and not is_adl,
        is_adl=is_adl,
    )


SIDES: Final = {side.value: side for side in OrderSide}
