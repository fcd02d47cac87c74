"""The in-process world of a replay: one exchange, one account, one kernel, orders under way."""

import heapq
from collections.abc import Mapping
from typing import Final

from bot.domain.account import AccountState, PositionState
from bot.domain.errors import VenueRefused
from bot.domain.market import MarkPrice
from bot.domain.messages import (
    AccountSnapshot,
    AdjustMargin,
    CancelFailed,
    CancelOrder,
    Effect,
    Event,
    FetchAccount,
    FetchFills,
    FetchOrder,
    Fill,
    MarginAdjusted,
    OrderAccepted,
    OrderNotFound,
    OrderRefused,
    OrderUpdate,
    PositionUpdate,
    Record,
    RecordEquity,
    SubmitOrder,
    TimerFired,
    WalletUpdate,
)
from bot.domain.orders import ApprovedOrder, OrderKind, OrderState, Purpose
from bot.domain.units import NS_PER_S
from bot.kernel.step import Kernel
from bot.lab.measure import CoverMeter, EquityMeter, Tally
from bot.lab.options import FillMark, Silence, StopMark, StoryLine
from bot.lab.story import ACTION_KINDS, Storyteller, line_of
from bot.simulator.exchange import Exchange
from bot.simulator.inprocess import InProcessVenue
from bot.simulator.margin import Brackets

ACCOUNT: Final = "replay"
FOLLOW_UP_NS: Final = NS_PER_S
"""A second after orders went out the kernel looks again, as it does every second live."""

Outgoing = SubmitOrder | CancelOrder | AdjustMargin | FetchAccount | FetchOrder | FetchFills
Pending = tuple[int, int, Outgoing | None]
"""(when it reaches the venue, order of leaving, what); None is a look of the kernel."""


class TapeClock:
    """bot.ports.Clock of a replay: the time is what the exchange was last told."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def now_ns(self) -> int:
        """Return the replay's nanoseconds UTC."""
        return self._exchange.now_ns

    def monotonic_ns(self) -> int:
        """Return the same: replayed time never steps back."""
        return self._exchange.now_ns

    async def sleep_s(self, seconds: float) -> None:
        """Return at once: only the data move this clock."""


