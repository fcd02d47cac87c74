"""Invariants 4, 8, 14, 32: belief and journal against the exchange's own book."""

from typing import Final

from bot.domain.messages import Event, Fill
from bot.domain.orders import OrderStatus, PositionSide
from bot.domain.units import NS_PER_S, ZERO
from bot.journal.store import Store
from bot.kernel.snapshot import leg_key
from bot.lab.simulation.life import Life
from bot.lab.simulation.monitors.turned import Turns
from bot.lab.simulation.monitors.verdicts import Verdicts
from bot.lab.simulation.world import ACCOUNT, World
from bot.simulator.accounts import Leg, Order

BELIEF_MAX_S: Final = 30.0
ORPHAN_MAX_S: Final = 60.0
UNKNOWN_MAX_S: Final = 150.0
LATCHED_MAX_S: Final = 60.0
WALLET_USD: Final = 0.01
LOOK_NS: Final = NS_PER_S
UNKNOWN_LOOK_NS: Final = 10 * NS_PER_S
JOURNAL_NS: Final = 120 * NS_PER_S
CALM_NS: Final = 40 * NS_PER_S
SIDES: Final = tuple(PositionSide)
LEFT_MAX_NS: Final = 3 * NS_PER_S // 2


class TruthMonitor:
    """Clocks that run while two things differ, the daemon lives, and the venue can be reached."""

    def __init__(self, world: World, verdicts: Verdicts, store: Store) -> None:
        self._world = world
        self._verdicts = verdicts
        self._store = store
        self._differs: dict[str, int] = {}
        self._looked_ns = 0
        self._journal_ns = 0
        self._asked_ns = world.now_ns
        self._suspects: set[str] = set()
        self._flat_ns: dict[str, int] = {}
        self._troubled_ns = world.now_ns
        self._held: list[Leg] = []
        self._turns = Turns()
        keys = [(symbol, side, leg_key(symbol, side)) for symbol in world.symbols for side in SIDES]
        self._keys = [(symbol, side, key, f"belief of {key}") for symbol, side, key in keys]

    # ------------------------------------------------------------------ events

    def happened(self, event: Event) -> None:
        """4: none of our reducing orders may turn a position around."""
        turned = self._turns.happened(event)
        if not turned or not isinstance(event, Fill) or self._world.exchange.is_hedged(ACCOUNT):
            return
        order = self._world.sent_orders.get(event.client_order_id)
        if order is not None and order.reduce_only:
            self._broken(4, f"a reducing order opened a position: {event.client_order_id}")

    # ------------------------------------------------------------------ clocks

    def looked(self, now_ns: int) -> None:
        """Compare once a second."""
        if now_ns - self._looked_ns < LOOK_NS:
            return
        since_ns, self._looked_ns = now_ns - self._looked_ns, now_ns
        life = self._world.hearer
        if not isinstance(life, Life) or not life.ready:
            self._differs.clear()
            return
        if not self._world.reachable(""):
            return
        self._held = self._world.exchange.legs(ACCOUNT)
        self._legs(life, since_ns)
        self._wallet(life, since_ns)
        self._orders(life, since_ns)
        latched = life.kernel.state.latched and bool(self._held)
        self._clock("latched and not flat", 8, latched, since_ns, LATCHED_MAX_S)
        if now_ns - self._journal_ns > JOURNAL_NS:
            self._journal(life, now_ns)

    def _clock(
        self,
        name: str,
        invariant: int,
        differs: bool,  # noqa: FBT001 - a clock that runs while this is true
        since_ns: int,
        most_s: float,
    ) -> None:
        before = self._differs.get(name, 0)
        if not differs:
            if before:
                del self._differs[name]
                self._verdicts.sample(name.split(" ", 1)[0], before / NS_PER_S)
            return
        spent = self._differs[name] = before + since_ns
        if spent > most_s * NS_PER_S:
            self._broken(invariant, f"{name}: for {spent / NS_PER_S:.0f} s")

    def _broken(self, invariant: int, text: str) -> None:
        self._world.note(f"VIOLATION {invariant} {text}")
        self._verdicts.broken(invariant, self._world.lived_s, text)

    def _legs(self, life: Life, since_ns: int) -> None:
        true = {(leg.symbol, leg.side): leg.qty for leg in self._held}
        believed = life.kernel.state.legs
        for symbol, side, key, name in self._keys:
            leg = believed.get(key)
            differs = true.get((symbol, side), ZERO) != (leg.qty if leg is not None else ZERO)
            if (differs or name in self._differs) and self._world.reachable(symbol):
                self._clock(name, 14, differs, since_ns, BELIEF_MAX_S)

    def _wallet(self, life: Life, since_ns: int) -> None:
        true = self._world.exchange.wallet_usd(ACCOUNT)
        off = abs(float(true - life.kernel.state.wallet_usd)) > WALLET_USD
        self._clock("wallet differs", 32, off, since_ns, BELIEF_MAX_S)

    def _orders(self, life: Life, since_ns: int) -> None:
        held = {leg.symbol for leg in self._held}
        stops = self._world.exchange.resting(ACCOUNT, conditional=True)
        self._left_behind(life, held, stops)
        orphans = any(
            stop.request.client_order_id.startswith("bw")
            and stop.request.symbol not in held
            and self._world.reachable(stop.request.symbol)
            for stop in stops
            if "-p" not in stop.request.client_order_id
        )
        self._clock("orphan stop", 14, orphans, since_ns, ORPHAN_MAX_S)
        now_ns = life.kernel.state.now_ns
        if now_ns - self._asked_ns < UNKNOWN_LOOK_NS:
            return
        since_ns, self._asked_ns = now_ns - self._asked_ns, now_ns
        old = any(
            belief.status is OrderStatus.UNKNOWN
            and belief.ours
            and now_ns - belief.sent_ns > 60 * NS_PER_S
            for belief in life.kernel.state.orders.values()
        )
        self._clock("unknown order", 14, old, since_ns, UNKNOWN_MAX_S)

    def _left_behind(self, life: Life, held: set[str], stops: list[Order]) -> None:
        """14: where nothing is wrong, what guarded a leg goes with it."""
        world, now_ns = self._world, self._world.now_ns
        self._flat_ns = {
            symbol: self._flat_ns.get(symbol, now_ns)
            for symbol in world.symbols
            if symbol not in held
        }
        if world.board.busy or now_ns - life.born_ns < CALM_NS:
            self._troubled_ns = now_ns
        if now_ns - self._troubled_ns < CALM_NS:
            return
        for stop in stops:
            request = stop.request
            flat_ns = self._flat_ns.get(request.symbol, now_ns)
            ours = request.client_order_id.startswith("bw") and "-p" not in request.client_order_id
            rested = stop.event_ns < flat_ns - 2 * LOOK_NS
            if ours and rested and now_ns - flat_ns > LEFT_MAX_NS:
                self._broken(14, f"left behind by its position: {request.client_order_id}")

    # ------------------------------------------------------------------ journal

    def _journal(self, life: Life, now_ns: int) -> None:
        """14: what the journal believes to be open is open, seen twice when nothing happens."""
        still_ns = now_ns - max(life.disturbed_ns, self._world.unreached_ns)
        if still_ns < CALM_NS or self._world.board.disturbed_disk():
            return
        self._journal_ns = now_ns
        open_now = {
            order.request.client_order_id
            for conditional in (True, False)
            for order in self._world.exchange.resting(ACCOUNT, conditional=conditional)
            if order.request.client_order_id.startswith("bw") and not order.parent
        }
        kept = {order.client_order_id for order in self._store.live_orders()}
        wrong = open_now ^ kept
        for client_order_id in sorted(wrong & self._suspects):
            where = "venue" if client_order_id in open_now else "journal"
            self._broken(
                14, f"journal and venue differ: {client_order_id} is open at the {where} only"
            )
        self._suspects = wrong
