"""A venue that listens to us only as long as nobody else may drive the account."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from bot.domain.account import AccountState, IncomeRow
from bot.domain.errors import VenueUnreachable
from bot.domain.instrument import Instrument
from bot.domain.market import Candle, OpenInterest
from bot.domain.messages import Fill
from bot.domain.orders import ApprovedOrder, OrderKind, OrderState, PositionSide, Purpose
from bot.ports import KeyPermissions, Venue


class Right(Protocol):
    """Whether we may act."""

    def held(self) -> bool:
        """Tell it by our own clock, at once."""
        ...


class FencedVenue:
    """A Venue; once the right is lost it takes nothing but a reduce-only stop."""

    def __init__(self, venue: Venue, right: Right) -> None:
        self._venue = venue
        self._right = right
        self.name = venue.name

    def _refuse_when_lost(self, what: str) -> None:
        if not self._right.held():
            raise VenueUnreachable(f"{what} was not sent: another run may drive this account now")

    async def submit(self, order: ApprovedOrder) -> OrderState:
        """Send an order; when the right is lost, only a reduce-only stop.

        Raises:
            VenueUnreachable: it was kept back.
        """
        stops = order.kind is OrderKind.STOP_MARKET and order.purpose is Purpose.STOP
        if not (stops and order.protecting):
            self._refuse_when_lost(f"order {order.client_order_id}")
        return await self._venue.submit(order)

    async def cancel(
        self, symbol: str, client_order_id: str, *, conditional: bool, protecting: bool
    ) -> None:
        """Cancel an order; see Venue.

        Raises:
            VenueUnreachable: the right is lost.
        """
        self._refuse_when_lost(f"the cancel of {client_order_id}")
        await self._venue.cancel(
            symbol, client_order_id, conditional=conditional, protecting=protecting
        )

    async def add_margin(self, symbol: str, side: PositionSide, amount_usd: Decimal) -> None:
        """Add margin; see Venue.

        Raises:
            VenueUnreachable: the right is lost.
        """
        self._refuse_when_lost("margin")
        await self._venue.add_margin(symbol, side, amount_usd)

    async def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set the leverage; see Venue.

        Raises:
            VenueUnreachable: the right is lost.
        """
        self._refuse_when_lost("leverage")
        await self._venue.set_leverage(symbol, leverage)

    async def instruments(self, symbols: Sequence[str]) -> tuple[Instrument, ...]:
        """Load contracts; see Venue."""
        return await self._venue.instruments(symbols)

    async def account(self) -> AccountState:
        """Read the account; see Venue."""
        return await self._venue.account()

    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool
    ) -> OrderState | None:
        """Ask for an order; see Venue."""
        return await self._venue.order(symbol, client_order_id, conditional=conditional)

    async def fills(self, symbol: str, since_ns: int) -> tuple[Fill, ...]:
        """Read executions; see Venue."""
        return await self._venue.fills(symbol, since_ns)

    async def candles(
        self, symbol: str, timeframe_s: int, since_ns: int, limit: int
    ) -> tuple[Candle, ...]:
        """Read bars; see Venue."""
        return await self._venue.candles(symbol, timeframe_s, since_ns, limit)

    async def open_interest(self, symbol: str) -> OpenInterest:
        """Read open interest; see Venue."""
        return await self._venue.open_interest(symbol)

    async def income(self, since_ns: int) -> tuple[IncomeRow, ...]:
        """Read the ledger; see Venue."""
        return await self._venue.income(since_ns)

    async def clock_skew_ns(self) -> int:
        """Measure the venue's clock; see Venue."""
        return await self._venue.clock_skew_ns()

    async def key_permissions(self) -> KeyPermissions:
        """Read what the key may do; see Venue."""
        return await self._venue.key_permissions()

    async def close(self) -> None:
        """Release sockets."""
        await self._venue.close()
