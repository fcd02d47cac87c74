"""OKX's account, order and ledger rows as domain values; contracts become coins here."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import structs

from bot.domain.account import IncomeRow, PositionState
from bot.domain.errors import VenueDataInvalid
from bot.domain.messages import Fill
from bot.domain.orders import OrderKind, OrderState, OrderStatus, PositionSide
from bot.domain.units import ZERO
from bot.venue import fields
from bot.venue.fields import Row
from bot.venue.profiles import okx

Sizes = Mapping[str, Decimal]
"""Coins of one contract, by the venue's name."""


def is_ours(source: Row) -> bool:
    """Tell whether a row is about a USDT-margined swap."""
    return str(source.get("instId", "")).endswith("-USDT-SWAP")


def refuse_strangers(rows: Sequence[Row]) -> None:
    """Refuse an account that holds what the house does not see, but what shares its margin.

    Raises:
        VenueDataInvalid: see above.
    """
    for row in rows:
        shares = row.get("ccy") == okx.SETTLE and not is_ours(row)
        if shares and row.get("pos") and fields.number(row, "pos", "position") != ZERO:
            raise VenueDataInvalid(
                f"position {fields.text(row, 'instId', 'position')[:40]} shares this account's "
                "margin: only USDT swaps are supported; close it or move it to another account"
            )


def coins(source: Row, key: str, sizes: Sizes, what: str) -> Decimal:
    """Return a quantity in coins.

    Raises:
        VenueDataInvalid: the contract's size is not known.
    """
    name = fields.text(source, "instId", what)
    size = sizes.get(name)
    if size is None:
        raise VenueDataInvalid(f"{what}: the size of {name[:40]} is not known")
    return fields.number(source, key, what) * size


def _some(source: Row, key: str, sizes: Sizes, what: str) -> Decimal:
    return coins(source, key, sizes, what) if source.get(key) not in (None, "") else ZERO


def order(source: Row, sizes: Sizes) -> OrderState:
    """Parse a plain order; one that a trigger bore goes by the conditional order's name."""
    what = "order"
    number, parent = fields.text(source, "ordId", what), str(source.get("algoClOrdId") or "")
    side = fields.choice(source, "side", okx.SIDES, what)
    leg = fields.choice(source, "posSide", okx.LEGS, what)
    kind = OrderKind.MARKET if source.get("ordType") in okx.MARKET_WORDS else OrderKind.LIMIT
    reduces = fields.flag(source, "reduceOnly", what) or (leg is not None and side is leg.exit)
    return OrderState(
        client_order_id=okx.own_id(str(source.get("clOrdId") or "") or parent, number),
        venue_order_id=number,
        symbol=okx.unified(fields.text(source, "instId", what)),
        side=side,
        kind=kind,
        status=fields.choice(source, "state", okx.STATUSES, what),
        qty=coins(source, "sz", sizes, what),
        filled_qty=_some(source, "accFillSz", sizes, what),
        reduce_only=reduces,
        close_position=False,
        event_ns=fields.instant_ns(source, "uTime", what),
        position_side=leg,
        price=fields.positive_or_none(source, "px", what),
        average_price=fields.positive_or_none(source, "avgPx", what),
    )


