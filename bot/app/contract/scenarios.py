"""The scenarios a venue can be asked for without moving its market, in the order they build up."""

from collections.abc import Awaitable, Callable
from typing import Final

from bot.app.contract.ground import Broken, Ground
from bot.domain.errors import VenueRefused
from bot.domain.orders import OrderKind, OrderState, OrderStatus, TriggerBy
from bot.domain.units import NS_PER_MS, NS_PER_S

SKEW_NS_MAX: Final = 2 * NS_PER_S
AT_ONCE: Final = "-2021"
GONE: Final = ("-2011", "-2013")
NOTHING_TO_REDUCE: Final = "-2022"


def must(holds: bool, what: str) -> None:  # noqa: FBT001 - a claim and its words
    """Raise Broken with `what` unless it holds."""
    if not holds:
        raise Broken(what)


async def clock(ground: Ground) -> str:
    """The venue's clock is measured, twice the same."""
    first = await ground.room.venue.clock_skew_ns()
    second = await ground.room.venue.clock_skew_ns()
    must(abs(second - first) < SKEW_NS_MAX, f"measured {first} ns, then {second} ns")
    return f"{second / NS_PER_MS:+.0f} ms apart"


async def leverage(ground: Ground) -> str:
    """The leverage setting is read as it was set, and put back."""
    before = (await ground.account()).leverages.get(ground.symbol)
    wanted = 3 if before != 3 else 4
    await ground.room.venue.set_leverage(ground.symbol, wanted)
    try:
        seen = (await ground.account()).leverages.get(ground.symbol)
        must(seen == wanted, f"set to {wanted}, read {seen}")
        await ground.room.venue.set_leverage(ground.symbol, wanted)
    finally:
        if before is not None:
            await ground.room.venue.set_leverage(ground.symbol, before)
    return f"{before or 'unknown'} -> {wanted} -> {before or wanted}"


async def unknown_order(ground: Ground) -> str:
    """An order nobody sent is unknown, and its cancel is a certain no."""
    name = ground.name()
    must(await ground.order(name, conditional=False) is None, "the venue knows an unsent order")
    try:
        await ground.room.guard.cancel(ground.symbol, name, conditional=False, protecting=True)
    except VenueRefused as no:
        must(no.code in GONE, f"refused with {no.code}")
        return f"refused: {str(no)[:60]}"
    raise Broken("an order that never was could be cancelled")


async def duplicate_id(ground: Ground) -> str:
    """A resting order is seen; sent again under its id it stays one; cancelled it is gone."""
    draft, name = ground.resting(), ground.name()
    first = await ground.send(draft, name)
    must(first.status is OrderStatus.WORKING, f"a resting order is {first.status.value}")
    again = await ground.send(draft, name)
    must(again.venue_order_id == first.venue_order_id, "a second order under the same id")
    await ground.until(lambda: _shows(ground, name, count=1), "seen once in the account")
    await ground.room.guard.cancel(ground.symbol, name, conditional=False, protecting=True)
    await ground.until(lambda: _shows(ground, name, count=0), "gone from the account")
    return f"venue id {first.venue_order_id}"


async def entry_with_stop(ground: Ground) -> str:
    """A market entry fills, is read back, and its stop is seen by mark and reduce-only."""
    entered = await ground.send(ground.entry())
    await ground.until(lambda: _filled(ground, entered.client_order_id), "the entry filled")
    await ground.until(lambda: _holds(ground), "the position is seen")
    await ground.until(lambda: _read_back(ground, entered.client_order_id), "the fill read back")
    stop = await ground.send(ground.stop("0.90"))
    seen: list[OrderState] = []

    async def look() -> bool:
        found = [o for o in (await ground.account()).orders if _is(o, stop.client_order_id)]
        seen[:] = found
        return bool(found)

    await ground.until(look, "the stop is seen in the account")
    (order,) = seen
    must(order.kind is OrderKind.STOP_MARKET, f"seen as {order.kind.value}")
    must(order.trigger_by is TriggerBy.MARK, f"triggers by {order.trigger_by}")
    must(order.reduce_only, "seen as an order that may open")
    must(order.trigger_price == ground.away("0.90"), f"trigger {order.trigger_price}")
    return f"stop at {order.trigger_price}"


async def both_books(ground: Ground) -> str:
    """A plain and a conditional order are seen at once; each is cancelled by its own id."""
    limit = await ground.send(ground.resting())
    stop = await ground.send(ground.stop("0.85"))
    for name in (limit.client_order_id, stop.client_order_id):
        await ground.until(lambda name=name: _shows(ground, name, count=1), f"{name} is seen")  # type: ignore[misc]
    for order, conditional in ((limit, False), (stop, True)):
        await ground.room.guard.cancel(
            ground.symbol, order.client_order_id, conditional=conditional, protecting=True
        )
    for name in (limit.client_order_id, stop.client_order_id):
        await ground.until(lambda name=name: _shows(ground, name, count=0), f"{name} is gone")  # type: ignore[misc]
    return "seen, then gone"


async def stop_rejected(ground: Ground) -> str:
    """A stop that would fire at once is refused, by a number we know."""
    try:
        await ground.send(ground.stop("1.10"))
    except VenueRefused as no:
        must(no.code == AT_ONCE, f"refused with {no.code}: {no}")
        return f"refused: {str(no)[:60]}"
    raise Broken("a stop above the price was taken")


async def reduce_only(ground: Ground) -> str:
    """Selling twice of what is held, reduce-only, ends flat and not short; then nothing is left."""
    sold = await ground.send(ground.exit(ground.qty * 2))
    await ground.until(lambda: _ended(ground, sold.client_order_id), "the order ended")
    await ground.until(lambda: _flat(ground), "flat")
    try:
        await ground.send(ground.exit(ground.qty))
    except VenueRefused as no:
        must(no.code == NOTHING_TO_REDUCE, f"while flat refused with {no.code}: {no}")
        return "flat, then refused"
    must(await _flat(ground), "a reduce-only order opened a position")
    return "flat, and stays so"


def _is(order: OrderState, name: str) -> bool:
    return order.client_order_id == name


async def _shows(ground: Ground, name: str, *, count: int) -> bool:
    return sum(_is(order, name) for order in (await ground.account()).orders) == count


async def _filled(ground: Ground, name: str) -> bool:
    state = await ground.order(name, conditional=False)
    return state is not None and state.status is OrderStatus.FILLED


async def _ended(ground: Ground, name: str) -> bool:
    state = await ground.order(name, conditional=False)
    return state is not None and not state.status.is_live


async def _holds(ground: Ground) -> bool:
    return await ground.held_qty() == ground.qty


async def _flat(ground: Ground) -> bool:
    return await ground.held_qty() == 0


async def _read_back(ground: Ground, name: str) -> bool:
    fills = await ground.room.venue.fills(ground.symbol, ground.began_ns)
    return any(fill.client_order_id == name for fill in fills)


Run = Callable[[Ground], Awaitable[str]]
SCENARIOS: Final[tuple[tuple[str, Run], ...]] = (
    ("clock skew", clock),
    ("leverage", leverage),
    ("unknown order", unknown_order),
    ("duplicate id", duplicate_id),
    ("entry with stop", entry_with_stop),
    ("both books", both_books),
    ("stop rejected", stop_rejected),
    ("reduce only", reduce_only),
)
NOT_HERE: Final = (
    "partial fill", "stop triggers", "hedge mode", "margin mode", "lost acknowledgement",
    "reconcile after silence", "funding", "liquidation", "ADL", "rate-limit ban",
)  # fmt: skip
"""What needs a market that can be moved, or would leave something behind: in the suite alone."""
