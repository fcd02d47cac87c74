"""The kernel and the exchange in one room: a virtual clock, a faulty wire, a human at the screen.

Nothing here judges. `MarketWorld` carries effects to the exchange and its news back to the kernel,
as well or as badly as it was told to; the tape it keeps replays the run to the byte.
"""

import hashlib
import heapq
from collections import Counter, deque
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from bot.domain import messages as m
from bot.domain.account import MarginMode, PositionState
from bot.domain.errors import VenueRefused
from bot.domain.instrument import Instrument
from bot.domain.market import Candle, FeedStatus, Liquidation, MarkPrice
from bot.domain.orders import OrderKind, OrderSide, OrderState, PositionSide, Purpose
from bot.domain.policy import Policy
from bot.domain.risk import TradingMode
from bot.domain.strategy import Exits, Intent, Memory, Strategy
from bot.domain.units import NS_PER_MS, NS_PER_S, ZERO
from bot.kernel.snapshot import leg_key
from bot.kernel.step import Kernel
from bot.simulator.exchange import DepthModel, Exchange, ExchangeRefused, MarketTick, OrderRequest
from bot.simulator.inprocess import InProcessVenue
from tests.fakes.kernel_world import BTC, CONTRACT, START_NS

ETH = "ETH/USDT:USDT"
SYMBOLS = (BTC, ETH)
ETHER = msgspec.structs.replace(
    CONTRACT, symbol=ETH, venue_id="ETHUSDT", base="ETH", tick=Decimal("0.01"),
    lot=Decimal("0.001"), notional_min_usd=Decimal(20), market_qty_max=Decimal(2_000),
)  # fmt: skip
CONTRACTS: tuple[Instrument, ...] = (CONTRACT, ETHER)
FIRST_PRICE = {BTC: 76_000.0, ETH: 2_400.0}
ME = "me"
ACCOUNT_NEWS = (m.Fill, m.OrderUpdate, m.PositionUpdate, m.WalletUpdate)
ORDER_OF_NEWS = {
    "plain": (m.Fill, m.OrderUpdate, m.PositionUpdate, m.WalletUpdate),
    "position": (m.PositionUpdate, m.WalletUpdate, m.Fill, m.OrderUpdate),
    "wallet": (m.WalletUpdate, m.PositionUpdate, m.OrderUpdate, m.Fill),
    "order": (m.OrderUpdate, m.Fill, m.WalletUpdate, m.PositionUpdate),
}
ORDER_FAULTS = ("ok", "refused", "lost request", "lost ack", "late", "slow ack")
REFUSALS = ("-1013", "-2019", "-2021", "-2022", "-4005", "-1008", "throttled", "-9999")


class EveryBar:
    """A strategy that wishes on every third bar: enough to bring entries into the world."""

    name = "every_bar"
    needs = ()
    warmup_bars = 1

    def start(self) -> Memory:
        return {"bars": 0}

    def evaluate(self, view: object, memory: Memory) -> tuple[Memory, tuple[Intent, ...]]:
        count = int(memory["bars"]) + 1
        close = view.close
        if count % 3:
            return {"bars": count}, ()
        side = PositionSide.LONG if int(close) % 2 else PositionSide.SHORT
        wish = Intent(
            symbol=view.symbol, side=side, stop_price=close * (1.0 - 0.02 * side.sign),
            target_price=close * (1.0 + 0.08 * side.sign), reason="every third bar",
            signal_id=f"{view.symbol}|{view.now_ns}",
            exits=Exits(
                partials=(close * (1.0 + 0.04 * side.sign),) if count % 2 else (),
                break_even_r=1.0, life_s=2_400.0 if count % 4 else 0.0,
            ),
        )  # fmt: skip
        return {"bars": count}, (wish,)


