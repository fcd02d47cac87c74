"""Invariants 3, 5-7, 10, 15, 18-20, 23, 24, 31, 34: what leaves the daemon, judged as it leaves."""

from decimal import Decimal
from typing import Final

from bot.domain.messages import Event
from bot.domain.orders import ApprovedOrder, OrderStatus, Purpose
from bot.domain.risk import TradingMode
from bot.domain.units import NS_PER_S, ZERO
from bot.lab.simulation.life import Life
from bot.lab.simulation.monitors import heat
from bot.lab.simulation.monitors.verdicts import Verdicts
from bot.lab.simulation.wire import Call
from bot.lab.simulation.world import ACCOUNT, World

PRICE_AGE_MAX_S: Final = 5.0
ACCOUNT_AGE_MAX_S: Final = 15.0
AGE_SLACK_S: Final = 2.5
"""An intent on its way to the disk, and one way on the wire, are no stale decision."""
ENTRY_AGE_MAX_S: Final = 7.0
"""The daemon gives up after five; what it waits for may take a little longer."""
NEVER_NS: Final = 15 * NS_PER_S
"""A close waits for the answer to the one before it, and for no more than that."""
LOST_NS: Final = 60 * NS_PER_S
CANARY_MARK: Final = "-p"
CAP_SLACK: Final = 1.01
COVER_MARK: Final = "-c"
"""In the ids of stops that coverage placed by itself: seen at the venue, they prove as much."""


