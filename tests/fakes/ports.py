"""Small fakes of bot.ports: virtual time, a venue with scripted faults, memories, feeds."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bot.domain.account import AccountState, IncomeRow
from bot.domain.errors import BotError, JournalBroken
from bot.domain.instrument import Instrument
from bot.domain.market import Candle, MarkPrice, OpenInterest, TradeBucket
from bot.domain.messages import Effect, Event, Fill, Notify
from bot.domain.orders import (
    ApprovedOrder,
    OrderKind,
    OrderSide,
    OrderState,
    PositionSide,
    Purpose,
    TimeInForce,
    TriggerBy,
)
from bot.domain.policy import LevelPolicy, Policy
from bot.domain.strategy import Strategy
from bot.domain.units import NS_PER_S
from bot.kernel.step import Kernel
from bot.ports import KeyPermissions, Venue
from bot.runtime.parts import DaemonParts, Options
from bot.simulator.exchange import Exchange
from bot.simulator.fills import DepthModel
from bot.simulator.inprocess import InProcessVenue
from bot.simulator.terms import MarketTick, OrderRequest
from tests.fakes.kernel_world import BTC, CONTRACT, START_NS

ETH = "ETH/USDT:USDT"
RUN = "run00001"


# ------------------------------------------------------------------ time


class _NoWaiting(selectors.BaseSelector):
    """Looks at real descriptors without waiting; where it would wait, virtual time passes."""

    def __init__(self) -> None:
        self.real = selectors.DefaultSelector()
        self.now_s = 0.0

    def register(self, fileobj, events, data=None):
        return self.real.register(fileobj, events, data)

    def unregister(self, fileobj):
        return self.real.unregister(fileobj)

    def modify(self, fileobj, events, data=None):
        return self.real.modify(fileobj, events, data)

    def get_map(self):
        return self.real.get_map()

    def close(self) -> None:
        self.real.close()

    def select(self, timeout=None):
        ready = self.real.select(0)
        if ready:
            return ready
        if timeout is None:
            raise RuntimeError(f"nothing will ever happen again (virtual time {self.now_s:.3f} s)")
        self.now_s += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in which waiting costs nothing."""

    def __init__(self) -> None:
        self._virtual = _NoWaiting()
        super().__init__(self._virtual)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._virtual.now_s


