"""What an order must look like before the exchange thinks about it."""

from decimal import Decimal
from typing import Final

from bot.domain.instrument import Instrument
from bot.domain.orders import OrderKind, OrderSide
from bot.domain.units import ZERO
from bot.simulator.accounts import Account, shrinks
from bot.simulator.market import MarketState
from bot.simulator.terms import ExchangeRefused, OrderRequest

PERCENT_PRICE_FRAC: Final = 0.05
CLIENT_ID_MAX: Final = 36


def check(
    account: Account, contract: Instrument, market: MarketState, request: OrderRequest
) -> None:
    """Refuse a request that no state of the account could make right."""
    if not 0 < len(request.client_order_id) <= CLIENT_ID_MAX:
        raise ExchangeRefused(-4015, "Client order id is not valid.")
    _check_mode(account, request)
    _check_qty(contract, request)
    _check_price(request.price, contract, needed=request.kind is OrderKind.LIMIT, name="price")
    conditional = request.kind.is_conditional
    _check_price(request.trigger_price, contract, needed=conditional, name="triggerPrice")
    if market.last <= 0.0:
        raise ExchangeRefused(
            -4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit."
        )
    if not conditional:
        _check_band(account, market, request)
    if not shrinks(account, request):
        _check_notional(contract, market, request)


def _check_mode(account: Account, request: OrderRequest) -> None:
    if account.hedge_mode != (request.position_side is not None):
        raise ExchangeRefused(-4061, "Order's position side does not match user's setting.")
    if account.hedge_mode and request.reduce_only:
        raise ExchangeRefused(-1106, "Parameter 'reduceOnly' sent when not required.")
    if request.close_position and (not request.kind.is_conditional or _opens(request)):
        raise ExchangeRefused(-4136, "Target strategy invalid for orderType, closePosition")


def _opens(request: OrderRequest) -> bool:
    side = request.position_side
    return side is not None and request.side is side.entry


def _check_qty(contract: Instrument, request: OrderRequest) -> None:
    qty = request.qty
    if request.close_position:
        if qty != ZERO:
            raise ExchangeRefused(-4137, "Quantity must be zero with closePosition equals true.")
        return
    if qty <= ZERO:
        raise ExchangeRefused(-4003, "Quantity less than or equal to zero.")
    if qty % contract.lot:
        raise ExchangeRefused(-1111, "Precision is over the maximum defined for this asset.")
    if qty < contract.qty_min:
        raise ExchangeRefused(-4004, "Quantity less than min quantity.")
    limit = request.kind is OrderKind.LIMIT
    if qty > (contract.qty_max if limit else contract.market_qty_max):
        raise ExchangeRefused(-4005, "Quantity greater than max quantity.")


def _check_price(price: Decimal | None, contract: Instrument, *, needed: bool, name: str) -> None:
    if not needed:
        return
    if price is None:
        raise ExchangeRefused(
            -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
        )
    if price <= ZERO:
        raise ExchangeRefused(-4001, "Price less than 0.")
    if price % contract.tick:
        raise ExchangeRefused(-4014, "Price not increased by tick size.")


def _check_band(account: Account, market: MarketState, request: OrderRequest) -> None:
    """Refuse prices too far from the mark; a market order that only reduces always passes."""
    if request.price is None:
        stray = abs(market.last / market.mark - 1.0)
        if stray > PERCENT_PRICE_FRAC and not shrinks(account, request):
            raise ExchangeRefused(
                -4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit."
            )
        return
    price = float(request.price)
    if request.side is OrderSide.BUY and price > market.mark * (1.0 + PERCENT_PRICE_FRAC):
        edge = market.mark * (1.0 + PERCENT_PRICE_FRAC)
        raise ExchangeRefused(-4016, f"Limit price can't be higher than {edge:.2f}.")
    if request.side is OrderSide.SELL and price < market.mark * (1.0 - PERCENT_PRICE_FRAC):
        edge = market.mark * (1.0 - PERCENT_PRICE_FRAC)
        raise ExchangeRefused(-4024, f"Limit price can't be lower than {edge:.2f}.")


def _check_notional(contract: Instrument, market: MarketState, request: OrderRequest) -> None:
    if request.close_position:
        return
    price = request.price or request.trigger_price or Decimal(repr(market.last))
    if price * request.qty < contract.notional_min_usd:
        raise ExchangeRefused(
            -4164,
            f"Order's notional must be no smaller than {contract.notional_min_usd} "
            "(unless you choose reduce only).",
        )
