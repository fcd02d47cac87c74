"""Tick, lot, minima and margin tiers of one contract, and the rounding they impose."""

from decimal import ROUND_DOWN, ROUND_UP, Decimal

import msgspec

from bot.domain.orders import PositionSide
from bot.domain.units import ZERO


class MarginTier(msgspec.Struct, frozen=True):
    """One bracket: maintenance margin of notional n is n * maint_frac - deduction_usd."""

    floor_usd: float
    cap_usd: float
    maint_frac: float
    deduction_usd: float
    leverage_max: float


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """A linear perpetual contract; quantities are in base units."""

    symbol: str
    venue_id: str
    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    qty_min: Decimal
    qty_max: Decimal
    market_qty_max: Decimal
    notional_min_usd: Decimal
    contract_size: Decimal
    taker_fee_frac: float
    maker_fee_frac: float
    tiers: tuple[MarginTier, ...]
    stops_max: int = 10

    def qty_down(self, qty: Decimal) -> Decimal:
        """Return `qty` rounded down to whole lots."""
        return (qty / self.lot).to_integral_value(ROUND_DOWN) * self.lot

    def price_down(self, price: Decimal) -> Decimal:
        """Return `price` rounded down to a tick."""
        return (price / self.tick).to_integral_value(ROUND_DOWN) * self.tick

    def price_up(self, price: Decimal) -> Decimal:
        """Return `price` rounded up to a tick."""
        return (price / self.tick).to_integral_value(ROUND_UP) * self.tick

    def stop_price_near(self, price: Decimal, side: PositionSide) -> Decimal:
        """Return a stop trigger rounded toward the market: the rounding never loosens risk."""
        return self.price_up(price) if side is PositionSide.LONG else self.price_down(price)

    def stop_price_away(self, price: Decimal, side: PositionSide) -> Decimal:
        """Return a stop trigger rounded away from the market (at most one tick looser)."""
        return self.price_down(price) if side is PositionSide.LONG else self.price_up(price)

    def is_tradable_qty(self, qty: Decimal, price: Decimal) -> bool:
        """Tell whether an order that adds exposure meets the venue's minima."""
        return qty > ZERO and qty >= self.qty_min and qty * price >= self.notional_min_usd
