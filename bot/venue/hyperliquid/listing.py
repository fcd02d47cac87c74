"""The venue's contracts: asset numbers, digits, margin tables, fees; and its bars."""

from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from typing import Final

import msgspec

from bot.domain.errors import VenueDataInvalid
from bot.domain.instrument import Instrument, MarginTier
from bot.domain.market import Candle
from bot.domain.units import NS_PER_S, finite, finite_positive
from bot.venue import fields
from bot.venue.fields import Row
from bot.venue.hyperliquid.prices import tick_for
from bot.venue.profiles import hyperliquid as profile

CAP_USD: Final = 1e11
"""The last margin tier has no end; this stands for it."""
STOPS_MAX: Final = 100
"""Far below the venue's limit of a thousand open orders of all kinds."""
_ORDER_USD: Final = ((25, 15_000_000), (20, 5_000_000), (10, 2_000_000), (0, 500_000))
"""(leverage from, largest market order in USD); a limit order may be ten times as large."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One contract as requests need it."""

    coin: str
    asset: int
    size_decimals: int


def listed(meta: Row) -> dict[str, Listed]:
    """Return the contracts by coin; the place in the list is the asset's number."""
    found = {}
    for number, item in enumerate(fields.rows(meta.get("universe"), "meta")):
        source = fields.row(item, "meta")
        name = fields.text(source, "name", "meta")
        decimals = fields.whole_or_none(source, "szDecimals", "meta")
        if decimals is None or decimals > profile.DECIMALS:
            raise VenueDataInvalid(f"{name[:20]}: szDecimals makes no sense")
        if source.get("isDelisted") is not True:
            found[name] = Listed(coin=name, asset=number, size_decimals=decimals)
    return found


def instrument(
    meta: Row, states: list[object], contract: Listed, fees: tuple[float, float]
) -> Instrument:
    """Build a contract from the list, its present state and the account's (taker, maker) fees."""
    name = contract.coin
    source = fields.row(fields.rows(meta.get("universe"), "meta")[contract.asset], "meta")
    if contract.asset >= len(states):
        raise VenueDataInvalid(f"{name}: no state in the list")
    state = fields.row(states[contract.asset], name)
    mark = fields.positive(state, "markPx", name)
    lot = Decimal(1).scaleb(-contract.size_decimals)
    leverage = fields.positive(source, "maxLeverage", name)
    most_usd = next(usd for above, usd in _ORDER_USD if leverage >= above)
    most = (most_usd / mark).quantize(lot) if most_usd / mark > lot else lot
    return Instrument(
        symbol=profile.unified(name),
        venue_id=name,
        base=name,
        quote=profile.SETTLE,
        tick=tick_for(mark, contract.size_decimals),
        lot=lot,
        qty_min=lot,
        qty_max=most * 10,
        market_qty_max=most,
        notional_min_usd=Decimal(profile.NOTIONAL_MIN_USD),
        contract_size=Decimal(1),
        taker_fee_frac=fees[0],
        maker_fee_frac=fees[1],
        tiers=tiers(_table(meta, source, name), name),
        stops_max=STOPS_MAX,
    )


def fees(answer: Row) -> tuple[float, float]:
    """Return (taker, maker) fee as fractions."""
    found = []
    for key in ("userCrossRate", "userAddRate"):
        rate = finite(answer.get(key), f"userFees.{key}")
        if not -0.01 <= rate <= 0.05:
            raise VenueDataInvalid(f"userFees.{key}: absurd fee {rate:g}")
        found.append(rate)
    return found[0], found[1]


def _table(meta: Row, source: Row, name: str) -> list[tuple[float, float]]:
    """Return (from USD, leverage) of a contract's margin table; a plain one is its leverage."""
    wanted = source.get("marginTableId")
    for item in fields.rows(meta.get("marginTables", []), "meta"):
        pair = fields.rows(item, "margin table")
        if len(pair) == 2 and pair[0] == wanted:
            rows = fields.rows(fields.row(pair[1], name).get("marginTiers"), name)
            return [
                (
                    finite(fields.row(row, name).get("lowerBound"), name),
                    finite_positive(fields.row(row, name).get("maxLeverage"), name),
                )
                for row in rows
            ]
    return [(0.0, finite_positive(source.get("maxLeverage"), name))]


def tiers(table: list[tuple[float, float]], name: str) -> tuple[MarginTier, ...]:
    """Return margin tiers: maintenance is half of what opens at a tier's highest leverage.

    The deduction makes the maintenance margin continuous where two tiers meet. Source: the venue's
    documentation of margin tiers.
    """
    if not table or table[0][0] != 0.0:
        raise VenueDataInvalid(f"{name}: margin tiers do not begin at zero")
    for (lower, more), (upper, less) in pairwise(table):
        if upper <= lower or less > more:
            raise VenueDataInvalid(f"{name}: margin tiers are not in order")
    caps = [floor for floor, _ in table[1:]] + [CAP_USD]
    found, deduction, before = [], 0.0, 0.5 / table[0][1]
    for (floor, leverage), cap in zip(table, caps, strict=True):
        maint = 0.5 / leverage
        deduction += floor * (maint - before)
        before = maint
        found.append(MarginTier(floor, cap, maint, deduction, leverage))
    return tuple(found)


def candles(
    rows: Iterable[object], symbol: str, timeframe_s: int, *, venue_now_ns: int, received_ns: int
) -> tuple[Candle, ...]:
    """Parse candleSnapshot, oldest first, leaving out the bar that has not closed."""
    bars = [_candle(fields.row(item, symbol), symbol, timeframe_s, received_ns) for item in rows]
    for earlier, later in pairwise(bars):
        if later.event_ns <= earlier.event_ns:
            raise VenueDataInvalid(f"{symbol} bars are not in order")
    return tuple(bar for bar in bars if bar.event_ns <= venue_now_ns)


def _candle(source: Row, symbol: str, timeframe_s: int, received_ns: int) -> Candle:
    what = f"{symbol} bar"
    first, high, low, last = (finite_positive(source.get(key), what) for key in "ohlc")
    volume = finite(source.get("v"), what)
    if not (low <= min(first, last) and high >= max(first, last)) or volume < 0.0:
        raise VenueDataInvalid(f"{what}: high, low and volume contradict each other")
    return Candle(
        symbol=symbol,
        event_ns=fields.instant_ns(source, "t", what) + timeframe_s * NS_PER_S,
        received_ns=received_ns,
        timeframe_s=timeframe_s,
        open=first,
        high=high,
        low=low,
        close=last,
        volume=volume,
        history=True,
    )
