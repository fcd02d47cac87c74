"""Constants of the market senses, and what is assumed of an asset before its history is known."""

import msgspec

from bot.domain.units import NS_PER_DAY, NS_PER_H


class AssetPriors(msgspec.Struct, frozen=True, kw_only=True):
    """What is assumed of an asset before its history is known, and the most it may teach."""

    sd_frac: float = 0.045
    sd_cap_frac: float = 0.065
    range_frac: float = 0.065
    range_cap_frac: float = 0.10
    oi_sd: float = 0.025
    oi_sd_floor: float = 0.005
    oi_sd_minor: float = 0.05
    """Where only small venues are known: one venue's interest moves more than the market's."""
    liq_day_of_oi: float = 0.002
    """Liquidations of an ordinary day as a share of open interest, until a median is known."""


class SensePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Constants of the market senses; fractions, USD and ns as named."""

    priors: dict[str, AssetPriors] = msgspec.field(
        default_factory=lambda: {
            "BTC": AssetPriors(
                sd_frac=0.022, sd_cap_frac=0.03, range_frac=0.03, range_cap_frac=0.045
            ),
            "ETH": AssetPriors(
                sd_frac=0.035, sd_cap_frac=0.05, range_frac=0.05, range_cap_frac=0.075
            ),
        }
    )
    priors_other: AssetPriors = AssetPriors()
    prior_days: float = 10.0
    threat_cuts: tuple[float, float, float] = (30.0, 55.0, 78.0)
    severe_stress: float = 90.0
    fall_sd: float = 1.5
    """Drop of 60 minutes, in daily deviations, that counts as still falling."""
    fall_liq_ratio: float = 16.0
    """Liquidations of the last hour over an ordinary hour that count as still falling."""
    severe_hold_ns: int = NS_PER_H
    down_margin: float = 8.0
    down_wait_ns: int = 4 * NS_PER_H
    carry_ns: int = NS_PER_DAY
    etf_prior_usd: float = 1.2e9
    major_venues: tuple[str, ...] = ("binance", "bybit", "okx")
    throttled: dict[str, str] = msgspec.field(
        default_factory=lambda: {"binance": "largest", "okx": "latest"}
    )
    """venue -> which print of a second it shows; venues not named show all."""
    size_teacher: str = "bybit"
    """The unthrottled venue whose liquidation sizes stand for those of the throttled ones."""


def asset_of(symbol: str) -> str:
    """Return the base asset of a unified symbol."""
    return symbol.split("/", 1)[0]


def priors_of(policy: SensePolicy, symbol: str) -> AssetPriors:
    """Return the priors of a symbol's asset."""
    return policy.priors.get(asset_of(symbol), policy.priors_other)
