"""The venue's account, order and execution rows as domain values; nonsense is refused.

What the venue leaves out (a leverage, a liquidation price) is unknown, never zero.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from bot.domain.account import IncomeRow, MarginMode, PositionState
from bot.domain.errors import VenueDataInvalid
from bot.domain.messages import Fill
from bot.domain.orders import OrderKind, OrderState, OrderStatus, PositionSide, TriggerBy
from bot.domain.units import ZERO
from bot.venue import fields
from bot.venue.fields import Row
from bot.venue.hyperliquid.cloid import from_cloid
from bot.venue.profiles import hyperliquid as profile

ADL = "Auto-Deleveraging"


def coin(source: Row, what: str) -> str:
    """Return the symbol of a row's coin."""
    return profile.unified(fields.text(source, "coin", what))


# ---------------------------------------------------------------------- account


def positions(state: Row) -> tuple[PositionState, ...]:
    """Parse the open positions of a clearinghouseState.

    Raises:
        VenueDataInvalid: nonsense, or a position that is not one-way.
    """
    what = "clearinghouseState"
    at_ns = fields.instant_ns(state, "time", what)
    found = []
    for item in fields.rows(state.get("assetPositions"), what):
        holder = fields.row(item, what)
        if holder.get("type") != "oneWay":
            raise VenueDataInvalid(f"{what}: a position of type {str(holder.get('type'))[:20]!r}")
        held = _position(fields.row(holder.get("position"), what), at_ns)
        if held is not None:
            found.append(held)
    return tuple(found)


def _position(source: Row, at_ns: int) -> PositionState | None:
    what = "position"
    signed = fields.number(source, "szi", what)
    if signed == ZERO:
        return None
    mode, leverage = margin_setting(source.get("leverage"))
    isolated = None
    if mode is MarginMode.ISOLATED and source.get("marginUsed") is not None:
        profit = fields.number(source, "unrealizedPnl", what)
        isolated = fields.number(source, "marginUsed", what) - profit
    return PositionState(
        symbol=coin(source, what),
        side=PositionSide.LONG if signed > ZERO else PositionSide.SHORT,
        qty=abs(signed),
        entry_price=fields.positive(source, "entryPx", what),
        margin_mode=mode,
        event_ns=at_ns,
        leverage=leverage,
        isolated_margin_usd=isolated,
        venue_liq_price=fields.positive_or_none(source, "liquidationPx", what),
    )


def margin_setting(given: object) -> tuple[MarginMode | None, int | None]:
    """Return mode and leverage as far as the venue says them."""
    if not isinstance(given, dict):
        return None, None
    mode = (
        fields.choice(given, "type", profile.MARGIN_MODES, "leverage") if "type" in given else None
    )
    return mode, fields.whole_or_none(given, "value", "leverage")


def wallet_usd(state: Row) -> Decimal:
    """Return what the account holds without the profit of open positions."""
    what = "clearinghouseState"
    summary = fields.row(state.get("marginSummary"), what)
    value = fields.number(summary, "accountValue", what)
    profit = ZERO
    for item in fields.rows(state.get("assetPositions"), what):
        held = fields.row(fields.row(item, what).get("position"), what)
        profit += fields.number(held, "unrealizedPnl", what)
    return value - profit


# ---------------------------------------------------------------------- orders


def order(source: Row, status: OrderStatus, at_ns: int, reason: str = "") -> OrderState:
    """Parse an order as frontendOpenOrders and orderStatus show it."""
    what = "order"
    conditional = source.get("isTrigger") is True
    kind, trigger, remark = _kind(source) if conditional else (_plain_kind(source), None, "")
    whole = source.get("isPositionTpsl") is True
    given = fields.amount(source, "origSz", what)
    left = fields.amount(source, "sz", what)
    closing = whole and given == ZERO
    oid = fields.text(source, "oid", what)
    filled = given if status is OrderStatus.FILLED else max(given - left, ZERO)
    return OrderState(
        client_order_id=from_cloid(source.get("cloid"), oid),
        venue_order_id=oid,
        symbol=coin(source, what),
        side=fields.choice(source, "side", profile.SIDES, what),
        kind=kind,
        status=status,
        qty=ZERO if closing else given,
        filled_qty=filled,
        reduce_only=whole or fields.flag(source, "reduceOnly", what),
        close_position=closing,
        event_ns=at_ns,
        price=fields.positive_or_none(source, "limitPx", what),
        trigger_price=trigger,
        trigger_by=TriggerBy.MARK if conditional else None,
        reason=reason or remark,
    )


def _plain_kind(source: Row) -> OrderKind:
    """An order that takes at once is the house's market order; nothing else is one here."""
    return OrderKind.MARKET if source.get("tif") in ("Ioc", "FrontendMarket") else OrderKind.LIMIT


def _kind(source: Row) -> tuple[OrderKind, Decimal | None, str]:
    """Kinds the house does not place stay visible as stops without a trigger: no protection."""
    word = fields.text(source, "orderType", "order")
    kind = profile.KINDS.get(word.upper())
    if kind is not None:
        return kind, fields.positive_or_none(source, "triggerPx", "order"), ""
    return OrderKind.STOP_MARKET, None, f"venue type {word[:40]}: not counted as a stop"


def open_orders(rows: Iterable[object]) -> tuple[OrderState, ...]:
    """Parse frontendOpenOrders; orders of spot pairs are no business of ours."""
    found = []
    for item in rows:
        source = fields.row(item, "open order")
        if is_ours(source):
            at_ns = fields.instant_ns(source, "timestamp", "open order")
            found.append(order(source, OrderStatus.WORKING, at_ns))
    return tuple(found)


