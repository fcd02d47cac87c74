"""Turns requests to a venue into events: every effect has exactly one told outcome."""

import asyncio
from collections.abc import Callable, Sequence

from bot.domain.errors import (
    BotError,
    VenueError,
    VenueRefused,
    VenueThrottled,
    VenueUnreachable,
)
from bot.domain.messages import (
    AccountSnapshot,
    AdjustMargin,
    CancelFailed,
    CancelOrder,
    Event,
    FetchFills,
    FetchOrder,
    FillsFailed,
    MarginAdjusted,
    OrderAccepted,
    OrderNotFound,
    OrderOutcomeUnknown,
    OrderRefused,
    OrderUpdate,
    SnapshotFailed,
)
from bot.domain.orders import ApprovedOrder
from bot.ports import Clock, Venue

DEFECTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a defect of an adapter looks like. It stays with its order: others are guarded on."""

FAILURES = (VenueError, TimeoutError, *DEFECTS)

Answered = Callable[[str, Sequence[Event]], None]
"""Told of a symbol and of what came of an order of it."""


def unheard(_symbol: str, _events: Sequence[Event]) -> None:
    """Tell nobody what came of an order."""


def told(error: BaseException) -> str:
    """Return an error as one line that names its kind."""
    text = " ".join(str(error).split())[:300]
    if isinstance(error, TimeoutError):
        return "no answer before our deadline"
    if isinstance(error, BotError):
        return text or type(error).__name__
    return f"adapter defect {type(error).__name__}: {text}"


def refused(clock: Clock, order: ApprovedOrder, code: str, reason: str) -> OrderRefused:
    """Say that `order` certainly does not exist."""
    now_ns = clock.now_ns()
    return OrderRefused(now_ns, now_ns, order.client_order_id, code, reason)


async def submit(
    venue: Venue, order: ApprovedOrder, clock: Clock, deadline_s: float
) -> tuple[tuple[Event, ...], float | None]:
    """Send `order` once; return what came of it.

    The second value is None, or the seconds after which the same order may be sent again because
    it certainly had no effect.
    """
    try:
        async with asyncio.timeout(deadline_s):
            state = await venue.submit(order)
    except VenueRefused as error:
        return (refused(clock, order, error.code, told(error)),), None
    except VenueThrottled as error:
        return (refused(clock, order, "throttled", told(error)),), error.retry_after_s
    except VenueUnreachable as error:
        return (refused(clock, order, "unreachable", told(error)),), 0.0
    except FAILURES as error:
        now_ns = clock.now_ns()
        return (OrderOutcomeUnknown(now_ns, now_ns, order.client_order_id, told(error)),), None
    now_ns = clock.now_ns()
    accepted = OrderAccepted(now_ns, now_ns, order.client_order_id, state.venue_order_id)
    return (accepted, OrderUpdate(state.event_ns, now_ns, state)), None


async def cancel(
    venue: Venue, effect: CancelOrder, clock: Clock, deadline_s: float
) -> CancelFailed | None:
    """Cancel one order; None when the venue did."""
    try:
        async with asyncio.timeout(deadline_s):
            await venue.cancel(
                effect.symbol,
                effect.client_order_id,
                conditional=effect.conditional,
                protecting=effect.protecting,
            )
    except FAILURES as error:
        now_ns = clock.now_ns()
        code = cancel_code(error)
        return CancelFailed(now_ns, now_ns, effect.client_order_id, code, told(error))
    return None


def cancel_code(error: BaseException) -> str:
    """Return the code of a failed cancel: the venue's own, or our word for what happened."""
    match error:
        case VenueRefused():
            return error.code
        case VenueThrottled():
            return "throttled"
        case VenueUnreachable():
            return "unreachable"
        case _:
            return "unknown"


async def ask_order(
    venue: Venue, effect: FetchOrder, clock: Clock, deadline_s: float
) -> OrderUpdate | OrderNotFound | None:
    """Ask for one order; None when the question got no answer (the kernel asks again)."""
    try:
        async with asyncio.timeout(deadline_s):
            state = await venue.order(
                effect.symbol, effect.client_order_id, conditional=effect.conditional
            )
    except FAILURES:
        return None
    now_ns = clock.now_ns()
    if state is None:
        return OrderNotFound(now_ns, now_ns, effect.client_order_id)
    return OrderUpdate(state.event_ns, now_ns, state)


async def read_fills(
    venue: Venue, effect: FetchFills, clock: Clock, deadline_s: float
) -> tuple[Event, ...]:
    """Read executions that may have been missed; a failure is told, to be asked again."""
    try:
        async with asyncio.timeout(deadline_s):
            return await venue.fills(effect.symbol, effect.since_ns)
    except FAILURES as error:
        now_ns = clock.now_ns()
        return (FillsFailed(now_ns, now_ns, effect.symbol, effect.since_ns, told(error)),)


async def read_account(
    venue: Venue, clock: Clock, deadline_s: float
) -> AccountSnapshot | SnapshotFailed:
    """Read the whole account; a failure is told as unknown, never as empty."""
    try:
        async with asyncio.timeout(deadline_s):
            account = await venue.account()
    except FAILURES as error:
        now_ns = clock.now_ns()
        return SnapshotFailed(now_ns, now_ns, told(error))
    return AccountSnapshot(account.event_ns, clock.now_ns(), account)


async def add_margin(
    venue: Venue, effect: AdjustMargin, clock: Clock, deadline_s: float
) -> MarginAdjusted:
    """Give isolated margin back to a position."""
    reason = ""
    try:
        async with asyncio.timeout(deadline_s):
            await venue.add_margin(effect.symbol, effect.side, effect.amount_usd)
    except FAILURES as error:
        reason = told(error)
    now_ns = clock.now_ns()
    return MarginAdjusted(
        now_ns, now_ns, effect.symbol, effect.side, effect.amount_usd, not reason, reason
    )
