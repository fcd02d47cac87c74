"""Invariant 13: whatever came twice, late or out of order, an ended order is believed as it ended.

Which words came in which order differs from seed to seed; what must come out is in the exchange's
own book.
"""

from typing import Final

from bot.domain.orders import OrderState, OrderStatus
from bot.domain.units import NS_PER_S, ZERO
from bot.journal.store import Store
from bot.kernel.snapshot import OrderBelief
from bot.lab.simulation.lies import LIES
from bot.lab.simulation.life import Life
from bot.lab.simulation.monitors.verdicts import Verdicts
from bot.lab.simulation.world import ACCOUNT, World
from bot.simulator.exchange import ExchangeRefused

LOOK_NS: Final = 60 * NS_PER_S
CALM_NS: Final = 45 * NS_PER_S
OLD_NS: Final = 120 * NS_PER_S
MISLED: Final = LIES | {"mute_kernel"}
FILLS: Final = 200
FILLS_NS: Final = 900 * NS_PER_S


class EndMonitor:
    """Compares each of our orders once, some time after it ended, while the account is calm."""

    def __init__(self, world: World, verdicts: Verdicts, store: Store) -> None:
        self._store = store
        self._world = world
        self._verdicts = verdicts
        self._looked_ns = world.now_ns
        self._lied_ns = self._disk_ns = 0
        self._done: set[str] = set()
        self._suspects: dict[str, str] = {}

    def happened(self, event: object) -> None:
        """Nothing: the book itself is looked at."""

    def looked(self, now_ns: int) -> None:
        """Compare once a minute."""
        board = self._world.board
        if board.busy:
            if board.is_any(MISLED) or not self._world.reachable(""):
                self._lied_ns = now_ns
            if board.disturbed_disk():
                self._disk_ns = now_ns
        if now_ns - self._looked_ns < LOOK_NS:
            return
        self._looked_ns = now_ns
        life = self._world.hearer
        if not isinstance(life, Life) or not life.ready:
            return
        if now_ns - max(life.disturbed_ns, self._lied_ns) < CALM_NS:
            return
        for belief in life.kernel.state.orders.values():
            name = belief.client_order_id
            old = life.kernel.state.now_ns - belief.sent_ns > OLD_NS
            if belief.ours and old and name not in self._done:
                self._compare(belief)
        if now_ns - self._disk_ns > CALM_NS:
            self._fills(now_ns)

    def _compare(self, belief: OrderBelief) -> None:
        name = belief.client_order_id
        wrong = _difference(belief, self._true(belief))
        if not wrong:
            if not belief.status.is_live:
                self._done.add(name)
            self._suspects.pop(name, None)
            self._world.mark("order_end_compared")
        elif self._suspects.get(name) == wrong:
            self._done.add(name)
            self._broken(f"an order is not believed as it is: {name} {wrong}")
        else:
            self._suspects[name] = wrong

    def _broken(self, text: str) -> None:
        self._world.note(f"VIOLATION 13 {text}")
        self._verdicts.broken(13, self._world.lived_s, text)

    def _fills(self, now_ns: int) -> None:
        """Every execution of the last minutes but the newest stands in the journal."""
        rows = self._store.rows("fills", limit=FILLS)
        kept = {(str(row["symbol"]), str(row["trade_id"])) for row in rows}
        since_ns = now_ns - FILLS_NS
        for symbol in self._world.symbols:
            trades = self._world.exchange.trades(ACCOUNT, symbol, since_ns)
            old = [trade for trade in trades if now_ns - trade.event_ns > OLD_NS]
            missing = [t.trade_id for t in old if (symbol, t.trade_id) not in kept]
            if missing and len(old) < FILLS // 2:
                self._broken(f"the journal lacks an execution: {symbol} {missing[0]}")

    def _true(self, belief: OrderBelief) -> OrderState | None:
        try:
            return self._world.exchange.order(
                ACCOUNT,
                belief.symbol,
                client_order_id=belief.client_order_id,
                conditional=belief.kind.is_conditional,
            )
        except ExchangeRefused:
            return None


def _difference(belief: OrderBelief, true: OrderState | None) -> str:
    """Return in what belief and book differ; empty: in nothing that matters."""
    if belief.status.is_live:
        gone = true is None or not true.status.is_live
        return f"{belief.status.value}, and it is gone" if gone else ""
    if true is None:
        unknown = belief.status is OrderStatus.FILLED or belief.filled_qty > ZERO
        return "filled, and the venue never had it" if unknown else ""
    if true.status.is_live:
        return f"{belief.status.value}, and it is {true.status.value}"
    filled = belief.status is OrderStatus.FILLED
    if not belief.kind.is_conditional and filled is not (true.status is OrderStatus.FILLED):
        return f"{belief.status.value}, and it was {true.status.value}"
    if not belief.kind.is_conditional and belief.filled_qty != true.filled_qty:
        return f"filled {belief.filled_qty}, and it was {true.filled_qty}"
    return ""
