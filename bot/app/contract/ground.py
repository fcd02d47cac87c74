"""What the contract stands on: one contract of one account, its price, orders that are ours."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Final

from bot.domain.account import AccountState
from bot.domain.errors import BotError, VenueError, VenueRefused
from bot.domain.instrument import Instrument
from bot.domain.orders import (
    ApprovedOrder,
    OrderDraft,
    OrderKind,
    OrderSide,
    OrderState,
    PositionSide,
    Purpose,
    TimeInForce,
    TriggerBy,
)
from bot.domain.risk import Refusal
from bot.domain.units import NS_PER_S
from bot.kernel.trial import approve_trial, smallest_qty
from bot.ports import Clock
from bot.venue.room import VenueRoom

PATIENCE_S: Final = 15.0
LOOK_S: Final = 0.25


class Broken(BotError):
    """The venue did not do what the contract says."""


class Ground:
    """One flat contract to try things on; `price` is the newest close."""

    def __init__(
        self,
        room: VenueRoom,
        clock: Clock,
        instrument: Instrument,
        price: Decimal,
        *,
        mode: str,
        run_id: str,
        hedged: bool,
    ) -> None:
        self.room = room
        self.clock = clock
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.price = price
        self.qty = smallest_qty(instrument, price)
        self._mode = mode
        self._run_id = run_id
        self._hedged = hedged
        self._orders = 0
        self.began_ns = 0
        self.sent: list[ApprovedOrder] = []

    def name(self) -> str:
        """Return a fresh client id, ours and the contract's."""
        self._orders += 1
        return f"bw{self._run_id}-c{self._orders}"

    def away(self, frac: str) -> Decimal:
        """Return a price that is `frac` of the present one, on the grid."""
        return self.instrument.price_down(self.price * Decimal(frac))

    # ------------------------------------------------------------------ orders

    async def send(self, draft: OrderDraft, name: str = "") -> OrderState:
        """Have a draft approved and sent; raises Broken when our own gate says no."""
        order = approve_trial(
            draft,
            mode=self._mode,
            instrument=self.instrument,
            price=self.price,
            client_order_id=name or self.name(),
            hedged=self._hedged,
        )
        if isinstance(order, Refusal):
            raise Broken(f"our gate: {order.reason.value} {order.measured}, {order.limit}")
        self.sent.append(order)
        door = self.room.guard if order.protecting else self.room.venue
        return await door.submit(order)

    def entry(self) -> OrderDraft:
        """Return a smallest buy at market."""
        return self._draft(Purpose.ENTRY, OrderKind.MARKET, OrderSide.BUY, self.qty)

    def resting(self) -> OrderDraft:
        """Return a smallest buy that waits a tenth below the price, as maker only."""
        return self._draft(
            Purpose.ENTRY, OrderKind.LIMIT, OrderSide.BUY, self.qty,
            price=self.away("0.93"), life=TimeInForce.GTX,
        )  # fmt: skip

    def stop(self, frac: str) -> OrderDraft:
        """Return a reduce-only stop at `frac` of the price."""
        return self._draft(
            Purpose.STOP, OrderKind.STOP_MARKET, OrderSide.SELL, self.qty, trigger=self.away(frac)
        )

    def exit(self, qty: Decimal) -> OrderDraft:
        """Return a reduce-only sale at market."""
        return self._draft(Purpose.CUT, OrderKind.MARKET, OrderSide.SELL, qty)

    def _draft(
        self,
        purpose: Purpose,
        kind: OrderKind,
        side: OrderSide,
        qty: Decimal,
        *,
        price: Decimal | None = None,
        trigger: Decimal | None = None,
        life: TimeInForce = TimeInForce.GTC,
    ) -> OrderDraft:
        return OrderDraft(
            symbol=self.symbol,
            side=side,
            position_side=PositionSide.LONG,
            kind=kind,
            purpose=purpose,
            qty=qty,
            price=price,
            trigger_price=trigger,
            trigger_by=TriggerBy.MARK,
            time_in_force=life,
            reason="venue contract",
        )

    # ------------------------------------------------------------------ looking

    async def account(self) -> AccountState:
        """Read the account by the guard's connection."""
        return await self.room.guard.account()

    async def order(self, name: str, *, conditional: bool) -> OrderState | None:
        """Ask for one order."""
        return await self.room.guard.order(self.symbol, name, conditional=conditional)

    async def held_qty(self) -> Decimal:
        """Return what is held of the contract, both sides counted."""
        legs = (await self.account()).positions
        return sum((leg.qty for leg in legs if leg.symbol == self.symbol), Decimal(0))

    async def until(self, look: Callable[[], Awaitable[bool]], what: str) -> None:
        """Look again and again; raises Broken when `what` does not come to be in time."""
        end_ns = self.clock.monotonic_ns() + int(PATIENCE_S * NS_PER_S)
        trouble = ""
        while True:
            try:
                if await look():
                    return
            except VenueError as failed:
                trouble = f" ({str(failed)[:120]})"
            if self.clock.monotonic_ns() > end_ns:
                raise Broken(f"{what}: not within {PATIENCE_S:g} s{trouble}")
            await self.clock.sleep_s(LOOK_S)

    # ------------------------------------------------------------------ leaving

    async def leave(self) -> list[str]:
        """Cancel every order of ours and close what they opened; return what is left."""
        left: list[str] = []
        for order in self.sent:
            try:
                await self._cancel(order)
            except VenueError as failed:
                left.append(f"order {order.client_order_id}: {str(failed)[:120]}")
        try:
            held = await self.held_qty()
            if held > 0:
                await self.send(self.exit(min(held, self.qty * 2)))
                await self.until(self._is_flat, "flat")
            names = {order.client_order_id for order in self.sent}
            left += [
                f"order {order.client_order_id}"
                for order in (await self.account()).orders
                if order.client_order_id in names
            ]
        except (VenueError, Broken) as failed:
            left.append(f"position: {str(failed)[:160]}")
        return left

    async def _cancel(self, order: ApprovedOrder) -> None:
        conditional = order.kind.is_conditional
        if order.kind is OrderKind.MARKET:
            return
        try:
            await self.room.guard.cancel(
                self.symbol, order.client_order_id, conditional=conditional, protecting=True
            )
        except VenueRefused:
            return  # not open any more, or never taken

    async def _is_flat(self) -> bool:
        return await self.held_qty() == 0
