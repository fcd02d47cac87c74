"""How the traded contracts are asked for, and how long their streams may be silent."""

from collections.abc import Sequence
from typing import Final

from bot.domain.units import NS_PER_S
from bot.venue.feeds.contracts import Contract
from bot.venue.feeds.hyperliquid import HyperliquidDialect
from bot.venue.profiles import hyperliquid as profile

STALE_NS: Final = 20 * NS_PER_S
"""Book tops come with every block that moves them, contract states every few seconds."""


def dialect_of(symbols: Sequence[str]) -> HyperliquidDialect:
    """Return how the traded contracts are asked for."""
    contracts = tuple(
        Contract(
            symbol=symbol,
            venue_id=profile.venue_id(symbol),
            interval_s=profile.FUNDING_INTERVAL_S,
        )
        for symbol in symbols
    )
    return HyperliquidDialect(lambda: contracts)
