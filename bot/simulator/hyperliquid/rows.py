"""Accounts, orders and executions as the protocol shows them."""

from collections.abc import Iterable
from decimal import Decimal

from bot.domain.account import IncomeRow, MarginMode
from bot.domain.messages import Fill
from bot.domain.orders import OrderKind, OrderSide, OrderState, OrderStatus, TimeInForce
from bot.domain.units import ZERO
from bot.simulator.binance.account_rows import AccountReading, LegReading
from bot.simulator.hyperliquid.desk import HASH, Desk, cloid_of, is_forced, ms

Row = dict[str, object]
SIDES = {OrderSide.BUY: "B", OrderSide.SELL: "A"}
LIVES = {TimeInForce.GTC: "Gtc", TimeInForce.IOC: "Ioc", TimeInForce.GTX: "Alo"}
_ENDS = {
    "nothing left to reduce": "reduceOnlyCanceled",
    "ReduceOnly Order is rejected.": "reduceOnlyCanceled",
    "liquidation": "marginCanceled",
}


def text(number: Decimal) -> str:
    """Return a Decimal without exponent, and with one decimal at least, as the venue writes."""
    plain = format(number.normalize(), "f")
    return plain if "." in plain else f"{plain}.0"


def usd(amount: Decimal) -> str:
    """Return USD with six decimals."""
    return text(amount.quantize(Decimal("0.000001")))


# ---------------------------------------------------------------------- account


def clearinghouse(desk: Desk, account_id: str) -> Row:
    """Return the answer to clearinghouseState of an account."""
    return clearinghouse_row(desk, desk.world.reading(account_id))


def clearinghouse_row(desk: Desk, reading: AccountReading) -> Row:
    """Return a reading of an account in the venue's words."""
    cross = [leg for leg in reading.legs if not leg.is_isolated]
    return {
        "marginSummary": _summary(reading.wallet_usd, reading.legs),
        "crossMarginSummary": _summary(reading.cross_wallet_usd, cross),
        "crossMaintenanceMarginUsed": usd(sum((leg.maintenance_usd for leg in cross), ZERO)),
        "withdrawable": usd(reading.available_usd),
        "assetPositions": [
            {"type": "oneWay", "position": _position(desk, leg)} for leg in reading.legs
        ],
        "time": desk.now_ms(),
    }


def _summary(wallet_usd: Decimal, legs: Iterable[LegReading]) -> Row:
    held = list(legs)
    value = wallet_usd + sum((leg.unrealised_usd for leg in held), ZERO)
    signed = sum((leg.sign * leg.notional_usd for leg in held), ZERO)
    return {
        "accountValue": usd(value),
        "totalNtlPos": usd(sum((leg.notional_usd for leg in held), ZERO)),
        "totalRawUsd": usd(value - signed),
        "totalMarginUsed": usd(sum((_margin_used(leg) for leg in held), ZERO)),
    }


def _margin_used(leg: LegReading) -> Decimal:
    if leg.is_isolated:
        return leg.isolated_wallet_usd + leg.unrealised_usd
    return leg.initial_usd


def _position(desk: Desk, reading: LegReading) -> Row:
    leg, used = reading.leg, _margin_used(reading)
    leverage: Row = {"type": "cross", "value": leg.leverage}
    if leg.margin_mode is MarginMode.ISOLATED:
        raw = used - reading.sign * reading.notional_usd
        leverage = {"type": "isolated", "value": leg.leverage, "rawUsd": usd(raw)}
    contract = desk.world.by_symbol[leg.symbol]
    liquidation = leg.venue_liq_price
    return {
        "coin": contract.venue_id,
        "szi": text(reading.sign * leg.qty),
        "leverage": leverage,
        "entryPx": text(leg.entry_price),
        "positionValue": usd(reading.notional_usd),
        "unrealizedPnl": usd(reading.unrealised_usd),
        "returnOnEquity": text(_share(reading.unrealised_usd, used)),
        "liquidationPx": text(liquidation) if liquidation is not None else None,
        "marginUsed": usd(used),
        "maxLeverage": int(max(tier.leverage_max for tier in contract.tiers)),
        "cumFunding": {"allTime": "0.0", "sinceOpen": "0.0", "sinceChange": "0.0"},
    }


def _share(part: Decimal, whole: Decimal) -> Decimal:
    return (part / whole).quantize(Decimal("1e-10")) if whole else ZERO


def empty_account(now_ms: int) -> Row:
    """Return what the venue shows of an address that nobody uses: nothing, not an error."""
    nothing: Row = {
        "accountValue": "0.0",
        "totalNtlPos": "0.0",
        "totalRawUsd": "0.0",
        "totalMarginUsed": "0.0",
    }
    return {
        "marginSummary": nothing,
        "crossMarginSummary": nothing,
        "crossMaintenanceMarginUsed": "0.0",
        "withdrawable": "0.0",
        "assetPositions": [],
        "time": now_ms,
    }


# ---------------------------------------------------------------------- orders


def status_word(state: OrderState) -> str:
    """Return the venue's word for where an order stands."""
    match state.status:
        case OrderStatus.WORKING | OrderStatus.PENDING | OrderStatus.UNKNOWN:
            return "open"
        case OrderStatus.TRIGGERING:
            return "triggered"
        case OrderStatus.FILLED:
            return "filled"
        case OrderStatus.REJECTED:
            return "reduceOnlyRejected" if "-2022" in state.reason else "perpMarginRejected"
        case _:
            return _ENDS.get(state.reason, "canceled")


