"""What the senses say of a market: facts, the verdict on a flush, and the whole judgement."""

from typing import Final

import msgspec

RESET: Final = "LEVERAGE_RESET"
FUNDING_SPREAD_MIN_FRAC: Final = 2e-5
"""Least robust deviation of funding per eight hours."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The inputs of one judgement; fractions, USD, deviations. None is not known."""

    price: float | None = None
    liq_24h_usd: float | None = None
    liq_base_usd: float | None = None
    long_share: float | None = None
    liq_1h_usd: float | None = None
    oi_change: float | None = None
    oi_sd: float | None = None
    funding_8h: float | None = None
    funding_med: float | None = None
    funding_sd: float | None = None
    range_24h: float | None = None
    range_med: float | None = None
    ret_24h: float | None = None
    sd: float | None = None
    drop_48h: float | None = None
    rise_48h: float | None = None
    drop_1h: float | None = None
    rise_1h: float | None = None
    rsi: float | None = None
    fear_greed: float | None = None
    skew: float | None = None
    etf_z: float | None = None
    rho: float | None = None
    equity_ret: float | None = None

    @property
    def oi_z(self) -> float | None:
        """Change of open interest over a day, in deviations."""
        if self.oi_change is None or self.oi_sd is None or self.oi_sd <= 0.0:
            return None
        return self.oi_change / self.oi_sd

    @property
    def funding_z(self) -> float | None:
        """Funding against its median of 90 days, in robust deviations."""
        if self.funding_8h is None or self.funding_med is None or self.funding_sd is None:
            return None
        return (self.funding_8h - self.funding_med) / max(self.funding_sd, FUNDING_SPREAD_MIN_FRAC)


class Flush(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict for one side: longs flushed (side 1) or shorts (side -1)."""

    state: str
    side: int
    partial: bool
    """Judged without a liquidation feed."""
    completeness: float
    """How far the flush has gone, 0 to 1; 0 where price has not moved."""
    evidence: tuple[str, ...]


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """What the senses make of one symbol at one instant."""

    symbol: str
    ns: int
    pulse: float | None
    pulse_word: str
    stress: float
    stress_word: str
    threat: int
    """Market threat to longs, 1-5, floors included."""
    threat_word: str
    stress_short: float
    threat_short: int
    """The same for shorts: rallies instead of falls."""
    severities: dict[str, float]
    severities_short: dict[str, float]
    facts: Facts
    degraded: tuple[str, ...]
    """What is missing, in words."""
    floor: int
    floor_reasons: tuple[str, ...]
    systemic: tuple[str, ...]
    cascade: str
    cascade_words: str
    flush: Flush
    flush_short: Flush
    froth: float | None
    liq_source: str
    liq_venues: tuple[str, ...]
    liq_coverage: float
    liq_long_24h_usd: float | None
    liq_short_24h_usd: float | None
    open_interest_qty: float | None
    open_interest_venues: tuple[str, ...]
    open_interest_known_qty: float | None = None
    """Coins when last heard of each venue within a day: a venue that falls out is no flush."""
    funding_8h_frac: float | None = None
    """Mean over fresh venues, also while its history is too short to judge it."""

    @property
    def reset(self) -> bool:
        """Whether this is LEVERAGE_RESET."""
        return self.flush.state == RESET
