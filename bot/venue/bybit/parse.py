"""Bybit's orders, legs, wallet, executions and ledger as domain values; nonsense is refused.

What the venue does not say ("" for a liquidation price, a leverage) is unknown, never zero. The
rows of HTTP answers and of the private stream have the same shape.
"""

from decimal import ROUND_DOWN, Decimal
from typing import Final

from bot.domain.account import IncomeRow, MarginMode, PositionState
from bot.domain.errors import VenueDataInvalid
from bot.domain.messages import Fill
from bot.domain.orders import OrderKind, OrderSide, OrderState, PositionSide
from bot.domain.units import ZERO
from bot.venue import fields
from bot.venue.fields import Row
from bot.venue.profiles import bybit

DUST_USD: Final = Decimal(1)
"""Collateral in other coins up to so much is not counted and not refused."""
_ADL, _BUST = "ADLTRADE", "BUSTTRADE"


def order(source: Row) -> OrderState:
    """Parse an order of either kind; a conditional one keeps its id and its name when it fires."""
    what = "order"
    side = fields.choice(source, "side", bybit.SIDES, what)
    leg = fields.choice(source, "positionIdx", bybit.LEGS, what)
    kind, trigger, reason = _kind(source, side, what)
    qty = fields.amount(source, "qty", what)
    closing = source.get("closeOnTrigger") is True and qty == ZERO
    reduces = source.get("reduceOnly") is True or source.get("closeOnTrigger") is True
    return OrderState(
        client_order_id=client_id(source, what),
        venue_order_id=fields.text(source, "orderId", what),
        symbol=bybit.unified(fields.text(source, "symbol", what)),
        side=side,
        kind=kind,
        status=fields.choice(source, "orderStatus", bybit.STATUSES, what),
        qty=qty,
        filled_qty=_amount(source, "cumExecQty", what),
        reduce_only=reduces or (leg is not None and side is leg.exit),
        close_position=closing,
        event_ns=fields.instant_ns(source, "updatedTime", what),
        position_side=leg,
        price=fields.positive_or_none(source, "price", what),
        trigger_price=trigger,
        trigger_by=fields.choice(source, "triggerBy", bybit.TRIGGERS, what)
        if trigger is not None and source.get("triggerBy")
        else None,
        average_price=fields.positive_or_none(source, "avgPrice", what),
        reason=reason or _reject_reason(source),
    )


def client_id(source: Row, what: str) -> str:
    """Return our own name of an order; one placed by hand goes by the venue's id."""
    own = source.get("orderLinkId")
    return str(own) if own else fields.text(source, "orderId", what)


def _kind(source: Row, side: OrderSide, what: str) -> tuple[OrderKind, Decimal | None, str]:
    """Return kind, trigger and a remark; the direction of the trigger tells stop from target.

    Kinds the house does not place stay visible as stops without a trigger, so that nobody counts
    them as protection.
    """
    stop_type = str(source.get("stopOrderType") or "")
    is_limit = fields.text(source, "orderType", what) == "Limit"
    if stop_type in bybit.PLAIN_STOP_TYPES:
        return (OrderKind.LIMIT if is_limit else OrderKind.MARKET), None, ""
    trigger = fields.positive_or_none(source, "triggerPrice", what)
    way = str(source.get("triggerDirection") or "")
    if stop_type != bybit.OUR_STOP_TYPE or is_limit or way not in ("1", "2"):
        return OrderKind.STOP_MARKET, None, f"venue type {stop_type}: not counted as a stop"
    falls = way == str(bybit.FALL)
    stops = falls == (side is OrderSide.SELL)
    return (OrderKind.STOP_MARKET if stops else OrderKind.TAKE_PROFIT_MARKET), trigger, ""


def _reject_reason(source: Row) -> str:
    word = str(source.get("rejectReason") or "")
    return "" if word in ("", "EC_NoError") else word


def _amount(source: Row, key: str, what: str) -> Decimal:
    """Return a quantity; nothing is written for none."""
    return ZERO if source.get(key) in ("", None) else fields.amount(source, key, what)


def position(source: Row, mode: MarginMode | None) -> PositionState | None:
    """Parse one leg; None for a flat one."""
    what = "position"
    qty = _amount(source, "size", what)
    if qty == ZERO:
        return None
    leg = fields.choice(source, "positionIdx", bybit.LEGS, what)
    side = fields.choice(source, "side", bybit.HELD, what)
    if leg is not None and leg is not side:
        raise VenueDataInvalid(f"{what}: leg {leg.value} is held {side.value}")
    entry = "avgPrice" if "avgPrice" in source else "entryPrice"
    isolated = mode is MarginMode.ISOLATED
    return PositionState(
        symbol=bybit.unified(fields.text(source, "symbol", what)),
        side=side,
        qty=qty,
        entry_price=fields.positive(source, entry, what),
        margin_mode=mode,
        event_ns=fields.instant_ns(source, "updatedTime", what),
        hedged=leg is not None,
        leverage=leverage(source),
        isolated_margin_usd=fields.positive_or_none(source, "positionBalance", what)
        if isolated
        else None,
        venue_liq_price=fields.positive_or_none(source, "liqPrice", what),
        adl_rank=_adl_rank(source, what),
    )


