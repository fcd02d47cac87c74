"""The exchange as ports.Venue behind a wire that takes time, loses and lies as the faults say."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar

from bot.domain.account import AccountState, IncomeRow
from bot.domain.errors import VenueRefused
from bot.domain.instrument import Instrument
from bot.domain.market import Candle, OpenInterest
from bot.domain.messages import Fill
from bot.domain.orders import ApprovedOrder, OrderState, PositionSide
from bot.domain.units import NS_PER_S
from bot.lab.simulation.life import Life
from bot.lab.simulation.world import ACCOUNT
from bot.ports import Clock, KeyPermissions
from bot.simulator.inprocess import InProcessVenue

T = TypeVar("T")
BAR_NOISE: Final = 0.002


class SimVenue:
    """One door of a life to the exchange; the guard has one of its own."""

    name = "embedded"

    def __init__(self, life: Life, door: str, clock: Clock) -> None:
        self._life = life
        self._world = life.world
        self._door = door
        self._inner = InProcessVenue(self._world.exchange, ACCOUNT, clock, history=self._bars)

    # ------------------------------------------------------------------ the wire

    async def _ask(self, method: str, act: Callable[[], T], text: str = "") -> T:
        """Send a request, let it act at the venue, and bring the answer back."""
        await self._life.cross(f"{method}_before")
        world = self._world
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def arrive() -> None:
            if text:
                world.note(f"{self._door} {text}")
            try:
                found: object = world.at_venue(act)
            except VenueRefused as refused:
                found = refused
                world.note(f"refused {refused.code} {text}")
            world.timeline.after(world.delay_s(), lambda: self._bring(answer, found))

        world.timeline.after(world.delay_s(), arrive)
        found = await answer
        await self._life.cross(f"{method}_after")
        if isinstance(found, Exception):
            raise found
        return found  # type: ignore[no-any-return]

    def _bring(self, answer: "asyncio.Future[Any]", found: object) -> None:
        if not self._life.dead and not answer.done():
            answer.set_result(found)

    # ------------------------------------------------------------------ bot.ports.Venue

    async def instruments(self, symbols: Sequence[str]) -> tuple[Instrument, ...]:
        """Return the contracts of `symbols`."""
        return await self._ask("instruments", lambda: self._inner.instruments_now(symbols))

    async def account(self) -> AccountState:
        """Return wallet, positions and both order books."""
        return await self._ask("account", self._inner.account_now)

    async def submit(self, order: ApprovedOrder) -> OrderState:
        """Send one order."""
        text = (
            f"submit {order.client_order_id} {order.purpose.value} {order.side.value} {order.qty}"
            f" {order.trigger_price}"
        )
        return await self._ask("submit", lambda: self._inner.submit_now(order), text)

    async def cancel(
        self,
        symbol: str,
        client_order_id: str,
        *,
        conditional: bool,
        protecting: bool,  # noqa: ARG002 - lanes are the real client's
    ) -> None:
        """Cancel one open order."""
        await self._ask(
            "cancel",
            lambda: self._inner.cancel_now(symbol, client_order_id, conditional=conditional),
            f"cancel {client_order_id}",
        )

    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool
    ) -> OrderState | None:
        """Return one order by its client id, or None."""
        return await self._ask(
            "order",
            lambda: self._inner.order_now(symbol, client_order_id, conditional=conditional),
            f"ask {client_order_id}",
        )

    async def fills(self, symbol: str, since_ns: int) -> tuple[Fill, ...]:
        """Read executions of one symbol since `since_ns`, oldest first."""
        exchange = self._world.exchange
        return await self._ask("fills", lambda: tuple(exchange.trades(ACCOUNT, symbol, since_ns)))

    async def add_margin(self, symbol: str, side: PositionSide, amount_usd: Decimal) -> None:
        """Add isolated margin to a position."""
        await self._ask(
            "add_margin",
            lambda: self._inner.add_margin_now(symbol, side, amount_usd),
            f"margin {symbol} {side.value} {amount_usd}",
        )

    async def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set the leverage of a symbol."""
        await self._ask("set_leverage", lambda: self._inner.set_leverage_now(symbol, leverage))

    async def candles(
        self, symbol: str, timeframe_s: int, since_ns: int, limit: int
    ) -> tuple[Candle, ...]:
        """Return closed bars around today's price."""
        bars = self._bars(symbol, timeframe_s, since_ns, limit)
        return await self._ask("candles", lambda: bars)

    async def open_interest(self, symbol: str) -> OpenInterest:
        """Return open interest in coins."""
        qty = self._world.exchange.market(symbol).open_interest_qty
        now_ns = self._world.now_ns
        return await self._ask(
            "open_interest", lambda: OpenInterest(symbol, now_ns, now_ns, self.name, qty)
        )

    async def income(self, since_ns: int) -> tuple[IncomeRow, ...]:
        """Return ledger rows since `since_ns`, oldest first."""
        return await self._ask("income", lambda: self._inner.income_now(since_ns))

    async def clock_skew_ns(self) -> int:
        """Return venue clock minus ours."""
        return await self._ask("time", lambda: -self._world.host_skew_ns)

    async def key_permissions(self) -> KeyPermissions:
        """Return what the key may do: trade, and nothing else."""
        may = KeyPermissions(
            can_trade=True, can_withdraw=False, ip_restricted=True, can_transfer=False
        )
        return await self._ask("key", lambda: may)

    async def close(self) -> None:
        """Release nothing."""

    def _bars(
        self, symbol: str, timeframe_s: int, since_ns: int, limit: int
    ) -> tuple[Candle, ...]:
        step_ns = timeframe_s * NS_PER_S
        first_ns = since_ns - since_ns % step_ns + step_ns
        price = self._world.paths[symbol].price
        high, low = price * (1.0 + BAR_NOISE), price * (1.0 - BAR_NOISE)
        return tuple(
            Candle(symbol, ns, ns, timeframe_s, price, high, low, price, 100.0, history=True)
            for ns in range(first_ns, self._world.now_ns + 1, step_ns)[:limit]
        )
