"""Incremental statistics: small encodable states and pure steps over floats."""

from bot.kernel.indicators.averages import Ema, wilder
from bot.kernel.indicators.ranges import Adx, Atr, true_range
from bot.kernel.indicators.rsi import Rsi
from bot.kernel.indicators.volatility import (
    YEAR_NS,
    RollingVolatility,
    ewma_variance,
    sigma_annual,
    variance_of_sigma,
)
from bot.kernel.indicators.vwap import Vwap

__all__ = [
    "YEAR_NS",
    "Adx",
    "Atr",
    "Ema",
    "RollingVolatility",
    "Rsi",
    "Vwap",
    "ewma_variance",
    "sigma_annual",
    "true_range",
    "variance_of_sigma",
    "wilder",
]