def virtually(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class LoopClock:
    """bot.ports.Clock by the running loop's own time."""

    def __init__(self, start_ns: int = START_NS) -> None:
        self._start_ns = start_ns

    def now_ns(self) -> int:
        return self._start_ns + self.monotonic_ns()

    def monotonic_ns(self) -> int:
        return round(asyncio.get_running_loop().time() * NS_PER_S) + 1

    async def sleep_s(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


# ------------------------------------------------------------------ memory


class ListMemory:
    """A journal in lists. `broken` makes it refuse with `failure`, `delay_s` makes it slow."""

    def __init__(self, clock: LoopClock) -> None:
        self.clock = clock
        self.told: list[tuple[str, object, int]] = []
        self.broken = ""
        self.failure: type[BotError] = JournalBroken
        self.delay_s = 0.0
        self.snapshot: bytes | None = None
        self.orders: tuple[OrderState, ...] = ()

    async def _write(self, kind: str, what: object) -> None:
        if self.delay_s:
            await self.clock.sleep_s(self.delay_s)
        if self.broken:
            raise self.failure(self.broken)
        self.told.append((kind, what, self.clock.monotonic_ns()))

    def of(self, kind: str) -> list[object]:
        return [what for name, what, _ns in self.told if name == kind]

    async def intent(self, run_id: str, seq: int, order: ApprovedOrder, event_ns: int) -> None:
        await self._write("intent", order.client_order_id)

    async def append(self, run_id: str, seq: int, event: Event, effects: Sequence[Effect]) -> None:
        await self._write("append", (event, tuple(effects)))

    async def save_snapshot(self, run_id: str, seq: int, event_ns: int, state: bytes) -> None:
        await self._write("snapshot", seq)
        self.snapshot = state

    async def load_snapshot(self) -> bytes | None:
        return self.snapshot

    async def live_orders(self) -> tuple[OrderState, ...]:
        return self.orders


# ------------------------------------------------------------------ venue


@dataclass
class Fault:
    """What happens to the next matching call: a delay, then an error before or after it acts."""

    method: str
    error: Exception | None = None
    delay_s: float = 0.0
    after: bool = False
    symbol: str = ""
    kind: OrderKind | None = None
    times: int = 1


@dataclass
class Call:
    """One call as the venue saw it, with virtual seconds."""

    method: str
    what: object
    at_s: float
    symbol: str = ""


class FaultyVenue:
    """A Venue in front of another one; every call is noted, scripted faults strike first."""

    def __init__(self, inner: Venue, name: str = "faulty") -> None:
        self.inner = inner
        self.name = name
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.edit_account: Callable[[AccountState], AccountState] | None = None
        self.latency_s = 0.0
        """Half of it passes before the venue acts, half before the answer is here."""

    def fail(self, method: str, error: Exception | None = None, **how: Any) -> None:
        self.faults.append(Fault(method, error, **how))

    def of(self, method: str) -> list[Any]:
        return [call.what for call in self.calls if call.method == method]

    def _fault(self, method: str, symbol: str, kind: OrderKind | None) -> Fault | None:
        for fault in self.faults:
            wrong = (fault.symbol and fault.symbol != symbol) or (fault.kind not in (None, kind))
            if fault.method == method and not wrong and fault.times:
                fault.times -= 1
                return fault
        return None

    async def _do(
        self,
        method: str,
        what: object,
        act: Callable[[], Awaitable[Any]],
        symbol: str = "",
        kind: OrderKind | None = None,
    ) -> Any:
        now_s = asyncio.get_running_loop().time()
        self.calls.append(Call(method, what, now_s, symbol))
        fault = self._fault(method, symbol, kind)
        if self.latency_s:
            await asyncio.sleep(self.latency_s / 2)
        if fault is None:
            done = await act()
            if self.latency_s:
                await asyncio.sleep(self.latency_s / 2)
            return done
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.error is not None and not fault.after:
            raise fault.error
        done = await act()
        if fault.error is not None:
            raise fault.error
        return done

    async def instruments(self, symbols: Sequence[str]) -> tuple[Instrument, ...]:
        return await self._do("instruments", symbols, lambda: self.inner.instruments(symbols))

    async def account(self) -> AccountState:
        account = await self._do("account", None, self.inner.account)
        return account if self.edit_account is None else self.edit_account(account)

    async def submit(self, order: ApprovedOrder) -> OrderState:
        act = lambda: self.inner.submit(order)  # noqa: E731
        return await self._do("submit", order, act, order.symbol, order.kind)

    async def cancel(
        self, symbol: str, client_order_id: str, *, conditional: bool, protecting: bool
    ) -> None:
        act = lambda: self.inner.cancel(  # noqa: E731
            symbol, client_order_id, conditional=conditional, protecting=protecting
        )
        await self._do("cancel", client_order_id, act, symbol)

    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool
    ) -> OrderState | None:
        act = lambda: self.inner.order(symbol, client_order_id, conditional=conditional)  # noqa: E731
        return await self._do("order", client_order_id, act, symbol)

    async def add_margin(self, symbol: str, side: PositionSide, amount_usd: Decimal) -> None:
        act = lambda: self.inner.add_margin(symbol, side, amount_usd)  # noqa: E731
        await self._do("add_margin", amount_usd, act, symbol)

    async def set_leverage(self, symbol: str, leverage: int) -> None:
        await self._do("set_leverage", leverage, lambda: self.inner.set_leverage(symbol, leverage))

    async def candles(
        self, symbol: str, timeframe_s: int, since_ns: int, limit: int
    ) -> tuple[Candle, ...]:
        act = lambda: self.inner.candles(symbol, timeframe_s, since_ns, limit)  # noqa: E731
        return await self._do("candles", (timeframe_s, since_ns), act, symbol)

    async def open_interest(self, symbol: str) -> OpenInterest:
        return await self._do(
            "open_interest", symbol, lambda: self.inner.open_interest(symbol), symbol
        )

    async def fills(self, symbol: str, since_ns: int) -> tuple[Fill, ...]:
        return await self._do(
            "fills", (symbol, since_ns), lambda: self.inner.fills(symbol, since_ns), symbol
        )

    async def income(self, since_ns: int) -> tuple[IncomeRow, ...]:
        return await self._do("income", since_ns, lambda: self.inner.income(since_ns))

    async def clock_skew_ns(self) -> int:
        return await self._do("clock_skew_ns", None, self.inner.clock_skew_ns)

    async def key_permissions(self) -> KeyPermissions:
        return await self._do("key_permissions", None, self.inner.key_permissions)

    async def close(self) -> None:
        await self.inner.close()


# ------------------------------------------------------------------ a small world


ETH_CONTRACT = Instrument(
    symbol=ETH,
    venue_id="ETHUSDT",
    base="ETH",
    quote="USDT",
    tick=Decimal("0.01"),
    lot=Decimal("0.001"),
    qty_min=Decimal("0.001"),
    qty_max=Decimal(10_000),
    market_qty_max=Decimal(2_000),
    notional_min_usd=Decimal(20),
    contract_size=Decimal(1),
    taker_fee_frac=0.0005,
    maker_fee_frac=0.0002,
    tiers=CONTRACT.tiers,
)
PRICES = {BTC: 76_000.0, ETH: 2_500.0}


class MarketFeed:
    """Every 0.1 s: one tick of the exchange, its marks, and what happened to the account."""

    name = "market"

    def __init__(self, world: "Small") -> None:
        self.world = world
        self.deaf = False
        self.frozen = False
        self.trades = False
        self.runs = 0
        self.error: Exception | None = None

    async def run(self, emit: Callable[[Event], None]) -> None:
        self.runs += 1
        while True:
            if self.error is not None:
                error, self.error = self.error, None
                raise error
            self.world.tick()
            events = self.world.inner.events_now()
            if not self.frozen:
                for symbol, price in self.world.prices.items():
                    now_ns = self.world.clock.now_ns()
                    emit(MarkPrice(symbol, now_ns, now_ns, price, price))
                    if self.trades:
                        bucket = (1, 0.1, 0.05, price, price, price)
                        emit(TradeBucket(symbol, now_ns, now_ns, *bucket))
            if not self.deaf:
                for event in events:
                    emit(event)
            await asyncio.sleep(0.1)


@dataclass
class Small:
    """A real exchange and a real kernel in one loop, with two faulty doors to the exchange."""

    policy: Policy = field(
        default_factory=lambda: Policy(levels=LevelPolicy(book=()), venue=InProcessVenue.name)
    )
    wallet: str = "10000"
    strategies: tuple[Strategy, ...] = ()
    run_id: str = RUN
    exchange: Exchange | None = None

    def __post_init__(self) -> None:
        self.clock = LoopClock()
        self.prices = dict(PRICES)
        if self.exchange is None:
            self.exchange = Exchange((CONTRACT, ETH_CONTRACT), fill_model=DepthModel(seed=1))
        self.exchange.open_account("main", Decimal(self.wallet))
        self.inner = InProcessVenue(self.exchange, "main", self.clock, history=self.history)
        self.venue = FaultyVenue(self.inner, "venue")
        self.guard = FaultyVenue(self.inner, "guard")
        self.memory = ListMemory(self.clock)
        self.feed = MarketFeed(self)
        self.notices: list[Notify] = []
        self.kernel = Kernel(self.policy, self.strategies, self.run_id)
        self.start_s = START_NS / NS_PER_S
        self._ids = 0
        self.tick()

    def parts(self, **changes: Any) -> DaemonParts:
        options = Options(scheduler=False, signals=False, history_s=86_400)
        given: dict[str, Any] = {
            "kernel": self.kernel,
            "venue": self.venue,
            "guard": self.guard,
            "feeds": (self.feed,),
            "memory": self.memory,
            "clock": self.clock,
            "symbols": (BTC, ETH),
            "notify": self.notices.append,
            "ask": lambda name, args: {"name": name, **args},
            "run_id": self.run_id,
            "options": options,
        }
        return DaemonParts(**{**given, **changes})

    def history(
        self, symbol: str, timeframe_s: int, since_ns: int, limit: int
    ) -> tuple[Candle, ...]:
        step_ns = timeframe_s * NS_PER_S
        closes = range(since_ns - since_ns % step_ns + step_ns, self.clock.now_ns(), step_ns)
        price = PRICES[symbol]
        return tuple(
            Candle(symbol, ns, ns, timeframe_s, price, price * 1.002, price * 0.998, price, 1.0,
                   history=True)
            for ns in list(closes)[:limit]
        )  # fmt: skip

    def tick(self) -> None:
        """Apply one tick of every symbol at its current price."""
        try:
            now_ns = self.clock.now_ns()
        except RuntimeError:  # before the loop runs
            now_ns = START_NS
        self.exchange.advance(now_ns)
        for symbol, price in self.prices.items():
            self.exchange.apply(
                MarketTick(
                    symbol=symbol, event_ns=now_ns, last=price, mark=price, index=price,
                    open_interest_qty=1_000.0,
                )
            )  # fmt: skip

    def move(self, symbol: str, price: float) -> None:
        self.prices[symbol] = price
        self.tick()

    def by_hand(
        self,
        symbol: str,
        side: OrderSide,
        qty: str,
        *,
        reduce_only: bool = False,
        leg: PositionSide | None = None,
    ) -> OrderState:
        """Trade past the bot, as a human does; `leg` in hedge mode."""
        return self._hand(
            symbol, side, OrderKind.MARKET, qty, None, reduce_only=reduce_only, leg=leg
        )

    def hand_stop(
        self,
        symbol: str,
        side: OrderSide,
        qty: str,
        trigger: str,
        kind: str = "STOP_MARKET",
        leg: PositionSide | None = None,
    ) -> OrderState:
        return self._hand(
            symbol, side, OrderKind(kind), qty, Decimal(trigger), reduce_only=leg is None, leg=leg
        )

    def _hand(
        self,
        symbol: str,
        side: OrderSide,
        kind: OrderKind,
        qty: str,
        trigger: Decimal | None,
        *,
        reduce_only: bool,
        leg: PositionSide | None,
    ) -> OrderState:
        self._ids += 1
        return self.exchange.submit(
            "main",
            OrderRequest(
                symbol=symbol, side=side, kind=kind, qty=Decimal(qty), trigger_price=trigger,
                client_order_id=f"hand-{self.run_id[-4:]}-{self._ids}", reduce_only=reduce_only,
                position_side=leg,
            ),
        )  # fmt: skip

    def position(self, symbol: str = BTC) -> Decimal:
        """Signed quantity held at the exchange."""
        legs = [p for p in self.exchange.account("main").positions if p.symbol == symbol]
        return sum((p.qty * p.side.sign for p in legs), Decimal(0))

    def stops(self, symbol: str = BTC) -> list[OrderState]:
        """Working stops at the exchange."""
        orders = self.exchange.open_orders("main", symbol, conditional=True)
        return [order for order in orders if order.kind is OrderKind.STOP_MARKET]


def an_order(name: str, purpose: Purpose, symbol: str = BTC) -> ApprovedOrder:
    """An order as the gate would make it (tests alone may)."""
    stop = purpose is Purpose.STOP
    return ApprovedOrder(
        client_order_id=name,
        symbol=symbol,
        side=OrderSide.BUY if purpose is Purpose.ENTRY else OrderSide.SELL,
        position_side=PositionSide.LONG,
        kind=OrderKind.STOP_MARKET if stop else OrderKind.MARKET,
        purpose=purpose,
        qty=Decimal("0.01"),
        price=None,
        trigger_price=Decimal(70_000) if stop else None,
        trigger_by=TriggerBy.MARK,
        time_in_force=TimeInForce.GTC,
        reduce_only=purpose is not Purpose.ENTRY,
        close_position=False,
        hedged=False,
        reason="test",
    )
