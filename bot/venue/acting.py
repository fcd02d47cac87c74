"""What every client of an account does alike: who may act, by which lane, what a taken id means."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from bot.domain.errors import OutcomeUnknown, VenueError, VenueRefused
from bot.domain.instrument import Instrument
from bot.domain.orders import ApprovedOrder, OrderState, OrderStatus
from bot.domain.units import ZERO
from bot.ports import Clock
from bot.venue.caller import Caller
from bot.venue.lanes import Lane

T = TypeVar("T")


class Ties(msgspec.Struct, frozen=True, kw_only=True):
    """What a client may do, and whom it tells of what it did."""

    guards: bool
    """Everything goes through the reserved lane."""
    read_only: bool
    on_placed: Callable[[OrderState], None]
    on_settings: Callable[[], None]
    on_instruments: Callable[[Sequence[Instrument]], None]
    on_close: Callable[[], Awaitable[None]]


class Acting(ABC):
    """One account at one venue; what is asked and sent there stands in the venue's own client."""

    def __init__(self, caller: Caller, clock: Clock, ties: Ties) -> None:
        self._caller = caller
        self._clock = clock
        self._ties = ties
        self._reading = Lane.WATCH if ties.guards else Lane.QUERY

    @abstractmethod
    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool
    ) -> OrderState | None:
        """Ask for one order by client id; None when the venue knows none."""

    async def clock_skew_ns(self) -> int:
        """Return venue clock minus ours, measured now; what is signed follows it from here on."""
        return await self._caller.measure_clock(lane=self._reading)

    async def close(self) -> None:
        """Release sockets."""
        await self._ties.on_close()

    def _lane(self, *, protecting: bool) -> Lane:
        return Lane.PROTECT if self._ties.guards or protecting else Lane.ORDER

    def _may_act(self) -> None:
        if self._ties.read_only:
            raise VenueRefused("the key is for reading only: not sent", code="READ_ONLY")

    async def _bars_of(self, known: Mapping[int, T], timeframe_s: int) -> T:
        """Return the venue's word for bars so long, with a clock that tells which have closed.

        Raises:
            VenueRefused: it has none (code NO_TIMEFRAME); nothing was sent.
        """
        word = known.get(timeframe_s)
        if word is None:
            raise VenueRefused(f"the venue has no bars of {timeframe_s} s", code="NO_TIMEFRAME")
        await self._caller.settle_clock(lane=self._reading)  # or a forming bar could seem closed
        return word

    async def _sent_before(self, order: ApprovedOrder) -> OrderState | None:
        """Ask what became of an order whose id went out before.

        Raises:
            OutcomeUnknown: that could not be read.
        """
        try:
            return await self.order(
                order.symbol, order.client_order_id, conditional=order.kind.is_conditional
            )
        except VenueError as failed:
            raise OutcomeUnknown(
                f"sent before, and its state could not be read: {failed}"
            ) from None

    async def _already_there(self, order: ApprovedOrder) -> OrderState:
        """Return the order whose id the venue says it has: an earlier sending got through.

        Raises:
            OutcomeUnknown: it is not shown, or could not be read.
        """
        state = await self._sent_before(order)
        if state is None:
            raise OutcomeUnknown("the venue says the client id is taken but shows no such order")
        self._ties.on_placed(state)
        return state


def acknowledged(order: ApprovedOrder, number: str, at_ns: int) -> OrderState:
    """Return an order of which only the acknowledgement is known, under the venue's number."""
    return OrderState(
        client_order_id=order.client_order_id,
        venue_order_id=number,
        symbol=order.symbol,
        side=order.side,
        kind=order.kind,
        status=OrderStatus.WORKING,
        qty=order.qty,
        filled_qty=ZERO,
        reduce_only=order.reduce_only,
        close_position=order.close_position,
        event_ns=at_ns,
        position_side=order.position_side if order.hedged else None,
        price=order.price,
        trigger_price=order.trigger_price,
        trigger_by=order.trigger_by if order.kind.is_conditional else None,
    )
