"""What a listed contract is at Hyperliquid: its coin, its digits, its margin table.

A contract is known by its place in the list (the asset number) and by its coin. Sizes have a fixed
number of decimals; prices have at most five significant digits and at most six decimals less those
of the size, and whole numbers are always good.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from msgspec import structs

from bot.domain.instrument import Instrument
from bot.domain.units import NS_PER_S
from bot.simulator.binance.market_data import History
from bot.simulator.contracts import tiers_of
from bot.simulator.keeper import Path
from bot.simulator.terms import MarketTick

DIGITS: Final = 5
DECIMALS: Final = 6
TAKER_FRAC: Final = 0.00045
MAKER_FRAC: Final = 0.00015
NOTIONAL_MIN_USD: Final = Decimal(10)
QTY_MAX: Final = Decimal(10_000_000)
OPEN_ORDERS_MAX: Final = 1_000
FUNDING_INTERVAL_S: Final = 3_600
PATH_INTERVAL_S: Final = 28_800
"""The interval that the funding of market paths is told for."""
NOTIONAL_CAP_USD: Final = 1e11

_KNOWN: Final[dict[str, tuple[int, str, tuple[tuple[float, int], ...]]]] = {
    # coin: (decimals of the size, tick at its usual price, (margin tier from USD, leverage))
    "BTC": (5, "1", ((0.0, 40), (150e6, 20))),
    "ETH": (4, "0.1", ((0.0, 25), (100e6, 15))),
    "SOL": (2, "0.01", ((0.0, 20), (70e6, 10))),
}


def as_listed(contract: Instrument) -> Instrument:
    """Return a contract of the embedded venue as Hyperliquid lists it; its symbol stays."""
    decimals, tick, table = _KNOWN.get(contract.base, (3, str(contract.tick), ((0.0, 20),)))
    lot = Decimal(1).scaleb(-decimals)
    return structs.replace(
        contract,
        venue_id=contract.base,
        quote="USDC",
        tick=Decimal(tick),
        lot=lot,
        qty_min=lot,
        qty_max=QTY_MAX,
        market_qty_max=QTY_MAX,
        notional_min_usd=NOTIONAL_MIN_USD,
        taker_fee_frac=TAKER_FRAC,
        maker_fee_frac=MAKER_FRAC,
        tiers=tiers_of(_brackets(table)),
        stops_max=OPEN_ORDERS_MAX,
    )


def _brackets(table: tuple[tuple[float, int], ...]) -> list[tuple[float, float, float]]:
    """Return (cap, maintenance, leverage): maintenance is half of what opens at that leverage."""
    caps = [floor for floor, _ in table[1:]] + [NOTIONAL_CAP_USD]
    return [
        (cap, 0.5 / leverage, float(leverage))
        for cap, (_, leverage) in zip(caps, table, strict=True)
    ]


def size_decimals(contract: Instrument) -> int:
    """Return the decimals of a size."""
    return -int(contract.lot.normalize().as_tuple().exponent)


def is_good_price(price: Decimal, contract: Instrument) -> bool:
    """Tell whether the venue takes a price: significant digits, decimals, whole numbers."""
    if price == price.to_integral_value():
        return True
    short = price.normalize()
    _, digits, exponent = short.as_tuple()
    decimals_max = DECIMALS - size_decimals(contract)
    return len(digits) <= DIGITS and -int(exponent) <= decimals_max


def hourly(path: Path) -> Path:
    """Return a market path whose funding is that of an hour."""

    def ticks(after_ns: int) -> Iterator[MarketTick]:
        for tick in path(after_ns):
            rate = tick.funding_frac
            yield tick if rate is None else structs.replace(tick, funding_frac=_per_hour(rate))

    return ticks


def hourly_past(history: History) -> History:
    """Return a past whose funding was settled every hour, in equal parts."""
    hours = range(PATH_INTERVAL_S // FUNDING_INTERVAL_S)
    funding = tuple(
        structs.replace(
            paid,
            event_ns=paid.event_ns - hour * FUNDING_INTERVAL_S * NS_PER_S,
            rate_frac=_per_hour(paid.rate_frac),
            interval_s=FUNDING_INTERVAL_S,
        )
        for paid in history.funding
        for hour in reversed(hours)
    )
    return structs.replace(history, funding=funding)


def _per_hour(rate_frac: float) -> float:
    return rate_frac * FUNDING_INTERVAL_S / PATH_INTERVAL_S