class Stage:
    """Carries orders to the exchange after their latency, and its answers to the kernel."""

    def __init__(
        self,
        exchange: Exchange,
        venue: InProcessVenue,
        kernel: Kernel | None,
        latency_ns: int,
        brackets: Mapping[str, Brackets] | None = None,
    ) -> None:
        self.exchange = exchange
        self.venue = venue
        self.kernel = kernel
        self.now_ns = 0
        self.events = 0
        self.equity = EquityMeter(exchange.account(ACCOUNT).wallet_usd, brackets)
        self.cover = CoverMeter(latency_ns)
        self.tally = Tally()
        self.story = Storyteller()
        self.fills: list[FillMark] = []
        self.stops: list[StopMark] = []
        self.stops_filled = 0
        self.refused = 0
        self.signals = 0
        self.actions: list[StoryLine] = []
        self.next_ns: int | None = None
        self.silence: Silence | None = None
        self._latency_ns = latency_ns
        self._pending: list[Pending] = []
        self._left = 0
        self._follow_ns = 0
        self._purposes: dict[str, Purpose] = {}
        self._last_stop: dict[str, float] = {}

    # ------------------------------------------------------------------ kernel

    def tell(self, event: Event) -> None:
        """Give the kernel one event and put what it wants on its way."""
        self.events += 1
        if self.kernel is None:
            return
        if self.silence is not None and self.silence.hides(event, self.now_ns):
            return
        effects = self.kernel.step(event)
        if effects:
            self.take(effects)

    def take(self, effects: list[Effect]) -> None:
        """Put what the kernel wants on its way, and write down what it decided."""
        if len(effects) == 1 and type(effects[0]) is RecordEquity:
            return  # nobody here reads it, and every bar has one
        for effect in effects:
            self._take(effect)
        self._note_actions(effects)

    def _take(self, effect: Effect) -> None:
        if isinstance(effect, Record):
            decision = effect.decision
            self.signals += decision.kind == "signal"
            price = self.price_of(decision.symbol)
            if decision.kind == "fill" and self.fills:
                price = self.fills[-1].price
            self.story.decided(decision, price)
        elif isinstance(effect, Outgoing):
            self._send(self.now_ns + self._latency_ns, effect)

    def _note_actions(self, effects: list[Effect]) -> None:
        """Keep decisions to change a quantity that became an order; refused ones are none."""
        ordered = {
            effect.order.symbol
            for effect in effects
            if isinstance(effect, SubmitOrder) and effect.order.purpose is not Purpose.STOP
        }
        for effect in effects:
            if isinstance(effect, Record) and effect.decision.kind in ACTION_KINDS:
                decision = effect.decision
                if decision.symbol in ordered:
                    self.actions.append(line_of(decision, self.price_of(decision.symbol)))

    def _send(self, at_ns: int, what: Outgoing | None) -> None:
        self._left += 1
        heapq.heappush(self._pending, (at_ns, self._left, what))
        self.next_ns = self._pending[0][0]

    def price_of(self, symbol: str) -> float:
        """Return the newest mark of a symbol; 0.0 without one."""
        return self.equity.marks.get(symbol, 0.0)

    def look(self, name: str = "second") -> None:
        """Fire a timer of the kernel now, with fresh marks, as the streams give every second."""
        for symbol, mark in self.equity.marks.items():
            self.tell(MarkPrice(symbol, self.now_ns, self.now_ns, mark, mark))
        self.tell(TimerFired(name, self.now_ns, self.now_ns))

    # ------------------------------------------------------------------ venue

    def catch_up(self, until_ns: int) -> None:
        """Let everything happen that reaches the venue up to `until_ns`."""
        while self._pending and self._pending[0][0] <= until_ns:
            at_ns, _, what = heapq.heappop(self._pending)
            self.now_ns = max(self.now_ns, at_ns)
            self.exchange.advance(self.now_ns)
            if what is None:
                self.look()
            else:
                self._arrive(what)
            self.deliver()
        self.next_ns = self._pending[0][0] if self._pending else None

    def _arrive(self, what: Outgoing) -> None:
        match what:
            case SubmitOrder():
                self._submit(what.order)
            case CancelOrder():
                self._cancel(what)
            case AdjustMargin():
                self._adjust(what)
            case FetchAccount():
                self.tell(AccountSnapshot(self.now_ns, self.now_ns, self.venue.account_now()))
            case FetchOrder():
                self._fetch(what)
            case FetchFills():
                for fill in self.venue.exchange.trades(ACCOUNT, what.symbol, what.since_ns):
                    self.tell(fill)
        if self._follow_ns <= self.now_ns:
            self._follow_ns = self.now_ns + FOLLOW_UP_NS
            self._send(self._follow_ns, None)

    def _submit(self, order: ApprovedOrder) -> None:
        self._purposes[order.client_order_id] = order.purpose
        try:
            state = self.venue.submit_now(order)
        except VenueRefused as error:
            self.refused += 1
            self.tell(
                OrderRefused(
                    self.now_ns, self.now_ns, order.client_order_id, error.code, str(error)
                )
            )
            return
        self.tell(
            OrderAccepted(self.now_ns, self.now_ns, order.client_order_id, state.venue_order_id)
        )
        self.deliver()
        self.tell(OrderUpdate(self.now_ns, self.now_ns, state))

    def _cancel(self, effect: CancelOrder) -> None:
        name = effect.client_order_id
        try:
            self.venue.cancel_now(effect.symbol, name, conditional=effect.conditional)
        except VenueRefused as error:
            self.tell(CancelFailed(self.now_ns, self.now_ns, name, error.code, str(error)))

    def _adjust(self, effect: AdjustMargin) -> None:
        reason, done = "", True
        try:
            self.venue.add_margin_now(effect.symbol, effect.side, effect.amount_usd)
        except VenueRefused as error:
            reason, done = f"{error.code} {error}", False
        self.tell(
            MarginAdjusted(
                self.now_ns, self.now_ns, effect.symbol, effect.side, effect.amount_usd,
                done, reason,
            )
        )  # fmt: skip

    def _fetch(self, effect: FetchOrder) -> None:
        state = self.venue.order_now(
            effect.symbol, effect.client_order_id, conditional=effect.conditional
        )
        if state is None:
            self.tell(OrderNotFound(self.now_ns, self.now_ns, effect.client_order_id))
        else:
            self.tell(OrderUpdate(self.now_ns, self.now_ns, state))

    def deliver(self) -> None:
        """Hand on what the exchange has told since last time, and look at the stops after it."""
        changed = False
        while drained := self.exchange.drain():
            for account_id, event in drained:
                if account_id == ACCOUNT:
                    changed = True
                    self._note(event)
                self.tell(event)
        if changed:
            self._look_at_stops(self.exchange.account(ACCOUNT))

    def _note(self, event: Event) -> None:
        match event:
            case PositionUpdate():
                self.equity.on_position(event.position)
            case WalletUpdate():
                self.equity.wallet_usd = float(event.wallet_usd)
                self.tally.on_wallet(event)
            case Fill():
                self._on_fill(event)
            case _:
                pass  # other events change neither money nor positions

    def _look_at_stops(self, account: AccountState) -> None:
        self.cover.look(self.now_ns, account.positions, account.orders)
        for symbol in {**self._last_stop, **{p.symbol: None for p in account.positions}}:
            trigger = _nearest_stop(symbol, account.positions, account.orders)
            if trigger != self._last_stop.get(symbol, 0.0):
                self._last_stop[symbol] = trigger
                self.stops.append(StopMark(self.now_ns, symbol, trigger))

    # ------------------------------------------------------------------ executions

    def _on_fill(self, fill: Fill) -> None:
        forced = self.tally.on_fill(fill)
        purpose = self._purposes.get(fill.client_order_id)
        word = "liquidation" if fill.is_liquidation else purpose.value if purpose else "hand"
        self.stops_filled += purpose is Purpose.STOP
        self.fills.append(
            FillMark(
                event_ns=fill.event_ns,
                symbol=fill.symbol,
                side=fill.side.value,
                qty=float(fill.qty),
                price=float(fill.price),
                purpose=word,
            )
        )
        if forced and self.kernel is None:
            self.story.tell(
                fill.event_ns,
                "liquidation",
                fill.symbol,
                float(fill.price),
                f"LIQUIDATED: the venue closed {fill.qty}",
                "the margin no longer covered the maintenance of the position",
            )


def _nearest_stop(
    symbol: str, positions: tuple[PositionState, ...], orders: tuple[OrderState, ...]
) -> float:
    """Return the working protective trigger nearest the market; 0.0 when flat or bare."""
    sides = {p.side.exit: p.side for p in positions if p.symbol == symbol}
    triggers = [
        (float(o.trigger_price), sides[o.side].sign)
        for o in orders
        if o.symbol == symbol
        and o.kind is OrderKind.STOP_MARKET
        and o.side in sides
        and o.trigger_price is not None
    ]
    return max(triggers, key=lambda pair: pair[0] * pair[1])[0] if triggers else 0.0
