"""The exchange as ports.Venue behind a wire that takes time, loses and lies as the faults say."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from bot.domain.account import AccountState, IncomeRow
from bot.domain.errors import VenueRefused, VenueThrottled
from bot.domain.instrument import Instrument
from bot.domain.market import Candle, OpenInterest
from bot.domain.messages import Fill
from bot.domain.orders import ApprovedOrder, OrderKind, OrderState, PositionSide, Purpose
from bot.domain.units import NS_PER_S, ZERO
from bot.lab.simulation.lies import Told, order_shown
from bot.lab.simulation.life import Life
from bot.lab.simulation.wire import Call, Fate, fate_of
from bot.lab.simulation.world import ACCOUNT
from bot.ports import Clock, KeyPermissions
from bot.simulator.inprocess import InProcessVenue
from bot.venue.breaker import Breaker

T = TypeVar("T")
BAR_NOISE: Final = 0.002
NEAR_FRAC, FAR_FRAC = 0.03, 0.30
"""Most that the price may jump while a stop is on its way: more is asked for by name only."""
KEPT_NS: Final = 10 * NS_PER_S


class SimVenue:
    """One door of a life to the exchange; the guard has one of its own.

    Doors of one life share the breaker of the real client: during a ban nothing is sent.
    """

    name = "embedded"

    def __init__(self, life: Life, door: str, clock: Clock, breaker: Breaker) -> None:
        self._life = life
        self._world = life.world
        self._door = door
        self._breaker = breaker
        self._inner = InProcessVenue(self._world.exchange, ACCOUNT, clock, history=self._bars)
        self._told = Told(self._world)

    # ------------------------------------------------------------------ the wire

    async def _ask(self, call: Call, act: Callable[[], T], text: str = "") -> T:
        """Send a request, let it act at the venue, and bring the answer back."""
        life, world = self._life, self._world
        await life.cross(f"{call.method}_before")
        self._breaker.check(places=call.method == "submit")
        life.sends(self._door, call)
        fate = fate_of(world, call)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if fate.arrives and call.order is not None:
            world.flying[call.order.client_order_id] = call.order
        if fate.arrives:
            world.timeline.after(fate.there_s, lambda: self._arrive(fate, call, act, answer, text))
        if not fate.answers:
            if text:
                world.note(f"{self._door} lost {text} arrives={fate.arrives}")
            if fate.error is not None:
                world.timeline.after(fate.error_s, lambda: self._bring(answer, fate.error))
        found = await answer
        await life.cross(f"{call.method}_after")
        if isinstance(found, Exception):
            if isinstance(found, VenueThrottled):
                self._breaker.trip(found, orders_only=False)
            raise found
        if not life.ready and self._door == "venue":
            life.did.append(call.method)
        return found  # type: ignore[no-any-return]

    def _arrive(
        self,
        fate: Fate,
        call: Call,
        act: Callable[[], object],
        answer: "asyncio.Future[Any]",
        text: str,
    ) -> None:
        """Act at the venue, whether or not its sender still lives."""
        world = self._world
        if call.order is not None:
            world.flying.pop(call.order.client_order_id, None)
        if text:
            world.note(f"{self._door} {text}")
        found: object = fate.refusal
        if found is None:
            try:
                found = world.at_venue(act)
            except VenueRefused as refused:
                found = refused
        if isinstance(found, VenueRefused):
            world.note(f"refused {found.code} {text}")
            world.mark(f"refused{found.code}")
            if call.order is not None and fate.answers:
                world.refusals(call.order, found.code)
        if fate.answers:
            world.timeline.after(world.delay_s(), lambda: self._bring(answer, found))

    def _bring(self, answer: "asyncio.Future[Any]", found: object) -> None:
        if not self._life.dead and not answer.done():
            if isinstance(found, AccountState):
                self._life.account_told_ns = self._world.now_ns
                self._life.accounts_told.add(found.event_ns)
            answer.set_result(found)

    # ------------------------------------------------------------------ account

    async def account(self) -> AccountState:
        """Return wallet, positions and both order books, as truly as the faults allow."""
        if self._door == "guard":
            self._life.looks()
        return await self._ask(Call(method="account"), self._read_account)

    def _read_account(self) -> AccountState:
        return self._told.account(self._now())

    def _now(self) -> AccountState:
        """Return the account; what changes with the price alone may be some seconds old."""
        world = self._world
        kept = world.account_kept
        key = (world.exchange.generation, world.now_ns // KEPT_NS)
        if kept is None or world.account_key != key:
            kept = world.account_kept = self._inner.account_now()
            world.account_key = key
        return msgspec.structs.replace(kept, event_ns=world.now_ns)

    # ------------------------------------------------------------------ orders

    async def submit(self, order: ApprovedOrder) -> OrderState:
        """Send one order."""
        text = (
            f"submit {order.client_order_id} {order.purpose.value} {order.side.value} {order.qty}"
            f" {order.trigger_price}"
        )
        call = Call(method="submit", symbol=order.symbol, order=order)
        return await self._ask(call, lambda: self._submit_now(order), text)

    def _submit_now(self, order: ApprovedOrder) -> OrderState:
        self._gap_in_flight(order)
        if self._world.board.on("reserved") is not None and self._is_reserved(order):
            self._world.board.count("reserved")
            raise VenueRefused("ReduceOnly order conflicts with resting ones", code="-4118")
        return self._inner.submit_now(order)

    def _gap_in_flight(self, order: ApprovedOrder) -> None:
        """Let the price jump through a stop while its request is on the way."""
        if order.kind is not OrderKind.STOP_MARKET or order.trigger_price is None:
            return
        gap = self._world.board.hit("gap_in_flight", order.symbol)
        if gap is None or order.purpose is not Purpose.STOP:
            return
        path = self._world.paths[order.symbol]
        beyond = float(order.trigger_price) / path.price - 1.0
        if abs(beyond) < (FAR_FRAC if gap.how == "far" else NEAR_FRAC):
            self._world.mark("gap_in_flight")
            sign = 1.0 if beyond > 0.0 else -1.0
            self._world.jump(order.symbol, beyond + sign * gap.size)

    def _is_reserved(self, order: ApprovedOrder) -> bool:
        """Whether resting reduce-only orders that are no stops hold the quantity (-4118)."""
        if order.kind is not OrderKind.MARKET or not order.reduce_only:
            return False
        account = self._world.exchange.account(ACCOUNT)
        held = sum((p.qty for p in account.positions if p.symbol == order.symbol), ZERO)
        resting = sum(
            (
                one.remaining_qty
                for one in account.orders
                if one.symbol == order.symbol
                and one.reduce_only
                and one.kind is not OrderKind.STOP_MARKET
            ),
            ZERO,
        )
        return resting > ZERO and resting + order.qty > held

    async def cancel(
        self,
        symbol: str,
        client_order_id: str,
        *,
        conditional: bool,
        protecting: bool,  # noqa: ARG002 - lanes are the real client's
    ) -> None:
        """Cancel one open order."""
        self._world.cancels(client_order_id)
        await self._ask(
            Call(method="cancel", symbol=symbol),
            lambda: self._inner.cancel_now(symbol, client_order_id, conditional=conditional),
            f"cancel {client_order_id}",
        )

    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool
    ) -> OrderState | None:
        """Return one order by its client id, or None."""

        def look() -> OrderState | None:
            if self._world.board.hit("hidden_order") is not None:
                return None
            if client_order_id in self._world.forgotten:
                return None
            found = self._inner.order_now(symbol, client_order_id, conditional=conditional)
            return order_shown(self._world, found) if found is not None else None

        call = Call(method="order", symbol=symbol)
        found = await self._ask(call, look, f"ask {client_order_id}")
        if found is None:
            self._life.not_found.add(client_order_id)
        return found

    async def fills(self, symbol: str, since_ns: int) -> tuple[Fill, ...]:
        """Read executions of one symbol since `since_ns`, oldest first."""
        exchange = self._world.exchange
        return await self._ask(
            Call(method="fills", symbol=symbol),
            lambda: tuple(exchange.trades(ACCOUNT, symbol, since_ns)),
        )

    # ------------------------------------------------------------------ the rest

    async def instruments(self, symbols: Sequence[str]) -> tuple[Instrument, ...]:
        """Return the contracts of `symbols`."""
        if self._life.ready and self._world.off_grid_ns > self._world.now_ns - NS_PER_S:
            self._world.mark("contract_read_again")
        return await self._ask(
            Call(method="instruments"), lambda: self._inner.instruments_now(symbols)
        )

    async def add_margin(self, symbol: str, side: PositionSide, amount_usd: Decimal) -> None:
        """Add isolated margin to a position."""
        await self._ask(
            Call(method="add_margin", symbol=symbol),
            lambda: self._inner.add_margin_now(symbol, side, amount_usd),
            f"margin {symbol} {side.value} {amount_usd}",
        )

    async def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set the leverage of a symbol."""
        await self._ask(
            Call(method="set_leverage", symbol=symbol),
            lambda: self._inner.set_leverage_now(symbol, leverage),
        )

    async def candles(
        self, symbol: str, timeframe_s: int, since_ns: int, limit: int
    ) -> tuple[Candle, ...]:
        """Return closed bars around today's price."""
        bars = self._bars(symbol, timeframe_s, since_ns, limit)
        return await self._ask(Call(method="candles"), lambda: bars)

    async def open_interest(self, symbol: str) -> OpenInterest:
        """Return open interest in coins."""
        qty = self._world.exchange.market(symbol).open_interest_qty
        now_ns = self._world.now_ns
        return await self._ask(
            Call(method="open_interest"),
            lambda: OpenInterest(symbol, now_ns, now_ns, self.name, qty),
        )

    async def income(self, since_ns: int) -> tuple[IncomeRow, ...]:
        """Return ledger rows since `since_ns`, oldest first."""
        return await self._ask(Call(method="income"), lambda: self._inner.income_now(since_ns))

    async def clock_skew_ns(self) -> int:
        """Return venue clock minus ours."""
        return await self._ask(Call(method="time"), lambda: -self._world.host_skew_ns)

    async def key_permissions(self) -> KeyPermissions:
        """Return what the key may do: trade, and nothing else."""
        may = KeyPermissions(
            can_trade=True, can_withdraw=False, ip_restricted=True, can_transfer=False
        )
        return await self._ask(Call(method="key"), lambda: may)

    async def close(self) -> None:
        """Release nothing."""

    def _bars(self, symbol: str, timeframe_s: int, since_ns: int, limit: int) -> tuple[Candle, ...]:
        step_ns = timeframe_s * NS_PER_S
        first_ns = since_ns - since_ns % step_ns + step_ns
        price = self._world.paths[symbol].price
        high, low = price * (1.0 + BAR_NOISE), price * (1.0 - BAR_NOISE)
        return tuple(
            Candle(symbol, ns, ns, timeframe_s, price, high, low, price, 100.0, history=True)
            for ns in range(first_ns, self._world.now_ns + 1, step_ns)[:limit]
        )
