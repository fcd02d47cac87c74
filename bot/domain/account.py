"""What we own and owe at a venue: positions, wallet, margin mode."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from bot.domain.orders import OrderState, PositionSide
from bot.domain.units import ZERO


class MarginMode(StrEnum):
    """Shared or walled margin."""

    CROSS = "CROSS"
    ISOLATED = "ISOLATED"


class PositionState(msgspec.Struct, frozen=True, kw_only=True):
    """One position leg; `qty` is positive, `side` carries the direction.

    `hedged` marks a leg of hedge mode. None means the venue did not say: unknown, never zero.
    """

    symbol: str
    side: PositionSide
    qty: Decimal
    entry_price: Decimal
    margin_mode: MarginMode | None
    event_ns: int
    hedged: bool = False
    leverage: int | None = None
    isolated_margin_usd: Decimal | None = None
    venue_liq_price: Decimal | None = None
    adl_rank: int | None = None

    @property
    def is_flat(self) -> bool:
        """Whether nothing is held on this leg."""
        return self.qty == ZERO


class AccountState(msgspec.Struct, frozen=True, kw_only=True):
    """A consistent reading of the whole account: wallet, every open leg, both order books."""

    wallet_usd: Decimal
    positions: tuple[PositionState, ...]
    orders: tuple[OrderState, ...]
    event_ns: int
    hedge_mode: bool
    margin_modes: dict[str, MarginMode] = {}
    leverages: dict[str, int] = {}


class IncomeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the venue's income ledger; (kind, income_id, symbol) is unique."""

    income_id: str
    kind: str
    asset: str
    amount: Decimal
    event_ns: int
    symbol: str = ""
    info: str = ""
