"""What each execution did to a one-way position: whether it went beyond flat."""

from collections import defaultdict
from decimal import Decimal

from bot.domain.messages import Event, Fill, PositionUpdate
from bot.domain.orders import OrderSide, PositionSide
from bot.domain.units import ZERO


class Turns:
    """Follows the events of the venue in their order.

    Several orders may execute in one instant, so the book as it stands after them tells nothing of
    one of them.
    """

    def __init__(self) -> None:
        self._legs: dict[str, dict[PositionSide, Decimal]] = defaultdict(dict)
        self._since: dict[str, Decimal] = defaultdict(Decimal)
        """symbol -> signed quantity executed since the venue's last word on its legs."""

    def happened(self, event: Event) -> bool:
        """Take an event in; whether it is an execution after which its own direction is held."""
        if isinstance(event, PositionUpdate):
            position = event.position
            self._legs[position.symbol][position.side] = position.qty
            self._since[position.symbol] = ZERO
            return False
        if not isinstance(event, Fill):
            return False
        change = event.qty if event.side is OrderSide.BUY else -event.qty
        self._since[event.symbol] += change
        return self._net(event.symbol) * change > ZERO

    def _net(self, symbol: str) -> Decimal:
        legs = self._legs[symbol]
        long, short = legs.get(PositionSide.LONG, ZERO), legs.get(PositionSide.SHORT, ZERO)
        return long - short + self._since[symbol]