def order_row(desk: Desk, account_id: str, state: OrderState) -> Row:
    """Return an order as frontendOpenOrders and orderStatus show it."""
    conditional = state.kind.is_conditional
    whole = state.close_position
    limit = state.price if state.price is not None else state.average_price or state.trigger_price
    record = desk.world.records(account_id).by_id(state.venue_order_id, conditional=conditional)
    born_ns = record.created_ns if record is not None else state.event_ns
    life = record.time_in_force if record is not None else TimeInForce.GTC
    return {
        "coin": desk.world.venue_id(state.symbol),
        "side": SIDES[state.side],
        "limitPx": text(limit or ZERO),
        "sz": text(ZERO if whole else state.remaining_qty),
        "oid": int(state.venue_order_id),
        "timestamp": ms(born_ns),
        "triggerCondition": _condition(state) if conditional else "N/A",
        "isTrigger": conditional,
        "triggerPx": text(state.trigger_price or ZERO),
        "children": [],
        "isPositionTpsl": whole,
        "reduceOnly": state.reduce_only or whole,
        "orderType": _type_word(state),
        "origSz": text(ZERO if whole else state.qty),
        "tif": None if conditional else LIVES.get(life, "Gtc"),
        "cloid": cloid_of(state.client_order_id),
    }


def _type_word(state: OrderState) -> str:
    return {
        OrderKind.STOP_MARKET: "Stop Market",
        OrderKind.TAKE_PROFIT_MARKET: "Take Profit Market",
        OrderKind.MARKET: "Market",
        OrderKind.LIMIT: "Limit",
    }[state.kind]


def _condition(state: OrderState) -> str:
    stop = state.kind is OrderKind.STOP_MARKET
    below = (state.side is OrderSide.SELL) is stop
    return f"Price {'below' if below else 'above'} {text(state.trigger_price or ZERO)}"


def short_row(row: Row) -> Row:
    """Return an order as openOrders and orderUpdates show it."""
    names = ("coin", "side", "limitPx", "sz", "oid", "timestamp", "origSz", "cloid", "reduceOnly")
    return {name: row[name] for name in names}


def update_row(desk: Desk, account_id: str, state: OrderState) -> Row:
    """Return one order of the orderUpdates channel."""
    return {
        "order": short_row(order_row(desk, account_id, state)),
        "status": status_word(state),
        "statusTimestamp": ms(state.event_ns),
    }


# ---------------------------------------------------------------------- executions, ledger


def fill_rows(desk: Desk, account_id: str, fills: Iterable[Fill]) -> list[Row]:
    """Return executions, each with the signed position it began from."""
    wanted = {fill.trade_id for fill in fills}
    rows: list[tuple[int, Row]] = []
    for contract in desk.contracts:
        held = ZERO
        for fill in desk.world.exchange.trades(account_id, contract.symbol, 0):
            if fill.trade_id in wanted:
                row = _fill_row(desk, account_id, fill, contract.venue_id, held)
                rows.append((fill.event_ns, row))
            held += fill.side.sign * fill.qty
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]


def _fill_row(desk: Desk, account_id: str, fill: Fill, coin: str, held: Decimal) -> Row:
    forced, adl = is_forced(fill.client_order_id)
    row: Row = {
        "coin": coin,
        "px": text(fill.price),
        "sz": text(fill.qty),
        "side": SIDES[fill.side],
        "time": ms(fill.event_ns),
        "startPosition": text(held),
        "dir": "Auto-Deleveraging" if adl or fill.is_adl else _direction(fill, held),
        "closedPnl": usd(fill.realized_pnl_usd),
        "hash": HASH,
        "oid": desk.oid(account_id, fill.symbol, fill.venue_order_id),
        "crossed": not fill.is_maker,
        "fee": usd(fill.fee_usd),
        "tid": int(fill.trade_id),
        "cloid": cloid_of(fill.client_order_id),
        "feeToken": "USDC",
        "twapId": None,
    }
    if (forced or fill.is_liquidation) and not adl:
        mark = desk.world.exchange.market(fill.symbol).mark
        row["liquidation"] = {
            "liquidatedUser": desk.address_of(account_id),
            "markPx": text(Decimal(repr(mark))),
            "method": "market",
        }
    return row


def _direction(fill: Fill, held: Decimal) -> str:
    signed = fill.side.sign * fill.qty
    after = held + signed
    if held * signed >= ZERO:
        return "Open Long" if signed > ZERO else "Open Short"
    if held * after < ZERO:
        return "Long > Short" if held > ZERO else "Short > Long"
    return "Close Long" if held > ZERO else "Close Short"


def funding_row(desk: Desk, account_id: str, row: IncomeRow) -> Row:
    """Return a payment of funding."""
    fills = desk.world.exchange.trades(account_id, row.symbol, 0)
    held = sum((f.side.sign * f.qty for f in fills if f.event_ns < row.event_ns), ZERO)
    mark = Decimal(repr(desk.world.exchange.market(row.symbol).mark))
    rate = -row.amount / (held * mark) if held and mark else ZERO
    return {
        "type": "funding",
        "coin": desk.world.venue_id(row.symbol),
        "usdc": usd(row.amount),
        "szi": text(held),
        "fundingRate": text(rate.quantize(Decimal("1e-10"))),
        "nSamples": None,
    }
