"""An account at a venue as others of the same owner see it: money, what it holds, how fresh."""

from decimal import Decimal

import msgspec

from bot.domain.orders import PositionSide


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """One leg, priced. None means not known, never zero."""

    asset: str
    """What it is about, whatever a venue calls the contract: BTC."""
    symbol: str
    side: PositionSide
    qty: Decimal
    """In the asset, positive."""
    mark: float
    stop_price: float | None = None
    """The nearest trigger of working stops over the whole leg; None: the leg is bare."""
    isolated_margin_usd: float | None = None
    """None: it shares the account's equity."""
    upnl_usd: float = 0.0
    maintenance_frac: float | None = None
    """Maintenance over notional at the mark."""

    @property
    def notional_usd(self) -> float:
        """Quantity at the mark, USD, positive."""
        return float(self.qty) * self.mark


class House(msgspec.Struct, frozen=True, kw_only=True):
    """One account. `equity_usd` None: nobody can tell what it holds now."""

    account: str
    venue: str
    equity_usd: float | None
    holdings: tuple[Holding, ...] = ()
    floor_usd: float | None = None
    """What its resting floor stop leaves; None: it has no peak yet."""
    peak_usd: float | None = None
    """Of its equity, as transfers and re-arming left it; None: it has none yet."""

    @property
    def known(self) -> bool:
        """Whether its numbers may be used."""
        return self.equity_usd is not None