class MarketWorld:
    """One account at one exchange, the kernel that guards it, and what lies between."""

    def __init__(
        self,
        policy: Policy,
        *,
        wallet: str = "10000",
        hedge: bool = False,
        modes: Sequence[MarginMode] = (MarginMode.ISOLATED, MarginMode.CROSS),
        leverage: int = 10,
        strategies: Sequence[Strategy] = (),
    ) -> None:
        self.policy = policy
        self.strategies = tuple(strategies)
        self.hedge = hedge
        self.now_ns = START_NS
        self.exchange = Exchange(CONTRACTS, fill_model=DepthModel(seed=1))
        self.exchange.open_account(ME, Decimal(wallet), hedge_mode=hedge)
        self.venue = InProcessVenue(self.exchange, ME, self)
        self.price = dict(FIRST_PRICE)
        self.tape: list[tuple[str, object]] = []
        self.told = hashlib.sha256()
        self.run = 0
        self.hands = 0
        self.wire: list[tuple[int, int, str, object]] = []
        self.wires = 0
        self.news = "plain"
        self.copies = 1
        self.delay_ms = 0
        self.deaf = False
        self.order_faults: deque[tuple[str, str]] = deque()
        self.cancel_faults: deque[str] = deque()
        self.reading_faults: deque[str] = deque()
        self.question_faults: deque[str] = deque()
        self.sent: list[tuple[int, object]] = []
        self.wrong: list[str] = []
        self.reached: Counter[str] = Counter()
        self.peak_usd = float(wallet)
        self.blob: bytes | None = None
        self.rows_ns = START_NS
        self.rows_read: set[str] = set()
        for symbol, mode in zip(SYMBOLS, modes, strict=True):
            self._tick(symbol, gap=True)
            if mode is MarginMode.ISOLATED:
                self.exchange.set_margin_mode(ME, symbol, mode)
            self.exchange.set_leverage(ME, symbol, leverage)
        self.exchange.drain()
        self.kernel = self._kernel()
        self._start()

    # -------------------------------------------------------------- bot.ports.Clock, in part

    def monotonic_ns(self) -> int:
        return self.now_ns

    # -------------------------------------------------------------- the kernel's side

    def _kernel(self) -> Kernel:
        self.run += 1
        return Kernel(self.policy, self.strategies, f"world{self.run:03d}")

    def _start(self) -> None:
        now = self.now_ns
        run_id = f"world{self.run:03d}"
        self.step(m.Started(run_id=run_id, event_ns=now, received_ns=now))
        self.step(m.InstrumentsLoaded(now, now, CONTRACTS))
        self.step(m.AccountSnapshot(now, now, self.venue.account_now()))
        for symbol in SYMBOLS:
            self._tell_mark(symbol)

    def step(self, event: m.Event) -> None:
        """Put one event through the kernel and carry out what it wants."""
        self.tape.append(("event", event))
        effects = self.kernel.step(event)
        self.told.update(msgspec.msgpack.encode(effects))
        for effect in effects:
            self._carry_out(effect)

    def restart(self, *, crash: bool) -> None:
        """End the run and begin another from the account part of a frozen state."""
        blob = self.blob if crash and self.blob is not None else self.kernel.freeze()
        self.reached["crash" if crash else "restart"] += 1
        self.wire = [w for w in self.wire if w[2] == "venue"]  # answers die with the process
        heapq.heapify(self.wire)
        self.kernel = self._kernel()
        self.kernel.restore_account(blob)
        self.tape.append(("account", blob))
        self.now_ns += 2 * NS_PER_S
        self._flush_news(lost=True)
        self._start()
        self.rows_ns, self.rows_read = START_NS, set()
        self._read_ledger()

    def thaw(self) -> None:
        """Freeze and restore the whole state: nothing may change."""
        blob = self.kernel.freeze()
        self.kernel = Kernel(self.policy, self.strategies, self.kernel.state.run_id)
        self.kernel.restore(blob)
        self.tape.append(("whole", blob))

    def save(self) -> None:
        """Keep the state that a later crash comes back with."""
        self.blob = self.kernel.freeze()

    def replayed(self) -> str:
        """Run the tape again through fresh kernels; return the digest of all effects."""
        told = hashlib.sha256()
        run = 1
        kernel = Kernel(self.policy, self.strategies, "world001")
        for kind, what in self.tape:
            if kind == "account":
                run += 1
                kernel = Kernel(self.policy, self.strategies, f"world{run:03d}")
                kernel.restore_account(what)
            elif kind == "event":
                told.update(msgspec.msgpack.encode(kernel.step(what)))
        return told.hexdigest()

    # -------------------------------------------------------------- effects

    def _carry_out(self, effect: m.Effect) -> None:
        match effect:
            case m.SubmitOrder(order=order):
                self._submit(order)
            case m.CancelOrder():
                self._cancel(effect)
            case m.FetchAccount():
                self._read()
            case m.FetchOrder():
                self._ask(effect)
            case m.AdjustMargin():
                self._give(effect)

    def _submit(self, order: object) -> None:
        self.sent.append((self.now_ns, order))
        mode = self.kernel.state.mode
        if order.purpose is Purpose.ENTRY and mode is not TradingMode.ACTIVE:
            self.wrong.append(f"entry {order.client_order_id} in mode {mode}")
        if order.purpose is Purpose.ENTRY and self._is_shut(order):
            self.wrong.append(f"entry {order.client_order_id} while its ladder is shut")
        if (order.purpose is Purpose.ENTRY) is order.reduce_only:
            self.wrong.append(f"{order.purpose} has reduce_only {order.reduce_only}")
        fault, code = self.order_faults.popleft() if self.order_faults else ("ok", "")
        self.reached[f"order {fault}"] += 1
        self.reached[f"order {order.purpose.value}"] += 1
        now, oid = self.now_ns, order.client_order_id
        if fault == "refused":
            self.send_in(60, m.OrderRefused(now, now, oid, code, "the venue said no"))
        elif fault == "lost request":
            self.send_in(1_000, m.OrderOutcomeUnknown(now, now, oid, "no answer"))
        elif fault == "lost ack":
            self.send_in(1_000, m.OrderOutcomeUnknown(now, now, oid, "no answer"))
            self._place(order, answer_ms=None)
        elif fault == "late":
            self.send_in(1_000, m.OrderOutcomeUnknown(now, now, oid, "no answer"))
            self.at_venue(3_500, order)
        else:
            self._place(order, answer_ms=60 if fault == "ok" else 2_500)

    def _place(self, order: object, *, answer_ms: int | None) -> None:
        """Let an order reach the exchange; `answer_ms` None: its answer is lost."""
        before = self._signed(order.symbol)
        self._time()
        try:
            state = self.venue.submit_now(order)
        except VenueRefused as refused:
            self.reached[f"venue {refused.code}"] += 1
            answer = (refused.code, str(refused))
            if answer_ms is not None:
                now, oid = self.now_ns, order.client_order_id
                self.send_in(answer_ms, m.OrderRefused(now, now, oid, *answer))
            return
        after = self._signed(order.symbol)
        if order.reduce_only and not order.kind.is_conditional:
            for side, qty in after.items():
                if qty > before.get(side, ZERO):
                    self.wrong.append(f"{order.client_order_id} grew {side} {before} -> {after}")
        self._flush_news()
        if answer_ms is not None:
            now, oid = self.now_ns, order.client_order_id
            self.send_in(answer_ms, m.OrderAccepted(now, now, oid, state.venue_order_id))
            self.send_in(answer_ms, m.OrderUpdate(state.event_ns, now, state))

    def _is_shut(self, order: object) -> bool:
        """Whether the ladder whose position this order would grow only lets it shrink."""
        state = self.kernel.state
        key = leg_key(order.symbol, order.position_side)
        leg = state.legs.get(key)
        by_hand = leg is not None and leg.qty > ZERO and leg.foreign
        found = state.ladders.get(f"{key}|{'hand' if by_hand else 'own'}")
        return found is not None and found.state in ("EXIT_ONLY", "FLAT")

    def _signed(self, symbol: str) -> dict[PositionSide, Decimal]:
        return {p.side: p.qty for p in self.venue.account_now().positions if p.symbol == symbol}

    def _cancel(self, effect: m.CancelOrder) -> None:
        fault = self.cancel_faults.popleft() if self.cancel_faults else "ok"
        self.reached[f"cancel {fault}"] += 1
        now, oid = self.now_ns, effect.client_order_id
        failed = m.CancelFailed(now, now, oid, "unknown", "no answer")
        if fault == "lost request":
            self.send_in(500, failed)
            return
        self._time()
        try:
            self.venue.cancel_now(effect.symbol, oid, conditional=effect.conditional)
        except VenueRefused as refused:
            self.send_in(60, m.CancelFailed(now, now, oid, refused.code, str(refused)))
            return
        self._flush_news()
        if fault == "lost ack":
            self.send_in(500, failed)
        else:
            self._ask(m.FetchOrder(effect.symbol, oid, effect.conditional))

    def _ask(self, effect: m.FetchOrder) -> None:
        fault = self.question_faults.popleft() if self.question_faults else "ok"
        if fault == "silent":
            return
        now, oid = self.now_ns, effect.client_order_id
        state = self.venue.order_now(effect.symbol, oid, conditional=effect.conditional)
        if state is None:
            self.send_in(40, m.OrderNotFound(now, now, oid))
        else:
            self.send_in(40, m.OrderUpdate(state.event_ns, now, state))

    def _read(self) -> None:
        fault = self.reading_faults.popleft() if self.reading_faults else "ok"
        self.reached[f"reading {fault}"] += 1
        now = self.now_ns
        if fault == "failed":
            self.send_in(1_000, m.SnapshotFailed(now, now, "no answer"))
            return
        self._time()
        account = self.venue.account_now()
        wait_ms = 4_000 if fault == "stale" else 50
        self.send_in(wait_ms, m.AccountSnapshot(account.event_ns, now, account))

    def _read_ledger(self) -> None:
        rows = [r for r in self.venue.income_now(self.rows_ns) if r.income_id not in self.rows_read]
        if not rows:
            return
        self.rows_ns = rows[-1].event_ns
        self.rows_read |= {r.income_id for r in rows}
        self.send_in(50, m.IncomeBooked(self.rows_ns, self.now_ns, tuple(rows)))

    def _give(self, effect: m.AdjustMargin) -> None:
        self._time()
        now, why = self.now_ns, ""
        try:
            self.venue.add_margin_now(effect.symbol, effect.side, effect.amount_usd)
        except VenueRefused as refused:
            why = str(refused)
        self.reached["margin given" if not why else "margin refused"] += 1
        self._flush_news()
        self.send_in(
            60,
            m.MarginAdjusted(now, now, effect.symbol, effect.side, effect.amount_usd, not why, why),
        )

    # -------------------------------------------------------------- the wire

    def send_in(self, delay_ms: int, event: m.Event) -> None:
        """Let `event` arrive at the kernel after `delay_ms`."""
        self.wires += 1
        due = self.now_ns + delay_ms * NS_PER_MS
        heapq.heappush(self.wire, (due, self.wires, "kernel", event))

    def at_venue(self, delay_ms: int, order: object) -> None:
        """Let `order` arrive at the exchange after `delay_ms`."""
        self.wires += 1
        due = self.now_ns + delay_ms * NS_PER_MS
        heapq.heappush(self.wire, (due, self.wires, "venue", order))

    def _flush_news(self, *, lost: bool = False) -> None:
        """Put the exchange's news on the wire in the order and as often as the fault says."""
        news = self.venue.events_now()
        self.peak_usd = max(self.peak_usd, self.true_equity())
        if not self.exchange_is_sane(news):
            self.wrong.append("the exchange told nonsense")
        if lost or self.deaf:
            return
        mine = [e for e in news if isinstance(e, ACCOUNT_NEWS)]
        ranks = {kind: rank for rank, kind in enumerate(ORDER_OF_NEWS[self.news])}
        mine.sort(key=lambda e: (e.event_ns, ranks[type(e)]))
        for _ in range(self.copies):
            for event in mine:
                self.send_in(20 + self.delay_ms, event)
        for event in news:
            if isinstance(event, Liquidation):
                self.reached["liquidation"] += 1
                self.send_in(20 + self.delay_ms, event)

    def exchange_is_sane(self, news: Sequence[m.Event]) -> bool:
        """Whether no news carry a negative quantity."""
        return all(e.position.qty >= ZERO for e in news if isinstance(e, m.PositionUpdate))

    def _time(self) -> None:
        self.exchange.advance(self.now_ns)

    def _deliver(self, until_ns: int) -> None:
        """Let arrive what is due until then, in order of time."""
        while self.wire and self.wire[0][0] <= until_ns:
            due, _, where, what = heapq.heappop(self.wire)
            self.now_ns = max(self.now_ns, due)
            if where == "venue":
                self._place(what, answer_ms=None)
                continue
            self.step(msgspec.structs.replace(what, received_ns=self.now_ns))

    # -------------------------------------------------------------- time and market

    def pass_time(self, seconds: float, *, poll_s: int = 5) -> None:
        """Let seconds pass: what is due arrives, marks are told, timers fire, polls read."""
        end_ns = self.now_ns + int(seconds * NS_PER_S)
        while self.now_ns < end_ns:
            until = min(end_ns, self.now_ns + NS_PER_S)
            self._deliver(until)
            self.now_ns = until
            self._time()
            self._flush_news()
            for symbol in SYMBOLS:
                self._tell_mark(symbol)
            self.step(m.TimerFired("second", until, until))
            if (until // NS_PER_S) % poll_s == 0:
                self.step(m.TimerFired("reconcile", until, until))
            if (until // NS_PER_S) % 60 == 0:
                self._read_ledger()

    def sleep(self, seconds: float) -> None:
        """Let a long quiet time pass: one reading at its end, no timers between."""
        self.now_ns += int(seconds * NS_PER_S)
        self._deliver(self.now_ns)
        self._time()
        self._flush_news()
        self._read()
        self._read_ledger()
        for symbol in SYMBOLS:
            self._tell_mark(symbol)
        self.pass_time(1)

    def move(self, symbol: str, price: float, *, gap: bool, tell: bool = True) -> None:
        """Move a market; orders, stops and liquidations act before the kernel hears of it."""
        self._deliver(self.now_ns + 100 * NS_PER_MS)
        self.now_ns += 100 * NS_PER_MS
        self.price[symbol] = round(price, 2)
        self._tick(symbol, gap=gap)
        self._flush_news()
        self._deliver(self.now_ns + 30 * NS_PER_MS)
        if tell:
            self._tell_mark(symbol)

    def _tick(self, symbol: str, *, gap: bool) -> None:
        price = self.price[symbol]
        tick = MarketTick(
            symbol=symbol, event_ns=self.now_ns, last=price, mark=price, index=price, gap=gap,
            funding_frac=0.0001,
        )  # fmt: skip
        self.exchange.apply(tick)

    def _tell_mark(self, symbol: str) -> None:
        price = self.price[symbol]
        self.step(MarkPrice(symbol, self.now_ns, self.now_ns, price, price))

    def bar(self, symbol: str, span_frac: float) -> None:
        """Close a bar around the present price."""
        price = self.price[symbol]
        high, low = price * (1.0 + span_frac), price * (1.0 - span_frac)
        now = self.now_ns
        self.step(Candle(symbol, now, now, 300, price, high, low, price, 5_000.0))

    # -------------------------------------------------------------- the human

    def hand(self, symbol: str, side: OrderSide, qty: Decimal, leg: PositionSide | None) -> bool:
        """Trade by hand; False when the exchange refused."""
        self.hands += 1
        request = OrderRequest(
            symbol=symbol, side=side, kind=OrderKind.MARKET, qty=qty,
            client_order_id=f"hand-{self.hands}", position_side=leg if self.hedge else None,
        )  # fmt: skip
        self.now_ns += 10 * NS_PER_MS
        self._time()
        try:
            self.exchange.submit(ME, request)
        except ExchangeRefused:
            return False
        self._flush_news()
        return True

    def pay(self, amount: Decimal) -> float:
        """Pay in, or out when negative; return the ratio by which equity changed (1: refused)."""
        self.now_ns += 10 * NS_PER_MS
        self._time()
        before = self.true_equity()
        if before + float(amount) <= 1.0:
            return 1.0
        try:
            self.exchange.deposit(ME, amount)
        except ExchangeRefused:
            return 1.0
        ratio = self.true_equity() / before
        self.peak_usd *= ratio
        self._flush_news()
        return ratio

    def cancel_behind_our_back(self, order: OrderState) -> None:
        """Let the venue (or a human) cancel one of our orders."""
        self.now_ns += 10 * NS_PER_MS
        self._time()
        self.venue.cancel_now(
            order.symbol, order.client_order_id, conditional=order.kind.is_conditional
        )
        self._flush_news()

    def deleverage(self, position: PositionState) -> None:
        """Let the venue close half a position against somebody's bankruptcy."""
        self.now_ns += 10 * NS_PER_MS
        self._time()
        lot = Decimal("0.001")
        qty = max((position.qty / 2).quantize(lot), lot)
        price = Decimal(repr(self.price[position.symbol]))
        self.exchange.adl(ME, position.symbol, position.side, min(qty, position.qty), price)
        self.reached["adl"] += 1
        self._flush_news()

    def command(self, name: str, **args: str) -> None:
        """Give the kernel an operator's command."""
        now = self.now_ns
        self.hands += 1
        self.step(
            m.Command(
                command_id=f"c{self.hands}", name=name, args=args, operator="test", event_ns=now,
                received_ns=now,
            )
        )  # fmt: skip

    def feed(self, stream: str, *, live: bool) -> None:
        """Say that a stream came up or went down; a silent account stream loses its news."""
        if stream == "user":
            self.deaf = not live
        self.step(FeedStatus(stream, "", self.now_ns, self.now_ns, live, "test"))

    # -------------------------------------------------------------- truth

    def true_equity(self) -> float:
        """Return wallet plus unrealised result at the exchange's own mark, in USD."""
        account = self.venue.account_now()
        equity = float(account.wallet_usd)
        for p in account.positions:
            equity += p.side.sign * float(p.qty) * (self.price[p.symbol] - float(p.entry_price))
        return equity
