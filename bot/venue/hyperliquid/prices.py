"""Prices the venue takes: five significant digits, few decimals; and how far an order may reach."""

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from typing import Final

from bot.domain.orders import OrderSide
from bot.domain.units import ZERO
from bot.venue.profiles.hyperliquid import DECIMALS, DIGITS

ENTRY_REACH_FRAC: Final = Decimal("0.01")
"""A market order is a limit that takes at once: what opens a position reaches no further."""
EXIT_REACH_FRAC: Final = Decimal("0.08")
"""What closes one must get out: this much worse than the mark at most, as for triggers."""
ROOM_FRAC: Final = Decimal("1.3")
"""A tick must still be good after the price rose by this, past a power of ten if need be."""


def step_at(price: Decimal, size_decimals: int) -> Decimal:
    """Return the finest step of prices as large as `price`."""
    places = min(DIGITS - 1 - price.adjusted(), DECIMALS - size_decimals)
    return Decimal(1).scaleb(-max(places, 0))


def tick_for(price: Decimal, size_decimals: int) -> Decimal:
    """Return a step that stays good while the price moves: that of a somewhat higher price."""
    return step_at(price * ROOM_FRAC, size_decimals)


def toward_market(price: Decimal, size_decimals: int, side: OrderSide) -> Decimal:
    """Return a trigger the venue takes, rounded so that it goes off sooner, never later."""
    up = side is OrderSide.SELL
    step = step_at(price, size_decimals)
    return price.quantize(step, ROUND_CEILING if up else ROUND_FLOOR)


def passive(price: Decimal, size_decimals: int, side: OrderSide) -> Decimal:
    """Return a limit the venue takes, never worse than the one that was wished."""
    step = step_at(price, size_decimals)
    return price.quantize(step, ROUND_FLOOR if side is OrderSide.BUY else ROUND_CEILING)


def reach(reference: Decimal, size_decimals: int, side: OrderSide, frac: Decimal) -> Decimal:
    """Return the worst price an order may take: `frac` beyond the reference, never below zero."""
    worst = reference * (1 + side.sign * frac)
    step = step_at(worst, size_decimals)
    return max(worst.quantize(step, ROUND_DOWN), step)


def plain(value: Decimal) -> str:
    """Write a number as the venue hashes it: no exponent, no padding."""
    return format(value.normalize(), "f") if value != ZERO else "0"
