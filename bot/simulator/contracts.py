"""The contracts the embedded venue lists: filters, fees and margin tiers of BTC, ETH, SOL."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final

from bot.domain.instrument import Instrument, MarginTier

_UPPER = (  # (cap USD, maintenance fraction, highest leverage), as Binance had them in 2026
    (300e3, 0.004, 150),
    (800e3, 0.005, 100),
    (3e6, 0.0065, 75),
    (12e6, 0.01, 50),
)
_BTC = (
    *_UPPER,
    (70e6, 0.02, 25),
    (100e6, 0.025, 20),
    (230e6, 0.05, 10),
    (480e6, 0.1, 5),
    (600e6, 0.125, 4),
    (800e6, 0.15, 3),
    (1.2e9, 0.25, 2),
    (1.8e9, 0.5, 1),
)
_ETH = (
    *_UPPER,
    (50e6, 0.02, 25),
    (65e6, 0.025, 20),
    (150e6, 0.05, 10),
    (320e6, 0.1, 5),
    (400e6, 0.125, 4),
    (530e6, 0.15, 3),
    (800e6, 0.25, 2),
    (1.2e9, 0.5, 1),
)
_SOL = (
    (50e3, 0.005, 100),
    (400e3, 0.0065, 75),
    (1e6, 0.01, 50),
    (4e6, 0.02, 25),
    (8e6, 0.025, 20),
    (40e6, 0.05, 10),
    (80e6, 0.1, 5),
    (100e6, 0.125, 4),
    (200e6, 0.25, 2),
    (400e6, 0.5, 1),
)


def tiers_of(rows: Sequence[tuple[float, float, float]]) -> tuple[MarginTier, ...]:
    """Return tiers from (cap USD, maintenance fraction, leverage) rows, lowest first.

    The deduction makes the maintenance margin continuous where two tiers meet.
    """
    cap, frac, leverage = rows[0]
    tiers = [MarginTier(0.0, cap, frac, 0.0, float(leverage))]
    deduction = Decimal(0)
    for (floor, below, _), (cap, frac, leverage) in pairwise(rows):
        deduction += Decimal(repr(floor)) * (Decimal(repr(frac)) - Decimal(repr(below)))
        tiers.append(MarginTier(floor, cap, frac, float(deduction), float(leverage)))
    return tuple(tiers)


def _contract(
    base: str,
    tick: str,
    lot: str,
    qty_max: str,
    market_max: str,
    notional_min: str,
    rows: Sequence[tuple[float, float, float]],
) -> Instrument:
    return Instrument(
        symbol=f"{base}/USDT:USDT",
        venue_id=f"{base}USDT",
        base=base,
        quote="USDT",
        tick=Decimal(tick),
        lot=Decimal(lot),
        qty_min=Decimal(lot),
        qty_max=Decimal(qty_max),
        market_qty_max=Decimal(market_max),
        notional_min_usd=Decimal(notional_min),
        contract_size=Decimal(1),
        taker_fee_frac=0.0005,
        maker_fee_frac=0.0002,
        tiers=tiers_of(rows),
    )


BTC: Final = _contract("BTC", "0.1", "0.001", "1000", "120", "100", _BTC)
ETH: Final = _contract("ETH", "0.01", "0.001", "10000", "2000", "20", _ETH)
SOL: Final = _contract("SOL", "0.01", "0.01", "1000000", "12000", "5", _SOL)
CONTRACTS: Final = (BTC, ETH, SOL)


def contract(symbol: str) -> Instrument:
    """Return the built-in contract of `symbol`; KeyError when the venue does not list it."""
    return {c.symbol: c for c in CONTRACTS}[symbol]
