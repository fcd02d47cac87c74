"""OKX's contracts, tiers, fees and bars as domain values; contracts become coins here."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise

from bot.domain.errors import VenueDataInvalid
from bot.domain.instrument import Instrument, MarginTier
from bot.domain.market import Candle, OpenInterest
from bot.domain.units import NS_PER_S, finite, finite_positive
from bot.venue import fields
from bot.venue.fields import Row
from bot.venue.profiles import okx


def size_of(contract: Row) -> Decimal:
    """Return the coins of one contract.

    Raises:
        VenueDataInvalid: its size is in another unit.
    """
    name = fields.text(contract, "instId", "contract")
    base = name.partition("-")[0]
    if contract.get("ctType") != "linear" or contract.get("ctValCcy") != base:
        raise VenueDataInvalid(f"{name}: its size is not in {base}")
    many = fields.positive(contract, "ctMult", name) if contract.get("ctMult") else Decimal(1)
    return fields.positive(contract, "ctVal", name) * many


def instrument(contract: Row, tiers: Sequence[Row], fee: Row, mark: Decimal) -> Instrument:
    """Build a contract; `mark` turns tiers in contracts into tiers in dollars."""
    name, size = fields.text(contract, "instId", "contract"), size_of(contract)
    market_max = fields.positive(contract, "maxMktSz", name)
    stop_max = fields.positive_or_none(contract, "maxStopSz", name) or market_max
    return Instrument(
        symbol=okx.unified(name),
        venue_id=name,
        base=name.partition("-")[0],
        quote=okx.SETTLE,
        tick=fields.positive(contract, "tickSz", name),
        lot=fields.positive(contract, "lotSz", name) * size,
        qty_min=fields.positive(contract, "minSz", name) * size,
        qty_max=fields.positive(contract, "maxLmtSz", name) * size,
        market_qty_max=min(market_max, stop_max) * size,
        notional_min_usd=fields.positive(contract, "minSz", name) * size * mark,
        contract_size=size,
        taker_fee_frac=_fee(fee, "taker", name),
        maker_fee_frac=_fee(fee, "maker", name),
        tiers=_tiers(tiers, float(size * mark), name),
    )


def _fee(source: Row, key: str, name: str) -> float:
    """The venue writes what it takes as a negative rate; USDT contracts have their own fields."""
    rate = -finite(source.get(f"{key}U") or source.get(key), f"{name}.{key}")
    if not -0.01 <= rate <= 0.05:
        raise VenueDataInvalid(f"{name}.{key}: absurd fee {rate:g}")
    return rate


def _tiers(rows: Sequence[Row], contract_usd: float, name: str) -> tuple[MarginTier, ...]:
    """Return tiers in dollars at today's price: the venue counts them in contracts."""
    if not rows:
        raise VenueDataInvalid(f"{name}: no margin tiers")
    found: list[MarginTier] = []
    deduction, floor, before = 0.0, 0.0, 0.0
    ordered = sorted(rows, key=lambda row: finite(row.get("tier"), name))
    for row in ordered:
        maint = finite_positive(row.get("mmr"), f"{name}.mmr")
        cap = finite_positive(row.get("maxSz"), f"{name}.maxSz") * contract_usd
        deduction += floor * (maint - before) if found else 0.0
        leverage = finite_positive(row.get("maxLever"), f"{name}.maxLever")
        found.append(MarginTier(floor, cap, maint, deduction, leverage))
        floor, before = cap, maint
    for lower, upper in pairwise(found):
        if upper.cap_usd <= lower.cap_usd or upper.maint_frac < lower.maint_frac:
            raise VenueDataInvalid(f"{name}: margin tiers are not in order")
    return tuple(found)


def candles(
    rows: Iterable[object], symbol: str, timeframe_s: int, *, received_ns: int
) -> list[Candle]:
    """Parse bars, the newest first as they come; return those that closed, oldest first."""
    bars = [
        _candle(fields.rows(item, symbol), symbol, timeframe_s, received_ns)
        for item in rows
        if isinstance(item, list) and len(item) > 8 and item[8] == "1"
    ][::-1]
    for earlier, later in pairwise(bars):
        if later.event_ns <= earlier.event_ns:
            raise VenueDataInvalid(f"{symbol} bars are not in order")
    return bars


def _candle(item: list[object], symbol: str, timeframe_s: int, received_ns: int) -> Candle:
    what = f"{symbol} bar"
    first, high, low, last = (finite_positive(item[place], what) for place in (1, 2, 3, 4))
    volume = finite(item[6], what)
    if not (low <= min(first, last) and high >= max(first, last)) or volume < 0.0:
        raise VenueDataInvalid(f"{what}: high, low and volume contradict each other")
    return Candle(
        symbol, fields.instant_ns({"t": item[0]}, "t", what) + timeframe_s * NS_PER_S,
        received_ns, timeframe_s, first, high, low, last, volume, history=True,
    )  # fmt: skip


def open_interest(source: Row, symbol: str, received_ns: int) -> OpenInterest:
    """Parse open interest in coins."""
    qty = finite(source.get("oiCcy"), f"{symbol} open interest")
    if qty < 0.0:
        raise VenueDataInvalid(f"{symbol} open interest is negative")
    at_ns = fields.instant_ns(source, "ts", f"{symbol} open interest")
    return OpenInterest(symbol, at_ns, received_ns, okx.NAME, qty)
