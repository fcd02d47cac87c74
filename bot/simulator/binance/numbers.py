"""Numbers as the protocol writes them: texts with the contract's own digits."""

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from bot.domain.instrument import Instrument
from bot.domain.units import NS_PER_MS


def exact_text(number: Decimal) -> str:
    """Return a Decimal without exponent."""
    return format(number, "f")


def money_text(amount_usd: Decimal) -> str:
    """Return USD with eight digits, half up."""
    return format(amount_usd.quantize(Decimal("1e-8"), ROUND_HALF_UP), "f")


def rounded(price: float, tick: Decimal) -> Decimal:
    """Return `price` as the nearest whole tick, exactly."""
    return (Decimal(repr(price)) / tick).to_integral_value(ROUND_HALF_UP) * tick


@lru_cache(maxsize=4_096)
def digits(step: Decimal) -> int:
    """Return how many decimals a tick or lot has."""
    exponent = step.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def price_text(price: float, instrument: Instrument) -> str:
    """Return a price on the contract's grid."""
    places = digits(instrument.tick)
    step = float(instrument.tick)
    return f"{round(price / step) * step:.{places}f}"


def qty_text(qty: float, instrument: Instrument) -> str:
    """Return a quantity in base units, cut to the contract's digits (never below one lot)."""
    step = float(instrument.lot)
    return f"{max(round(qty / step), 1) * step:.{digits(instrument.lot)}f}"


def ms(instant_ns: int) -> int:
    """Return milliseconds of an instant in UTC ns."""
    return instant_ns // NS_PER_MS