def algo(source: Row, sizes: Sizes) -> OrderState:
    """Parse a conditional order; what the order it bore filled is told there, not here."""
    what = "algo order"
    number = fields.text(source, "algoId", what)
    side = fields.choice(source, "side", okx.SIDES, what)
    leg = fields.choice(source, "posSide", okx.LEGS, what)
    closing = str(source.get("closeFraction") or "") == "1"
    kind, name, reason = _kind(source)
    trigger = fields.positive_or_none(source, f"{name}TriggerPx", what) if name else None
    at_ns = fields.instant_ns(source, "uTime" if source.get("uTime") else "cTime", what)
    reduces = fields.flag(source, "reduceOnly", what) if source.get("reduceOnly") else False
    trigger_by = None
    if trigger is not None and source.get(f"{name}TriggerPxType"):
        trigger_by = fields.choice(source, f"{name}TriggerPxType", okx.TRIGGERS, what)
    return OrderState(
        client_order_id=okx.own_id(str(source.get("algoClOrdId") or ""), number),
        venue_order_id=number,
        symbol=okx.unified(fields.text(source, "instId", what)),
        side=side,
        kind=kind,
        status=fields.choice(source, "state", okx.ALGO_STATUSES, what),
        qty=ZERO if closing else _some(source, "sz", sizes, what),
        filled_qty=ZERO,
        reduce_only=reduces or closing or (leg is not None and side is leg.exit),
        close_position=closing,
        event_ns=at_ns,
        position_side=leg,
        trigger_price=trigger,
        trigger_by=trigger_by,
        reason=reason or str(source.get("failCode") or ""),
    )


def _kind(source: Row) -> tuple[OrderKind, str, str]:
    """Return kind, prefix of its fields, and a remark for kinds the house does not place.

    Those (limits behind a trigger, trailing ones, two triggers at once) stay visible as stops
    without a trigger, so that nobody counts them as protection.
    """
    word = str(source.get("ordType"))
    given = [name for name in ("sl", "tp") if source.get(f"{name}TriggerPx") not in (None, "")]
    name = given[0] if len(given) == 1 else ""
    if word == "conditional" and name and str(source.get(f"{name}OrdPx")) == "-1":
        kind = OrderKind.STOP_MARKET if name == "sl" else OrderKind.TAKE_PROFIT_MARKET
        return kind, name, ""
    return OrderKind.STOP_MARKET, "", f"venue type {word[:30]}: not counted as a stop"


def child_of(source: Row) -> str:
    """Return the number of the newest order that a conditional one bore, "" before that."""
    born = source.get("ordIdList")
    listed = [str(each) for each in born if each] if isinstance(born, list) else []
    return str(source.get("ordId") or "") or (listed[-1] if listed else "")


def with_child(parent: OrderState, child: OrderState) -> OrderState:
    """Return a triggered conditional order with what the order it bore did."""
    return structs.replace(
        parent,
        status=OrderStatus.TRIGGERING if child.status.is_live else child.status,
        filled_qty=child.filled_qty,
        average_price=child.average_price,
        event_ns=max(parent.event_ns, child.event_ns),
    )


def position(source: Row, sizes: Sizes) -> PositionState | None:
    """Parse one leg; None for a flat one. A row of the stream says less than one by request."""
    what = "position"
    signed = coins(source, "pos", sizes, what)
    if signed == ZERO:
        return None
    side, hedged = leg_of(source, signed)
    return PositionState(
        symbol=okx.unified(fields.text(source, "instId", what)),
        side=side,
        qty=abs(signed),
        entry_price=fields.positive(source, "avgPx", what),
        margin_mode=fields.choice(source, "mgnMode", okx.MARGIN_MODES, what),
        event_ns=fields.instant_ns(source, "uTime", what),
        hedged=hedged,
        leverage=fields.whole_or_none(source, "lever", what) if source.get("lever") else None,
        isolated_margin_usd=(
            fields.number(source, "margin", what)
            if source.get("margin") not in (None, "")
            else None
        ),
        venue_liq_price=fields.positive_or_none(source, "liqPx", what),
        adl_rank=_rank(source),
    )


def leg_of(source: Row, signed: Decimal) -> tuple[PositionSide, bool]:
    """Return the side of a leg and whether it is one of hedge mode."""
    named = fields.choice(source, "posSide", okx.LEGS, "position")
    if named is not None:
        return named, True
    return (PositionSide.LONG if signed > ZERO else PositionSide.SHORT), False


def _rank(source: Row) -> int | None:
    """The venue counts lights from 1 to 5; the house from 0."""
    rank = fields.whole_or_none(source, "adl", "position") if source.get("adl") else None
    return rank - 1 if rank else None


