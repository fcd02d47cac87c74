"""Proves that a stop can be placed, seen and cancelled at this venue, now."""

import asyncio
import re
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from bot.domain.account import AccountState, PositionState
from bot.domain.errors import VenueRefused
from bot.domain.instrument import Instrument
from bot.domain.messages import CancelOrder
from bot.domain.orders import (
    ApprovedOrder,
    OrderKind,
    OrderState,
    OrderStatus,
    PositionSide,
)
from bot.domain.risk import Refusal
from bot.domain.units import NS_PER_S, ZERO
from bot.kernel.gate import approve_protection
from bot.kernel.plan import rescue_stop_price
from bot.kernel.snapshot import Market
from bot.kernel.track import OURS
from bot.runtime import outcomes, rescue
from bot.runtime.parts import DaemonParts

FAR_FRAC = 0.5
SEEN_TRIES = 5
SEEN_PAUSE_S = 0.3
CANARY = re.compile(rf"{OURS}[0-9a-z]+-p[0-9]+")
NEEDS_POSITION = ("-2022", "-4509", "-4118")
"""Refusals that say "there is nothing to reduce": the order kind itself was understood."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict: `failed` is empty when a stop was proven, or `skipped` says why it was not.

    `early` marks a failure that only means: ask again in a moment.
    """

    failed: str = ""
    skipped: str = ""
    early: bool = False


async def prove_stop(
    parts: DaemonParts, account: AccountState, number: int, *, anew: bool = False
) -> Proof:
    """Place a smallest reduce-only stop far from the market, see it in the account, cancel it.

    It can never add risk: it is reduce-only, half the price away, and of the smallest quantity.
    A stop of ours that already rests at the venue is proof enough, unless it is asked for `anew`.
    """
    positions = [position for position in account.positions if position.qty > ZERO]
    await _sweep(parts, account)
    if not anew and any(_is_our_stop(order) for order in account.orders):
        return Proof()
    target = _target(parts, positions)
    if target is None:
        return Proof(failed="no price is known yet", early=True)
    instrument, position, mark = target
    order = _far_stop(instrument, position, mark, f"bw{parts.run_id[:8]}-p{number}")
    if isinstance(order, Refusal):
        return Proof(failed=f"the gate refused it: {order.reason.value} {order.measured}")
    deadline_s = parts.options.write_deadline_s
    try:
        async with asyncio.timeout(deadline_s):
            await parts.guard.submit(order)
    except VenueRefused as error:
        if error.code in NEEDS_POSITION and not positions:
            return Proof(skipped="this venue takes no stop while flat; the first one is proven")
        return Proof(failed=f"the venue refused a stop: {error.code} {outcomes.told(error)}")
    except outcomes.FAILURES as error:
        await _clear(parts, order)
        return Proof(failed=f"placing a stop: {outcomes.told(error)}", early=True)
    seen = await _seen(parts, order)
    cleared = await _clear(parts, order)
    if not seen:
        return Proof(failed="a stop was accepted but is not shown among the open orders")
    return Proof(failed=cleared)


async def _sweep(parts: DaemonParts, account: AccountState) -> None:
    """Cancel what proofs of this or an earlier life left behind when they were cut short."""
    for order in account.orders:
        if CANARY.fullmatch(order.client_order_id):
            wish = CancelOrder(
                symbol=order.symbol,
                client_order_id=order.client_order_id,
                venue_order_id=order.venue_order_id,
                conditional=True,
                protecting=True,
                reason="left behind by a proof",
            )
            await outcomes.cancel(parts.guard, wish, parts.clock, parts.options.write_deadline_s)


def _is_our_stop(order: OrderState) -> bool:
    return (
        order.client_order_id.startswith(OURS)
        and not CANARY.fullmatch(order.client_order_id)
        and order.kind is OrderKind.STOP_MARKET
        and order.status is OrderStatus.WORKING
    )


def _target(
    parts: DaemonParts, positions: Sequence[PositionState]
) -> tuple[Instrument, PositionState, float] | None:
    """Return a held leg, else an imagined one, with its contract and a price to be far from."""
    markets = parts.kernel.state.markets
    for position in positions:
        market = markets.get(position.symbol)
        if market is not None and market.instrument is not None:
            return market.instrument, position, market.mark or float(position.entry_price)
    for symbol in parts.symbols:
        market = markets.get(symbol)
        price = _price(market) if market is not None else 0.0
        if market is not None and market.instrument is not None and price > 0.0:
            return market.instrument, _imagined(parts, market.instrument, price), price
    return None


def _price(market: Market) -> float:
    hour = market.hour.close if market.hour is not None else 0.0
    return market.mark or market.last or hour


def _imagined(parts: DaemonParts, instrument: Instrument, price: float) -> PositionState:
    """Return the position a stop would guard: large enough for every minimum."""
    trigger = Decimal(repr(price * (1.0 - FAR_FRAC)))
    return PositionState(
        symbol=instrument.symbol,
        side=PositionSide.LONG,
        qty=_smallest_qty(instrument, trigger),
        entry_price=Decimal(repr(price)),
        margin_mode=None,
        event_ns=parts.clock.now_ns(),
        hedged=parts.kernel.state.hedge_mode,
    )


def _smallest_qty(instrument: Instrument, trigger: Decimal) -> Decimal:
    enough = instrument.qty_down(instrument.notional_min_usd / trigger) + instrument.lot
    return max(instrument.qty_min, enough)


def _far_stop(
    instrument: Instrument, position: PositionState, mark: float, client_order_id: str
) -> ApprovedOrder | Refusal:
    trigger = rescue_stop_price(position, mark, instrument, FAR_FRAC)
    qty = min(_smallest_qty(instrument, trigger), position.qty)
    draft = rescue.stop_draft(position, qty, trigger, "proof that a stop can be placed")
    return approve_protection(
        draft,
        instrument=instrument,
        position=position,
        mark=mark,
        client_order_id=client_order_id,
    )


async def _seen(parts: DaemonParts, order: ApprovedOrder) -> bool:
    """Whether the account shows the stop as working within a second or two."""
    for _ in range(SEEN_TRIES):
        try:
            async with asyncio.timeout(parts.options.read_deadline_s):
                account = await parts.guard.account()
        except outcomes.FAILURES:
            account = None
        orders = account.orders if account is not None else ()
        if any(
            one.client_order_id == order.client_order_id and one.status is OrderStatus.WORKING
            for one in orders
        ):
            return True
        await parts.clock.sleep_s(SEEN_PAUSE_S)
    return False


async def _clear(parts: DaemonParts, order: ApprovedOrder) -> str:
    """Cancel the stop; return what went wrong, or nothing."""
    end_ns = parts.clock.monotonic_ns() + int(parts.options.write_deadline_s * NS_PER_S)
    while True:
        try:
            async with asyncio.timeout(parts.options.write_deadline_s):
                await parts.guard.cancel(
                    order.symbol, order.client_order_id, conditional=True, protecting=True
                )
        except VenueRefused as error:
            return f"a stop could not be cancelled: {error.code} {outcomes.told(error)}"
        except outcomes.FAILURES as error:
            if parts.clock.monotonic_ns() > end_ns:
                return f"a stop could not be cancelled: {outcomes.told(error)}"
            await parts.clock.sleep_s(SEEN_PAUSE_S)
        else:
            return ""
