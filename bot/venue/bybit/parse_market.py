"""Bybit's contracts with tiers and fees, and open interest, as domain values."""

from decimal import Decimal
from itertools import pairwise

from bot.domain.errors import VenueDataInvalid
from bot.domain.instrument import Instrument, MarginTier
from bot.domain.market import OpenInterest
from bot.domain.units import finite, finite_positive
from bot.venue import fields
from bot.venue.fields import Row
from bot.venue.profiles import bybit

STOPS_MAX = 10
"""Conditional orders that may wait on one contract."""


def instrument(contract: Row, tiers: list[Row], fee: Row) -> Instrument:
    """Build a contract from instruments-info, risk-limit and fee-rate.

    Raises:
        VenueDataInvalid: nonsense, or not a linear USDT perpetual.
    """
    name = fields.text(contract, "symbol", "contract")
    if (
        contract.get("contractType") != "LinearPerpetual"
        or contract.get("settleCoin") != bybit.SETTLE
    ):
        raise VenueDataInvalid(f"{name}: only USDT perpetuals are supported")
    lots = fields.row(contract.get("lotSizeFilter"), name)
    prices = fields.row(contract.get("priceFilter"), name)
    qty_max = fields.positive(lots, "maxOrderQty", name)
    return Instrument(
        symbol=bybit.unified(name),
        venue_id=name,
        base=fields.text(contract, "baseCoin", name),
        quote=fields.text(contract, "quoteCoin", name),
        tick=fields.positive(prices, "tickSize", name),
        lot=fields.positive(lots, "qtyStep", name),
        qty_min=fields.positive(lots, "minOrderQty", name),
        qty_max=qty_max,
        market_qty_max=fields.positive_or_none(lots, "maxMktOrderQty", name) or qty_max,
        notional_min_usd=fields.positive(lots, "minNotionalValue", name),
        contract_size=Decimal(1),
        taker_fee_frac=_fee_frac(fee, "takerFeeRate", name),
        maker_fee_frac=_fee_frac(fee, "makerFeeRate", name),
        tiers=margin_tiers(tiers, name),
        stops_max=STOPS_MAX,
    )


def margin_tiers(rows: list[Row], name: str) -> tuple[MarginTier, ...]:
    """Parse risk-limit rows: only the upper ends are told, each tier begins where one ends.

    Raises:
        VenueDataInvalid: none, out of order, or a deduction that leaves a step.
    """
    if not rows:
        raise VenueDataInvalid(f"{name}: no margin tiers")
    found: list[MarginTier] = []
    floor = 0.0
    for source in sorted(rows, key=lambda row: finite_positive(row.get("riskLimitValue"), name)):
        tier = _tier(source, floor, found[-1] if found else None, name)
        found.append(tier)
        floor = tier.cap_usd
    for lower, upper in pairwise(found):
        if upper.maint_frac < lower.maint_frac or upper.cap_usd <= lower.cap_usd:
            raise VenueDataInvalid(f"{name}: margin tiers fall at {lower.cap_usd:g} USD")
    return tuple(found)


def _tier(source: Row, floor: float, below: MarginTier | None, name: str) -> MarginTier:
    maint = finite_positive(source.get("maintenanceMargin"), f"{name}.maintenanceMargin")
    given = source.get("mmDeduction")
    if given not in ("", None):
        deduction = finite(given, f"{name}.mmDeduction")
    elif below is not None:  # where it is not told, margin goes on without a step
        deduction = below.deduction_usd + floor * (maint - below.maint_frac)
    else:
        deduction = 0.0
    tier = MarginTier(
        floor_usd=floor,
        cap_usd=finite_positive(source.get("riskLimitValue"), f"{name}.riskLimitValue"),
        maint_frac=maint,
        deduction_usd=deduction,
        leverage_max=finite_positive(source.get("maxLeverage"), f"{name}.maxLeverage"),
    )
    if tier.maint_frac >= 1.0 or tier.deduction_usd < 0.0 or tier.cap_usd <= tier.floor_usd:
        raise VenueDataInvalid(f"{name}: margin tier up to {tier.cap_usd:g} USD makes no sense")
    return tier


def _fee_frac(source: Row, key: str, name: str) -> float:
    fee = finite(source.get(key), f"{name}.{key}")
    if not -0.01 <= fee <= 0.05:
        raise VenueDataInvalid(f"{name}.{key}: absurd fee {fee:g}")
    return fee


def open_interest(source: Row, symbol: str, event_ns: int, received_ns: int) -> OpenInterest:
    """Parse open interest in coins out of a ticker."""
    qty = finite(source.get("openInterest"), f"{symbol} open interest")
    if qty < 0.0:
        raise VenueDataInvalid(f"{symbol} open interest is negative")
    return OpenInterest(symbol, event_ns, received_ns, bybit.NAME, qty)