def wallet_usd(balance: Row) -> Decimal:
    """Return the USDT of an account, margin of isolated positions included.

    Raises:
        VenueDataInvalid: no USDT is told.
    """
    for item in fields.rows(balance.get("details"), "balance"):
        source = fields.row(item, "balance")
        if fields.text(source, "ccy", "balance") == okx.SETTLE:
            return fields.number(source, "cashBal", "balance")
    raise VenueDataInvalid(f"balance: no {okx.SETTLE} is told; the trading account needs some")


def fill(source: Row, client_order_id: str, sizes: Sizes, received_ns: int) -> Fill:
    """Parse an execution read by request."""
    what = "fill"
    sub = str(source.get("subType") or "")
    return Fill(
        symbol=okx.unified(fields.text(source, "instId", what)),
        trade_id=fields.text(source, "tradeId", what),
        client_order_id=client_order_id,
        venue_order_id=fields.text(source, "ordId", what),
        side=fields.choice(source, "side", okx.SIDES, what),
        position_side=fields.choice(source, "posSide", okx.LEGS, what),
        qty=coins(source, "fillSz", sizes, what),
        price=fields.positive(source, "fillPx", what),
        fee_usd=-fields.number(source, "fee", what),
        realized_pnl_usd=fields.number(source, "fillPnl", what),
        is_maker=source.get("execType") == "M",
        event_ns=fields.instant_ns(source, "ts", what),
        received_ns=received_ns,
        is_liquidation=sub in okx.FORCED_BILLS,
        is_adl=sub in okx.ADL_BILLS,
    )


def told_fill(source: Row, state: OrderState, sizes: Sizes, received_ns: int) -> Fill | None:
    """Parse the execution that the channel of orders tells along with an order."""
    what = "fill"
    if not source.get("tradeId") or source.get("fillSz") in (None, "", "0"):
        return None
    fee_coin = source.get("fillFeeCcy") or okx.SETTLE
    if fee_coin != okx.SETTLE:
        raise VenueDataInvalid(f"{what}: fee in {str(fee_coin)[:12]}")
    category = str(source.get("category") or "")
    return Fill(
        symbol=state.symbol,
        trade_id=fields.text(source, "tradeId", what),
        client_order_id=state.client_order_id,
        venue_order_id=state.venue_order_id,
        side=state.side,
        position_side=state.position_side,
        qty=coins(source, "fillSz", sizes, what),
        price=fields.positive(source, "fillPx", what),
        fee_usd=-fields.number(source, "fillFee", what),
        realized_pnl_usd=fields.number(source, "fillPnl", what),
        is_maker=source.get("execType") == "M",
        event_ns=fields.instant_ns(source, "fillTime", what),
        received_ns=received_ns,
        is_liquidation=category in okx.FORCED,
        is_adl=category == okx.ADL,
    )


def income(source: Row) -> list[IncomeRow]:
    """Parse one bill: its fee, and the rest of what it changed."""
    what = "bill"
    if fields.text(source, "ccy", what) != okx.SETTLE:
        return []
    number, kind = fields.text(source, "billId", what), fields.text(source, "type", what)
    change = fields.number(source, "balChg", what)
    fee = fields.number(source, "fee", what) if source.get("fee") else ZERO
    rest = {"8": "FUNDING_FEE", "1": "TRANSFER", "2": "REALIZED_PNL"}.get(kind, f"BILL_{kind}")
    name = str(source.get("instId") or "")
    symbol = okx.unified(name) if is_ours(source) else ""
    at_ns = fields.instant_ns(source, "ts", what)
    parts = ((rest, change - fee), ("COMMISSION", fee))
    return [
        IncomeRow(
            income_id=number, kind=word, asset=okx.SETTLE, amount=amount, event_ns=at_ns,
            symbol=symbol, info=str(source.get("tradeId") or name),
        )
        for word, amount in parts
        if amount != ZERO
    ]  # fmt: skip
