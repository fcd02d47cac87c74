"""Rows 5, 6 and 38: what may be asked for again after the venue said no, and how often."""

from typing import Final

import msgspec

from bot.domain.orders import ApprovedOrder, Purpose
from bot.domain.units import NS_PER_S
from bot.lab.simulation.lies import LIES
from bot.lab.simulation.life import Life
from bot.lab.simulation.monitors.cover import CoverMonitor
from bot.lab.simulation.monitors.verdicts import Verdicts
from bot.lab.simulation.wire import COVERAGE, Call
from bot.lab.simulation.world import World

WOULD_TRIGGER: Final = "-2021"
SOON_NS: Final = 5 * NS_PER_S
OFF_GRID: Final = "-4014"
"""No price of the contract as it is: the daemon knows an older one."""
TRIES_MAX: Final = 3
"""So many refused stops in a row: after them the leg is closed."""


class Refused(msgspec.Struct):
    """What the venue said no to while one leg was bare."""

    bare_ns: int
    count: int = 0
    passed_ns: int = 0
    """When it said that a stop would trigger at once; 0: it did not."""


class AgainMonitor:
    """Remembers which stops of coverage the venue refused since a leg is bare."""

    def __init__(self, world: World, verdicts: Verdicts, cover: CoverMonitor) -> None:
        self._world = world
        self._verdicts = verdicts
        self._cover = cover
        self._refused: dict[str, Refused] = {}
        self._off_grid: dict[str, int] = {}
        """symbol -> when an order of it was first off the grid of the contract as it is now."""

    def refused(self, order: ApprovedOrder, code: str) -> None:
        """Take note of a no whose answer arrives."""
        if code == OFF_GRID:
            self._outdated(order)
        bare_ns = self._cover.bare_since_ns(order.symbol, order.position_side)
        if not _is_rescue(order) or not bare_ns:
            return
        known = self._refused.get(_key(order))
        if known is None or known.bare_ns != bare_ns:
            known = self._refused[_key(order)] = Refused(bare_ns)
        known.count += 1
        if code == WOULD_TRIGGER:
            known.passed_ns = self._world.now_ns

    def sends(self, life: Life, call: Call) -> None:
        """Judge an order that is about to leave."""
        order = call.order
        if order is None or COVERAGE not in order.client_order_id:
            return
        known = self._refused.get(_key(order))
        lied = self._world.board.is_any(LIES)
        if not _is_rescue(order) or lied or known is None or known.bare_ns < life.born_ns:
            self._refused.pop(_key(order), None)
            return
        if known.bare_ns != self._cover.bare_since_ns(order.symbol, order.position_side):
            return
        if known.count >= TRIES_MAX:
            self._broken(f"a stop again after {known.count} refusals: {order.client_order_id}")
        if known.passed_ns and self._world.now_ns - known.passed_ns < SOON_NS:
            self._broken(f"a stop again where the price passed it: {order.client_order_id}")

    def _outdated(self, order: ApprovedOrder) -> None:
        """20: a price off the grid makes the daemon read the contract; so it happens once."""
        world, now_ns = self._world, self._world.now_ns
        world.off_grid_ns = now_ns
        first_ns = self._off_grid.get(order.symbol, 0)
        if first_ns <= max(world.contract_ns, self._cover.hindered_ns):
            self._off_grid[order.symbol] = now_ns
        elif now_ns - first_ns > SOON_NS:
            self._broken(f"off the grid again: {order.client_order_id}", 20)

    def _broken(self, text: str, invariant: int = 1) -> None:
        self._world.note(f"VIOLATION {invariant} {text}")
        self._verdicts.broken(invariant, self._world.lived_s, text)


def _is_rescue(order: ApprovedOrder) -> bool:
    return order.purpose is Purpose.STOP and COVERAGE in order.client_order_id


def _key(order: ApprovedOrder) -> str:
    return f"{order.symbol}|{order.position_side.value}"