def flat_legs(source: Row) -> list[tuple[str, PositionSide, bool, int]]:
    """Return (symbol, side, hedged, instant ns) of the legs that a row of size zero ends."""
    what = "position"
    symbol = bybit.unified(fields.text(source, "symbol", what))
    leg = fields.choice(source, "positionIdx", bybit.LEGS, what)
    at_ns = fields.instant_ns(source, "updatedTime", what)
    sides = tuple(PositionSide) if leg is None else (leg,)
    return [(symbol, side, leg is not None, at_ns) for side in sides]


def leverage(source: Row) -> int | None:
    """Return the leverage setting, a fraction rounded down; None where the venue does not say."""
    value = fields.positive_or_none(source, "leverage", "position")
    return None if value is None else max(int(value.to_integral_value(ROUND_DOWN)), 1)


def _adl_rank(source: Row, what: str) -> int | None:
    """Return the ADL rank; the venue writes 0 for a rank it does not give."""
    if source.get("adlRankIndicator") in ("", None):
        return None
    return fields.whole_or_none(source, "adlRankIndicator", what) or None


def wallet_usd(account: Row) -> Decimal | None:
    """Return the USDT wallet of a unified account whose only collateral is USDT; None: not told.

    Raises:
        VenueDataInvalid: another coin is collateral, or something is borrowed.
    """
    what = "wallet"
    wallet = None
    for item in fields.rows(account.get("coin"), what):
        coin = fields.row(item, what)
        name = fields.text(coin, "coin", what)
        borrowed = _amount(coin, "borrowAmount", what)
        if borrowed > ZERO:
            raise _mixed(f"{borrowed} {name[:12]} is borrowed")
        if name == bybit.SETTLE:
            wallet = fields.number(coin, "walletBalance", what)
        elif coin.get("collateralSwitch") is not False and _worth(coin, what) > DUST_USD:
            raise _mixed(f"{name[:12]} worth {_worth(coin, what):.2f} USD is collateral")
    return wallet


def _worth(coin: Row, what: str) -> Decimal:
    return ZERO if coin.get("usdValue") in ("", None) else fields.number(coin, "usdValue", what)


def _mixed(detail: str) -> VenueDataInvalid:
    return VenueDataInvalid(
        f"unified account: {detail}: margin cannot be computed; keep USDT alone in this account, "
        "or switch the coin off as collateral"
    )


def fill(source: Row, leg: PositionSide | None, realized_usd: Decimal, received_ns: int) -> Fill:
    """Parse an execution that traded; its leg and its result are told elsewhere."""
    what = "execution"
    word = fields.text(source, "execType", what).upper()
    return Fill(
        symbol=bybit.unified(fields.text(source, "symbol", what)),
        trade_id=fields.text(source, "execId", what),
        client_order_id=client_id(source, what),
        venue_order_id=fields.text(source, "orderId", what),
        side=fields.choice(source, "side", bybit.SIDES, what),
        position_side=leg,
        qty=fields.positive(source, "execQty", what),
        price=fields.positive(source, "execPrice", what),
        fee_usd=fields.number(source, "execFee", what),
        realized_pnl_usd=realized_usd,
        is_maker=fields.flag(source, "isMaker", what),
        event_ns=fields.instant_ns(source, "execTime", what),
        received_ns=received_ns,
        is_liquidation=word == _BUST,
        is_adl=word == _ADL,
    )


def closes(source: Row) -> bool | None:
    """Tell whether an execution shrank its leg; None where the venue does not say."""
    given = source.get("closedSize")
    if given in ("", None):
        return None
    return fields.amount(source, "closedSize", "execution") > ZERO


def leg_of(side: OrderSide, *, closing: bool) -> PositionSide:
    """Return the leg of hedge mode that an execution belongs to."""
    return next(leg for leg in PositionSide if (side is leg.exit) is closing)


def income(source: Row) -> list[IncomeRow]:
    """Parse a row of the ledger: a trade is a result and a fee, the rest is as it was booked."""
    what = "ledger"
    kind = fields.text(source, "type", what)
    number = fields.text(source, "id", what)
    at_ns = fields.instant_ns(source, "transactionTime", what)
    contract = str(source.get("symbol") or "")
    symbol = bybit.unified(contract) if contract.endswith(bybit.SETTLE) else contract
    asset = fields.text(source, "currency", what)

    def row(name: str, amount: Decimal) -> IncomeRow:
        return IncomeRow(
            income_id=number, kind=name, asset=asset, amount=amount, event_ns=at_ns,
            symbol=symbol, info=str(source.get("tradeId") or ""),
        )  # fmt: skip

    if kind in bybit.LEDGER_TRADES and source.get("tradeId"):
        parts = (
            ("REALIZED_PNL", fields.number(source, "cashFlow", what)),
            ("COMMISSION", -fields.number(source, "fee", what)),
        )
        return [row(name, amount) for name, amount in parts if amount != ZERO]
    return [row(bybit.LEDGER_KINDS.get(kind, kind), fields.number(source, "change", what))]
