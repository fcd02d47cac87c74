"""The shape of the table [senses]: which venues are heard, and what they call our coins."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from bot.app.config.bounds import Float, Symbol, Table

SensedVenue = Literal["bybit", "okx", "hyperliquid"]
Address = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$")]
Coin = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{0,20}$")]
Stand = Annotated[str, StringConstraints(pattern=r"^http://127\.0\.0\.1:\d{1,5}$")]


class SensesTable(Table):
    """Whose public market data the senses hear."""

    venues: tuple[Literal["binance"] | SensedVenue, ...] | None = None
    """None: every known one on testnet and live, the traded one alone on paper."""
    watched: Annotated[tuple[Address, ...], Field(max_length=10)] = ()
    """Hyperliquid accounts whose liquidations are followed."""
    stale_s: Annotated[Float, Field(ge=5.0, le=600.0)] = 30.0
    polls_s: Annotated[Float, Field(ge=60.0, le=3_600.0)] = 300.0
    symbols: dict[SensedVenue, dict[Symbol, Coin]] = Field(default_factory=dict)
    """venue -> our symbol -> the coin as that venue spells it; empty: not heard there."""
    loopback: dict[SensedVenue, Stand] = Field(default_factory=dict)
    """Paper only: a server on this machine in a venue's place."""
