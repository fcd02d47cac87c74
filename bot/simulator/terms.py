"""What goes into the exchange: order requests, market ticks, and its refusals."""

from decimal import Decimal
from typing import Final

import msgspec

from bot.domain.orders import OrderKind, OrderSide, PositionSide, TimeInForce, TriggerBy

LIQUIDATION_PREFIX: Final = "autoclose-"
ADL_PREFIX: Final = "adl_autoclose-"


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An order as a client sends it; `qty` is 0 with `close_position`.

    `position_side` is None in one-way mode and names the leg in hedge mode.
    """

    symbol: str
    side: OrderSide
    kind: OrderKind
    qty: Decimal
    client_order_id: str
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    trigger_by: TriggerBy = TriggerBy.LAST
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    close_position: bool = False
    position_side: PositionSide | None = None


class MarketTick(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One step of one symbol's market; prices in quote, quantities in base.

    With `gap` the market jumped: orders fill at the new prices. Without it the prices walked
    there in a straight line from the last tick, and a stop fills from its trigger on.
    `low` and `high` are the extremes of the bar under way, for the pessimistic stop fill.
    """

    symbol: str
    event_ns: int
    last: float
    mark: float
    index: float
    gap: bool = False
    fast: bool = False
    qty: float = 0.0
    buy_qty: float = 0.0
    funding_frac: float | None = None
    open_interest_qty: float | None = None
    low: float | None = None
    high: float | None = None


class ExchangeRefused(Exception):
    """The exchange judged a request and said no: `code` is Binance's number."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def immediate_trigger() -> ExchangeRefused:
    """Return the refusal of a conditional order whose trigger is already passed."""
    return ExchangeRefused(-2021, "Order would immediately trigger.")


def no_margin() -> ExchangeRefused:
    """Return the refusal of an order the free balance cannot carry."""
    return ExchangeRefused(-2019, "Margin is insufficient.")


def nothing_to_reduce() -> ExchangeRefused:
    """Return the refusal of a reduce-only order without a position to reduce."""
    return ExchangeRefused(-2022, "ReduceOnly Order is rejected.")


def unknown_order() -> ExchangeRefused:
    """Return the refusal of a cancel for an order that is not open."""
    return ExchangeRefused(-2011, "Unknown order sent.")