def is_ours(source: Row) -> bool:
    """Tell whether a row is about one of the venue's own perpetuals."""
    name = fields.text(source, "coin", "row")
    return not (name.startswith("@") or "/" in name or ":" in name)


def order_status(answer: Row) -> OrderState | None:
    """Parse the answer to orderStatus; None: the venue knows no such order."""
    word = answer.get("status")
    if word == "unknownOid":
        return None
    if word != "order":
        raise VenueDataInvalid(f"orderStatus: {str(word)[:40]!r}")
    return with_status(fields.row(answer.get("order"), "orderStatus"))


def with_status(source: Row) -> OrderState:
    """Parse an order with the word for where it stands."""
    word = fields.text(source, "status", "orderStatus")
    status = profile.status_of(word)
    if status is None:
        raise VenueDataInvalid(f"orderStatus: unknown word {word[:40]!r}")
    at_ns = fields.instant_ns(source, "statusTimestamp", "orderStatus")
    reason = "" if word in profile.STATUSES else word
    return order(fields.row(source.get("order"), "orderStatus"), status, at_ns, reason)


# ---------------------------------------------------------------------- executions, ledger


def fill(source: Row, client_order_id: str, user: str, received_ns: int) -> Fill:
    """Parse an execution; one that names us as liquidated is our own liquidation."""
    what = "fill"
    token = source.get("feeToken", profile.SETTLE)
    if token != profile.SETTLE:
        raise VenueDataInvalid(f"{what}: fee in {str(token)[:12]}")
    forced = source.get("liquidation")
    own = False
    if forced is not None:
        named = fields.text(fields.row(forced, what), "liquidatedUser", what)
        own = named.lower() == user.lower()
    is_adl = source.get("dir") == ADL
    return Fill(
        symbol=coin(source, what),
        trade_id=fields.text(source, "tid", what),
        client_order_id=client_order_id,
        venue_order_id=fields.text(source, "oid", what),
        side=fields.choice(source, "side", profile.SIDES, what),
        position_side=None,
        qty=fields.positive(source, "sz", what),
        price=fields.positive(source, "px", what),
        fee_usd=fields.number(source, "fee", what),
        realized_pnl_usd=fields.number(source, "closedPnl", what),
        is_maker=not fields.flag(source, "crossed", what),
        event_ns=fields.instant_ns(source, "time", what),
        received_ns=received_ns,
        is_liquidation=own and not is_adl,
        is_adl=is_adl,
    )


def funding_rows(rows: Iterable[object]) -> list[IncomeRow]:
    """Parse userFunding."""
    found = []
    for item in rows:
        source = fields.row(item, "funding")
        delta = fields.row(source.get("delta"), "funding")
        at_ns = fields.instant_ns(source, "time", "funding")
        name = fields.text(delta, "coin", "funding")
        if not is_ours(delta):
            continue
        found.append(
            IncomeRow(
                income_id=f"{at_ns}-{name}",
                kind="FUNDING_FEE",
                asset=profile.SETTLE,
                amount=fields.number(delta, "usdc", "funding"),
                event_ns=at_ns,
                symbol=profile.unified(name),
            )
        )
    return found


def trade_rows(fills: Iterable[Fill]) -> list[IncomeRow]:
    """Return what executions paid and cost, in the words of the house's ledger."""
    found = []
    for each in fills:
        for kind, amount in (
            ("REALIZED_PNL", each.realized_pnl_usd),
            ("COMMISSION", -each.fee_usd),
        ):
            if amount != ZERO:
                found.append(
                    IncomeRow(
                        income_id=each.trade_id, kind=kind, asset=profile.SETTLE, amount=amount,
                        event_ns=each.event_ns, symbol=each.symbol, info=each.trade_id,
                    )
                )  # fmt: skip
    return found


_SIGNS: Mapping[str, int] = {"deposit": 1, "withdraw": -1, "vaultDeposit": -1}
_BETWEEN = frozenset({"internalTransfer", "subAccountTransfer"})
"""From one address to another: the sender pays the fee."""


def transfer_rows(rows: Iterable[object], user: str) -> list[IncomeRow]:
    """Parse userNonFundingLedgerUpdates as far as it moves dollars in or out of `user`'s wallet."""
    found = []
    for item in rows:
        source = fields.row(item, "ledger")
        delta = fields.row(source.get("delta"), "ledger")
        kind = fields.text(delta, "type", "ledger")
        if delta.get("usdc") is None:
            continue
        amount = fields.number(delta, "usdc", "ledger")
        if kind == "accountClassTransfer":
            amount *= 1 if fields.flag(delta, "toPerp", "ledger") else -1
        elif kind in _SIGNS:
            amount *= _SIGNS[kind]
        elif kind in _BETWEEN:
            amount = _moved(delta, amount, user)
        else:
            continue  # the wallet shows it, the cause stays unknown
        found.append(
            IncomeRow(
                income_id=fields.text(source, "hash", "ledger"), kind="TRANSFER",
                asset=profile.SETTLE, amount=amount,
                event_ns=fields.instant_ns(source, "time", "ledger"), info=kind,
            )
        )  # fmt: skip
    return found


def _moved(delta: Row, amount: Decimal, user: str) -> Decimal:
    """Return what a transfer between two addresses did to the wallet of one of them."""
    if fields.text(delta, "destination", "ledger").lower() == user:
        return amount
    fee = fields.number(delta, "fee", "ledger") if delta.get("fee") is not None else ZERO
    return -amount - fee