class SendMonitor:
    """Sees every request before the wire does."""

    def __init__(self, world: World, verdicts: Verdicts) -> None:
        self._world = world
        self._verdicts = verdicts
        self._entries: dict[str, str] = {}
        """signal -> client order id of its entry, for ever."""
        self._sent: dict[str, str] = {}
        self._proved: set[str] = set()
        """Lives that tried a stop at the venue."""
        self.intents = 0
        self.decided: dict[str, int] = {}
        """client order id of a reducing order -> when the kernel decided it."""
        self.entries_decided: dict[str, int] = {}

    @property
    def orders(self) -> int:
        """How many orders left so far."""
        return len(self._sent)

    def sends(self, life: Life, call: Call) -> None:
        """Judge a request that is about to leave."""
        order = call.order
        if life.run_id not in self._proved:
            self._prove(life)
        if order is None:
            return
        if life.dead or self._world.hearer is not life:
            self._broken(23, f"an order left a process that must not send: {life.run_id}")
        if order.client_order_id[2:10] != life.run_id:
            self._broken(23, f"an order under another's name: {order.client_order_id}")
        if CANARY_MARK in order.client_order_id and life.kernel.state.reconciled_ns == 0:
            self._broken(15, f"a stop is tried before the account is read: {life.run_id}")
        self._numbers(life, order)
        known = self._sent.setdefault(order.client_order_id, repr(order))
        if known != repr(order):
            self._broken(5, f"client id used twice: {order.client_order_id}")
        decided_ns = self.decided.pop(order.client_order_id, 0)
        if decided_ns and self._world.reached_since(decided_ns):
            self._verdicts.sample("deleverage", (self._world.now_ns - decided_ns) / NS_PER_S)
        if order.purpose is Purpose.ENTRY:
            self.intents += 1
            self._entry(life, order)
        elif not order.reduce_only:
            self._broken(4, f"a reducing order without the flag: {order.client_order_id}")

    def happened(self, event: Event) -> None:
        """Nothing: what leaves is looked at."""

    def looked(self, now_ns: int) -> None:
        """8: what was decided to make a position smaller must leave at all."""
        if not self.decided:
            return
        life = self._world.hearer
        for name, decided_ns in list(self.decided.items()):
            mine = isinstance(life, Life) and life.ready and name[2:10] == life.run_id
            if mine and now_ns - decided_ns <= NEVER_NS:
                continue
            del self.decided[name]
            excused = decided_ns < self._world.excused_ns
            if mine and not excused and self._world.reached_since(decided_ns):
                self._verdicts.sample("deleverage", (now_ns - decided_ns) / NS_PER_S)
                self._broken(8, f"a cut was decided and never left: {name}")

    def cancels(self, client_order_id: str) -> None:
        """Judge a cancel: foreign orders are nobody's but their owner's."""
        if not client_order_id.startswith("bw"):
            self._broken(24, f"a foreign order was cancelled: {client_order_id}")

    def _broken(self, invariant: int, text: str) -> None:
        self._world.note(f"VIOLATION {invariant} {text}")
        self._verdicts.broken(invariant, self._world.lived_s, text)

    def _numbers(self, life: Life, order: ApprovedOrder) -> None:
        """20: finite, on the grid the daemon was told, positive."""
        market = life.kernel.state.markets.get(order.symbol)
        contract = market.instrument if market is not None else None
        for name, value in (
            ("qty", order.qty), ("price", order.price), ("trigger", order.trigger_price),
        ):  # fmt: skip
            if value is None:
                continue
            if not value.is_finite() or value <= ZERO:
                self._broken(20, f"{name} is no positive number: {order.client_order_id} {value}")
                continue
            if contract is None or life.number != self._contract_life(order.symbol):
                continue
            step = contract.lot if name == "qty" else contract.tick
            whole = name == "qty" and order.reduce_only
            if not whole and value % step != ZERO:
                self._broken(20, f"{name} is off the grid: {order.client_order_id} {value} {step}")

    def _contract_life(self, _symbol: str) -> int:
        life = self._world.hearer
        return life.number if isinstance(life, Life) else -1

    def _entry(self, life: Life, order: ApprovedOrder) -> None:
        state = life.kernel.state
        if state.mode is not TradingMode.ACTIVE or state.latched:
            self._broken(3, f"an entry left in mode {state.mode.value}: {order.client_order_id}")
        if 0 < life.asked_ns < self._world.now_ns:
            self._broken(34, f"an entry left after the end was asked: {order.client_order_id}")
        if order.client_order_id not in self._world.intents:
            self._broken(10, f"an entry without a durable intent: {order.client_order_id}")
        if not state.stops_proven or state.key_flaw or life.run_id not in self._proved:
            self._broken(31, f"an entry before stops and key were proven: {order.client_order_id}")
        self._heat(life, order)
        self._alone(life, order)
        self._old(order)
        self._signal(order)
        self._fresh(life, order)
        self._cap(life, order)

    def _heat(self, life: Life, order: ApprovedOrder) -> None:
        """7: what all stops may cost, and what this one may."""
        shares = heat.shares_of(self._world, life, order)
        if shares is None:
            return
        self._verdicts.sample("risk", shares.own)
        self._verdicts.sample("heat", shares.total)
        if (flaw := heat.flaw_of(shares, order.client_order_id)) != "":
            self._broken(7, flaw)

    def _alone(self, life: Life, order: ApprovedOrder) -> None:
        """5: nothing else that opens may still be on its way to this symbol, or rest there.

        What has been on its way for a minute is lost to the daemon: it is adopted if it arrives.
        """
        ours = [
            one
            for one in self._world.flying.values()
            if one.symbol == order.symbol and not self._is_lost(life, one.client_order_id)
        ]
        exchange = self._world.exchange
        resting = [
            one.request.client_order_id
            for one in exchange.resting(ACCOUNT, conditional=False)
            if one.request.symbol == order.symbol and not one.request.reduce_only
        ]
        open_ids = [one.client_order_id for one in ours if not one.reduce_only]
        open_ids += [name for name in resting if name.startswith("bw")]
        others = [name for name in open_ids if name != order.client_order_id]
        if others:
            text = f"an entry while another may still fill: {order.client_order_id} {others[0]}"
            self._broken(5, text)

    def _is_lost(self, life: Life, client_order_id: str) -> bool:
        """Whether an order left so long ago that the daemon may take it for lost, and does."""
        now_ns, belief = self._world.now_ns, life.kernel.state.orders.get(client_order_id)
        late = now_ns - self._world.intents.get(client_order_id, now_ns) >= LOST_NS
        return late and (belief is None or belief.status is OrderStatus.LOST)

    def _old(self, order: ApprovedOrder) -> None:
        """19: what was decided long ago was decided on other prices."""
        decided_ns = self.entries_decided.pop(order.client_order_id, self._world.now_ns)
        age_s = (self._world.now_ns - decided_ns) / NS_PER_S
        if age_s > ENTRY_AGE_MAX_S:
            self._broken(19, f"an entry on an old decision: {order.client_order_id} {age_s:.1f} s")

    def _signal(self, order: ApprovedOrder) -> None:
        if "trader|" not in order.reason:
            return
        signal = order.reason.split(": ", 1)[-1].split(" (", 1)[0]
        first = self._entries.setdefault(signal, order.client_order_id)
        if first != order.client_order_id:
            self._broken(5, f"two entries for one signal: {signal} {first} {order.client_order_id}")

    def _fresh(self, life: Life, order: ApprovedOrder) -> None:
        heard_ns = life.heard.get(order.symbol, 0)
        age_s = (self._world.now_ns - heard_ns) / NS_PER_S
        if age_s > PRICE_AGE_MAX_S + AGE_SLACK_S:
            self._broken(19, f"an entry on an old price: {order.client_order_id} {age_s:.1f} s")
        read_s = (self._world.now_ns - life.account_told_ns) / NS_PER_S
        if read_s > ACCOUNT_AGE_MAX_S + AGE_SLACK_S:
            self._broken(18, f"an entry on an old account: {order.client_order_id} {read_s:.1f} s")

    def _prove(self, life: Life) -> None:
        """Remember a life that has tried a stop, covered a leg, or found a stop of ours at work."""
        for stop in self._world.exchange.resting(ACCOUNT, conditional=True):
            name = stop.request.client_order_id
            tried = (f"bw{life.run_id}{CANARY_MARK}", f"bw{life.run_id}{COVER_MARK}")
            if name.startswith(tried) or (name.startswith("bw") and stop.event_ns < life.born_ns):
                self._proved.add(life.run_id)

    def _cap(self, life: Life, order: ApprovedOrder) -> None:
        """6: what is held and what may still fill, by the exchange's own book."""
        exchange = self._world.exchange
        qty = order.qty
        for leg in exchange.legs(ACCOUNT):
            if leg.symbol == order.symbol:
                qty += leg.qty
        for resting in exchange.resting(ACCOUNT, conditional=False):
            ours = resting.request.client_order_id.startswith("bw")
            if ours and resting.request.symbol == order.symbol and not resting.request.reduce_only:
                qty += resting.left_qty
        limits = life.kernel.policy.limits
        cap = limits.notional_cap_usd.get(order.symbol, limits.notional_cap_default_usd)
        notional = qty * Decimal(repr(exchange.market(order.symbol).mark))
        if float(notional) > cap * CAP_SLACK:
            self._broken(
                6, f"over the cap: {order.client_order_id} {notional:.0f} of {cap:.0f} USD"
            )
