"""Places the rescue stop, or closes the leg: orders approved by the gate, sent by the guard."""

from decimal import Decimal

import msgspec

from bot.domain.account import AccountState, PositionState
from bot.domain.instrument import Instrument
from bot.domain.messages import (
    CancelOrder,
    Event,
    OrderOutcomeUnknown,
    OrderRefused,
    OrderUpdate,
)
from bot.domain.orders import (
    ApprovedOrder,
    OrderDraft,
    OrderKind,
    OrderStatus,
    Purpose,
    TriggerBy,
)
from bot.domain.risk import Refusal
from bot.domain.units import ZERO
from bot.kernel.gate import approve_protection
from bot.kernel.plan import rescue_stop_price
from bot.runtime import outcomes
from bot.runtime.parts import DaemonParts

RESERVED = ("-4118", "-2022")
"""Other reduce-only orders reserve the quantity: they give way before the close is tried again."""
LIQ_SHARE = 0.8
"""A rescue stop lies at most this share of the way to liquidation."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one attempt. `code` is empty unless somebody refused."""

    order: ApprovedOrder | None
    events: tuple[Event, ...]
    code: str = ""
    reason: str = ""

    @property
    def refused(self) -> bool:
        """Whether the order certainly does not exist."""
        return bool(self.code)

    @property
    def filled(self) -> bool:
        """Whether the venue says that all of it was executed."""
        updates = (event for event in self.events if isinstance(event, OrderUpdate))
        return any(update.order.status is OrderStatus.FILLED for update in updates)

    @property
    def unknown(self) -> bool:
        """Whether it may or may not exist."""
        return any(isinstance(event, OrderOutcomeUnknown) for event in self.events)


def rescue_trigger(
    position: PositionState,
    mark: float,
    instrument: Instrument,
    wanted: Decimal | None,
    distance_frac: float,
) -> Decimal:
    """Return the trigger the kernel wants, or one at `distance_frac` and before liquidation."""
    if wanted is not None and wanted > ZERO:
        return wanted
    liq = position.venue_liq_price
    if liq is not None and liq > ZERO and mark > 0.0:
        to_liq_frac = position.side.sign * (mark - float(liq)) / mark
        if to_liq_frac > 0.0:
            distance_frac = min(distance_frac, LIQ_SHARE * to_liq_frac)
    return rescue_stop_price(position, mark, instrument, distance_frac)


def stop_draft(position: PositionState, qty: Decimal, trigger: Decimal, reason: str) -> OrderDraft:
    """Return a reduce-only stop-market by the mark over `qty` of a leg."""
    return OrderDraft(
        symbol=position.symbol,
        side=position.side.exit,
        position_side=position.side,
        kind=OrderKind.STOP_MARKET,
        purpose=Purpose.STOP,
        qty=qty,
        trigger_price=trigger,
        trigger_by=TriggerBy.MARK,
        reason=reason,
    )


def close_draft(position: PositionState, instrument: Instrument, reason: str) -> OrderDraft:
    """Return a reduce-only market order over the leg, or over as much as one order may carry."""
    most = instrument.market_qty_max
    return OrderDraft(
        symbol=position.symbol,
        side=position.side.exit,
        position_side=position.side,
        kind=OrderKind.MARKET,
        purpose=Purpose.FLATTEN,
        qty=min(position.qty, most) if most > ZERO else position.qty,
        reason=reason,
    )


async def send(
    parts: DaemonParts,
    draft: OrderDraft,
    *,
    instrument: Instrument,
    position: PositionState,
    mark: float,
    client_order_id: str,
) -> Sent:
    """Have `draft` approved and send it once by the guard's own connection."""
    approved = approve_protection(
        draft,
        instrument=instrument,
        position=position,
        mark=mark,
        client_order_id=client_order_id,
    )
    if isinstance(approved, Refusal):
        reason = f"{approved.reason.value}: {approved.measured}, limit {approved.limit}"
        return Sent(order=None, events=(), code=approved.reason.value, reason=reason)
    deadline_s = parts.options.write_deadline_s
    events, _ = await outcomes.submit(parts.guard, approved, parts.clock, deadline_s)
    no = next((event for event in events if isinstance(event, OrderRefused)), None)
    if no is None:
        return Sent(order=approved, events=events)
    return Sent(order=approved, events=events, code=no.code, reason=no.reason)


async def make_room(parts: DaemonParts, account: AccountState, position: PositionState) -> None:
    """Cancel the leg's resting reduce-only orders that are no stops, so that a close has room."""
    for order in account.orders:
        reduces = order.reduce_only or order.position_side is position.side
        reserves = (
            order.symbol == position.symbol
            and order.side is position.side.exit
            and reduces
            and order.kind is not OrderKind.STOP_MARKET
            and order.status is OrderStatus.WORKING
        )
        if reserves:
            wish = CancelOrder(
                symbol=order.symbol,
                client_order_id=order.client_order_id,
                venue_order_id=order.venue_order_id,
                conditional=order.kind.is_conditional,
                protecting=True,
                reason="it reserves the quantity that must be closed",
            )
            await outcomes.cancel(parts.guard, wish, parts.clock, parts.options.write_deadline_s)
