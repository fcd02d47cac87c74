"""Binance's account, order and ledger rows as domain values; nonsense is refused."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import structs

from bot.domain.account import IncomeRow, MarginMode, PositionState
from bot.domain.errors import VenueDataInvalid
from bot.domain.orders import OrderKind, OrderSide, OrderState, OrderStatus, PositionSide
from bot.domain.units import ZERO
from bot.venue import fields
from bot.venue.fields import Row
from bot.venue.profiles import binance

_SIDES = {item.value: item for item in OrderSide}
_LEGS: dict[str, PositionSide | None] = {
    "BOTH": None,
    "LONG": PositionSide.LONG,
    "SHORT": PositionSide.SHORT,
}


def order(source: Row) -> OrderState:
    """Parse an order of the plain book (REST)."""
    what = "order"
    kind, reason = plain_kind(fields.text(source, "type", what))
    side, named = sides(source, "side", "positionSide", what)
    closing = fields.flag(source, "closePosition", what) if "closePosition" in source else False
    return OrderState(
        client_order_id=fields.text(source, "clientOrderId", what),
        venue_order_id=fields.text(source, "orderId", what),
        symbol=binance.unified(fields.text(source, "symbol", what)),
        side=side,
        kind=kind,
        status=fields.choice(source, "status", binance.STATUSES, what),
        qty=fields.amount(source, "origQty", what),
        filled_qty=fields.amount(source, "executedQty", what),
        reduce_only=fields.flag(source, "reduceOnly", what) or closing or exits(side, named),
        close_position=closing,
        event_ns=fields.instant_ns(source, "updateTime", what),
        position_side=named,
        price=fields.positive_or_none(source, "price", what),
        average_price=fields.positive_or_none(source, "avgPrice", what),
        reason=reason,
    )


def algo(source: Row) -> OrderState:
    """Parse an order of the conditional book (REST); what its child filled is not told there."""
    what = "algo order"
    word = fields.text(source, "orderType", what)
    kind, trigger, reason = algo_kind(word, fields.positive_or_none(source, "triggerPrice", what))
    side, named = sides(source, "side", "positionSide", what)
    closing = fields.flag(source, "closePosition", what)
    return OrderState(
        client_order_id=fields.text(source, "clientAlgoId", what),
        venue_order_id=fields.text(source, "algoId", what),
        symbol=binance.unified(fields.text(source, "symbol", what)),
        side=side,
        kind=kind,
        status=fields.choice(source, "algoStatus", binance.ALGO_STATUSES, what),
        qty=ZERO if closing else fields.amount(source, "quantity", what),
        filled_qty=ZERO,
        reduce_only=fields.flag(source, "reduceOnly", what) or closing or exits(side, named),
        close_position=closing,
        event_ns=fields.instant_ns(source, "updateTime", what),
        position_side=named,
        price=fields.positive_or_none(source, "price", what),
        trigger_price=trigger,
        trigger_by=fields.choice(source, "workingType", binance.TRIGGERS, what),
        reason=reason,
    )


def plain_kind(word: str) -> tuple[OrderKind, str]:
    """Return our kind of a venue type in the plain book, with a remark when it is not ours."""
    if word in ("MARKET", "LIMIT"):
        return binance.KINDS[word], ""
    if word in ("LIQUIDATION", "STOP_MARKET", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"):
        return OrderKind.MARKET, f"venue type {word}"
    return OrderKind.LIMIT, f"venue type {word}"


def algo_kind(word: str, trigger: Decimal | None) -> tuple[OrderKind, Decimal | None, str]:
    """Return kind and trigger in the conditional book.

    Types the house does not place (limit and trailing stops, of a human's hand) stay visible as
    stops without a trigger, so that nobody counts them as protection.
    """
    kind = binance.KINDS.get(word)
    if kind is not None and kind.is_conditional:
        return kind, trigger, ""
    return OrderKind.STOP_MARKET, None, f"venue type {word}: not counted as a stop"


def sides(
    source: Row, side_key: str, leg_key: str, what: str
) -> tuple[OrderSide, PositionSide | None]:
    """Return order side and leg; None is one-way mode."""
    return fields.choice(source, side_key, _SIDES, what), leg(source, leg_key, what)


def leg(source: Row, key: str, what: str) -> PositionSide | None:
    """Return the leg a row names; None is one-way mode."""
    return fields.choice(source, key, _LEGS, what)


def exits(side: OrderSide, named: PositionSide | None) -> bool:
    """Tell whether an order of hedge mode can only shrink its leg."""
    return named is not None and side is named.exit


def symbol_of(source: Row) -> str:
    """Return the unified symbol of a row, or its raw contract id when it is not a USDT one."""
    contract = fields.text(source, "symbol", "position")
    is_usdt = contract.partition("_")[0].endswith(binance.SETTLE)
    return binance.unified(contract) if is_usdt else contract


def position(
    source: Row, modes: Mapping[str, MarginMode], leverages: Mapping[str, int]
) -> PositionState | None:
    """Parse one leg (REST); None for a flat one.

    Raises:
        VenueDataInvalid: nonsense, or a position that is not margined in USDT.
    """
    what = "position"
    signed = fields.number(source, "positionAmt", what)
    if signed == ZERO:
        return None
    contract = fields.text(source, "symbol", what)
    asset = source.get("marginAsset", binance.SETTLE)
    if asset != binance.SETTLE:
        raise VenueDataInvalid(
            f"position {contract[:40]} is margined in {str(asset)[:20]}: only USDT margin is "
            "supported; close it or move it to another account"
        )
    symbol = binance.unified(contract)
    named = leg(source, "positionSide", what)
    mode = modes.get(symbol)
    isolated = mode is MarginMode.ISOLATED
    return PositionState(
        symbol=symbol,
        side=_direction(signed, named, what),
        qty=abs(signed),
        entry_price=fields.positive(source, "entryPrice", what),
        margin_mode=mode,
        event_ns=fields.instant_ns(source, "updateTime", what),
        hedged=named is not None,
        leverage=leverages.get(symbol),
        isolated_margin_usd=fields.number(source, "isolatedWallet", what) if isolated else None,
        venue_liq_price=fields.positive_or_none(source, "liquidationPrice", what),
        adl_rank=fields.whole_or_none(source, "adl", what),
    )


def _direction(signed: Decimal, named: PositionSide | None, what: str) -> PositionSide:
    side = PositionSide.LONG if signed > ZERO else PositionSide.SHORT
    if named is not None and named is not side:
        raise VenueDataInvalid(f"{what}: leg {named.value} with quantity {signed}")
    return side


def symbol_settings(rows: Iterable[object]) -> tuple[dict[str, MarginMode], dict[str, int]]:
    """Return margin mode and leverage setting by symbol, of USDT contracts only."""
    modes: dict[str, MarginMode] = {}
    leverages: dict[str, int] = {}
    for item in rows:
        source = fields.row(item, "symbol settings")
        contract = fields.text(source, "symbol", "symbol settings")
        if not contract.partition("_")[0].endswith(binance.SETTLE):
            continue
        symbol = binance.unified(contract)
        modes[symbol] = fields.choice(source, "marginType", binance.MARGIN_MODES, "symbol settings")
        leverage = fields.whole_or_none(source, "leverage", "symbol settings")
        if leverage:
            leverages[symbol] = leverage
    return modes, leverages


def wallet_usd(account: Row) -> Decimal:
    """Return the USDT wallet balance, refusing an account whose collateral is of many assets.

    The venue leaves out assets without balance; in single-asset mode its total counts USDT alone.
    """
    total = fields.number(account, "totalWalletBalance", "account")
    assets = account.get("assets")
    if not isinstance(assets, list):
        raise VenueDataInvalid("account.assets: an array is needed")
    wallet, others = None, False
    for item in assets:
        source = fields.row(item, "account.assets")
        balance = fields.number(source, "walletBalance", "account.assets")
        if fields.text(source, "asset", "account.assets") == binance.SETTLE:
            wallet = balance
        elif balance != ZERO:
            others = True
    if wallet is None:
        wallet = ZERO if others else total
    if abs(total - wallet) > Decimal("0.01") and others:
        raise multi_assets(f"total {total} USD, of it {wallet} USDT")
    return wallet


def multi_assets(detail: str) -> VenueDataInvalid:
    """Return the one refusal of an account in multi-assets mode."""
    return VenueDataInvalid(
        f"account is in multi-assets mode ({detail}): margin cannot be computed; switch the "
        "futures account to single-asset mode"
    )


def income(source: Row) -> IncomeRow:
    """Parse one row of the ledger."""
    what = "income"
    return IncomeRow(
        income_id=fields.text(source, "tranId", what),
        kind=fields.text(source, "incomeType", what),
        asset=fields.text(source, "asset", what),
        amount=fields.number(source, "income", what),
        event_ns=fields.instant_ns(source, "time", what),
        symbol=symbol_of(source) if source.get("symbol") else "",
        info=str(source.get("info") or ""),
    )


def with_child(parent: OrderState, child: OrderState) -> OrderState:
    """Return a triggered conditional order with what its child did in the matching engine."""
    return structs.replace(
        parent,
        status=OrderStatus.TRIGGERING if child.status.is_live else child.status,
        filled_qty=child.filled_qty,
        average_price=child.average_price,
        event_ns=max(parent.event_ns, child.event_ns),
    )
