"""Binance's contracts, bars and open interest as domain values; nonsense is refused."""

from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise

from bot.domain.errors import VenueDataInvalid
from bot.domain.instrument import Instrument, MarginTier
from bot.domain.market import Candle, OpenInterest
from bot.domain.units import NS_PER_S, finite, finite_positive
from bot.venue import fields
from bot.venue.fields import Row
from bot.venue.profiles import binance


def instrument(contract: Row, brackets: object, commission: Row) -> Instrument:
    """Build a contract from exchangeInfo, leverageBracket and commissionRate.

    Raises:
        VenueDataInvalid: nonsense, or not a linear USDT perpetual.
    """
    name = fields.text(contract, "symbol", "contract")
    if contract.get("contractType") != "PERPETUAL" or contract.get("marginAsset") != binance.SETTLE:
        raise VenueDataInvalid(f"{name}: only USDT-margined perpetuals are supported")
    filters = _filters(contract, name)
    lots, market_lots = filters["LOT_SIZE"], filters["MARKET_LOT_SIZE"]
    cap = filters.get("MAX_NUM_ALGO_ORDERS", {})
    return Instrument(
        symbol=binance.unified(name),
        venue_id=name,
        base=fields.text(contract, "baseAsset", name),
        quote=fields.text(contract, "quoteAsset", name),
        tick=fields.positive(filters["PRICE_FILTER"], "tickSize", name),
        lot=_coarser(lots, market_lots, "stepSize", name),
        qty_min=_coarser(lots, market_lots, "minQty", name),
        qty_max=fields.positive(lots, "maxQty", name),
        market_qty_max=fields.positive(market_lots, "maxQty", name),
        notional_min_usd=fields.positive(filters["MIN_NOTIONAL"], "notional", name),
        contract_size=Decimal(1),
        taker_fee_frac=_fee_frac(commission, "takerCommissionRate", name),
        maker_fee_frac=_fee_frac(commission, "makerCommissionRate", name),
        tiers=tiers(brackets, name),
        stops_max=fields.whole_or_none(cap, "limit", name) or 10,
    )


def tiers(brackets: object, name: str) -> tuple[MarginTier, ...]:
    """Parse the margin tiers of one contract, lowest notional first, without holes."""
    if not isinstance(brackets, list) or not brackets:
        raise VenueDataInvalid(f"{name}: no margin tiers")
    found = sorted((_tier(fields.row(item, name), name) for item in brackets), key=_floor_usd)
    if found[0].floor_usd != 0.0:
        raise VenueDataInvalid(f"{name}: margin tiers do not begin at zero")
    for lower, upper in pairwise(found):
        if lower.cap_usd != upper.floor_usd or upper.maint_frac < lower.maint_frac:
            raise VenueDataInvalid(f"{name}: margin tiers have a hole at {lower.cap_usd:g} USD")
    return tuple(found)


def _tier(source: Row, name: str) -> MarginTier:
    tier = MarginTier(
        floor_usd=finite(source.get("notionalFloor"), f"{name}.notionalFloor"),
        cap_usd=finite_positive(source.get("notionalCap"), f"{name}.notionalCap"),
        maint_frac=finite_positive(source.get("maintMarginRatio"), f"{name}.maintMarginRatio"),
        deduction_usd=finite(source.get("cum"), f"{name}.cum"),
        leverage_max=finite_positive(source.get("initialLeverage"), f"{name}.initialLeverage"),
    )
    if not (0.0 <= tier.floor_usd < tier.cap_usd and tier.maint_frac < 1.0):
        raise VenueDataInvalid(f"{name}: margin tier at {tier.floor_usd:g} USD makes no sense")
    if tier.deduction_usd < 0.0:
        raise VenueDataInvalid(f"{name}: margin tier with a negative deduction")
    return tier


def _floor_usd(tier: MarginTier) -> float:
    return tier.floor_usd


def _filters(contract: Row, name: str) -> dict[str, Row]:
    listed = contract.get("filters")
    if not isinstance(listed, list):
        raise VenueDataInvalid(f"{name}: no filters")
    found = {}
    for item in listed:
        source = fields.row(item, name)
        found[fields.text(source, "filterType", name)] = source
    for needed in ("PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "MIN_NOTIONAL"):
        if needed not in found:
            raise VenueDataInvalid(f"{name}: filter {needed} is missing")
    return found


def _coarser(lots: Row, market_lots: Row, key: str, name: str) -> Decimal:
    """The stricter of limit and market rules: one quantity must satisfy both."""
    return max(fields.positive(lots, key, name), fields.positive(market_lots, key, name))


def _fee_frac(commission: Row, key: str, name: str) -> float:
    fee = finite(commission.get(key), f"{name}.{key}")
    if not -0.01 <= fee <= 0.05:
        raise VenueDataInvalid(f"{name}.{key}: absurd fee {fee:g}")
    return fee


def candles(
    rows: Iterable[object], symbol: str, timeframe_s: int, *, venue_now_ns: int, received_ns: int
) -> tuple[Candle, ...]:
    """Parse klines, oldest first, leaving out the bar that has not closed."""
    bars = [_candle(item, symbol, timeframe_s, received_ns) for item in rows]
    for earlier, later in pairwise(bars):
        if later.event_ns <= earlier.event_ns:
            raise VenueDataInvalid(f"{symbol} klines are not in order")
    return tuple(bar for bar in bars if bar.event_ns <= venue_now_ns)


def _candle(item: object, symbol: str, timeframe_s: int, received_ns: int) -> Candle:
    what = f"{symbol} kline"
    if not isinstance(item, list) or len(item) < 7:
        raise VenueDataInvalid(f"{what}: seven columns are needed")
    open_ns = fields.instant_ns({"open": item[0]}, "open", what)
    first, high, low, last = (finite_positive(item[i], what) for i in (1, 2, 3, 4))
    volume = finite(item[5], what)
    if not (low <= min(first, last) and high >= max(first, last)) or volume < 0.0:
        raise VenueDataInvalid(f"{what}: high, low and volume contradict each other")
    return Candle(
        symbol=symbol,
        event_ns=open_ns + timeframe_s * NS_PER_S,
        received_ns=received_ns,
        timeframe_s=timeframe_s,
        open=first,
        high=high,
        low=low,
        close=last,
        volume=volume,
        history=True,
    )


def open_interest(source: Row, symbol: str, received_ns: int) -> OpenInterest:
    """Parse open interest in coins."""
    qty = finite(source.get("openInterest"), f"{symbol} open interest")
    if qty < 0.0:
        raise VenueDataInvalid(f"{symbol} open interest is negative")
    return OpenInterest(
        symbol=symbol,
        event_ns=fields.instant_ns(source, "time", f"{symbol} open interest"),
        received_ns=received_ns,
        venue=binance.NAME,
        qty=qty,
    )
