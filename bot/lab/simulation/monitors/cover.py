"""Invariants 1, 2 and 29: every leg is stopped at the venue, on the right side, and not stuck."""

from typing import Final

import msgspec

from bot.domain.messages import Event
from bot.domain.orders import OrderKind, OrderStatus, PositionSide
from bot.domain.units import NS_PER_S, ZERO
from bot.lab.simulation.life import Life
from bot.lab.simulation.monitors.verdicts import Verdicts
from bot.lab.simulation.world import ACCOUNT, World
from bot.simulator.accounts import Leg, Order

BARE_MAX_S: Final = 15.0
FLAT_MAX_S: Final = 20.0
CALM_MAX_S: Final = 7.0
"""Where nothing hinders: a second of grace, three of patience with a kernel that sends in vain, and
the wire."""
KERNEL_MAX_S: Final = 1.0
"""Where nothing at all is wrong the kernel's stop works before coverage even asks for one."""
CALM_NS: Final = 20 * NS_PER_S
HARMLESS: Final = frozenset(
    (
        "mute_kernel",
        "disk_full",
        "disk_fills",
        "db_locked",
        "slow_disk",
        "telegram_hangs",
        "telegram_refuses",
    )
)
"""Kinds that must not make protection later."""
TRIGGERING_MAX_NS: Final = 3 * NS_PER_S
FAR_FRAC: Final = 0.631
"""The furthest distance that policies allow is 0.60; the mark may leave a stop there behind by a
twentieth of that until the next bar."""
PILE_MAX: Final = 12
SPARES_MAX: Final = 2
SPARES_NS: Final = 30 * NS_PER_S
SANITY_NS: Final = 60 * NS_PER_S


class Bare(msgspec.Struct):
    """A leg without a full working stop; time without a reachable venue is not counted."""

    since_ns: int
    looked_ns: int
    counted_ns: int = 0
    told: bool = False
    calm: bool = False
    """Whether nothing hindered so far."""
    whole: bool = False
    """Whether nothing at all was wrong, and the daemon was told."""


class CoverMonitor:
    """Looks at the exchange itself after every change, by code of its own."""

    def __init__(self, world: World, verdicts: Verdicts) -> None:
        self._world = world
        self._verdicts = verdicts
        self._bare: dict[str, Bare] = {}
        self._generation = -1
        self._triggering = False
        self._sane_ns = 0
        self._many: dict[str, int] = {}
        self._hindered_ns = self._troubled_ns = world.now_ns

    def happened(self, event: Event) -> None:
        """Nothing: the book itself is looked at."""

    def looked(self, now_ns: int) -> None:
        """Judge every leg that may have changed."""
        exchange = self._world.exchange
        if self._is_hindered():
            self._hindered_ns = now_ns
        if self._world.board.busy:
            self._troubled_ns = now_ns
        waits = self._triggering or bool(self._many)
        quiet = exchange.generation == self._generation and not waits
        if quiet and not self._bare and now_ns - self._sane_ns < SANITY_NS:
            return
        self._generation = exchange.generation
        self._sane_ns = now_ns
        self._triggering = False
        legs = exchange.legs(ACCOUNT)
        stops = exchange.resting(ACCOUNT, conditional=True) if legs else []
        held = set()
        for leg in legs:
            key = f"{leg.symbol}|{leg.side.value}"
            held.add(key)
            self._judge(key, covered=self._covers(leg, stops, now_ns), now_ns=now_ns)
        self._pile(stops)
        for key in [key for key in self._bare if key not in held]:
            self._end(key, flat=True)
        self._world.attentive = bool(self._bare)

    @property
    def hindered_ns(self) -> int:
        """When anything was last wrong that may make protection later."""
        return self._hindered_ns

    def bare_since_ns(self, symbol: str, side: PositionSide) -> int:
        """Return since when a leg has no full working stop; 0: it has one, or is flat."""
        bare = self._bare.get(f"{symbol}|{side.value}")
        return bare.since_ns if bare is not None else 0

    def _is_hindered(self) -> bool:
        """Whether anything is wrong, or was done, that may make protection later."""
        world = self._world
        hearer = world.hearer
        alive = isinstance(hearer, Life) and hearer.ready
        return not alive or world.board.busy_but(HARMLESS) or world.excused_ns >= world.now_ns

    def _pile(self, stops: list[Order]) -> None:
        """Stops that nobody cancels would fill the venue's book of them."""
        piled: dict[str, int] = {}
        for stop in stops:
            if stop.request.client_order_id.startswith("bw"):
                piled[stop.request.symbol] = piled.get(stop.request.symbol, 0) + 1
        for symbol, count in piled.items():
            if count > PILE_MAX:
                self._piled(f"conditional orders pile up: {symbol} {count}")
        self._spares(stops)

    def _spares(self, stops: list[Order]) -> None:
        """Row 14: a leg keeps no more than a few stops for long when nothing keeps them there."""
        now_ns = self._world.now_ns
        counts: dict[str, int] = {}
        for stop in stops:
            request = stop.request
            ours = request.client_order_id.startswith("bw")
            if ours and request.kind is OrderKind.STOP_MARKET:
                key = f"{request.symbol} {request.side.value}"
                counts[key] = counts.get(key, 0) + 1
        many = {key for key, count in counts.items() if count > SPARES_MAX}
        self._many = {key: self._many.get(key, now_ns) for key in many}
        for key, since_ns in self._many.items():
            if now_ns - max(since_ns, self._troubled_ns, self._hindered_ns) > SPARES_NS:
                self._piled(f"more stops than a leg needs: {key} {counts[key]}")

    def _piled(self, text: str) -> None:
        self._world.note(f"VIOLATION 2 {text}")
        self._verdicts.broken(2, self._world.lived_s, text)

    def _covers(self, leg: Leg, stops: list[Order], now_ns: int) -> bool:
        covered = ZERO
        for stop in stops:
            request = stop.request
            right = request.kind is OrderKind.STOP_MARKET and request.side is leg.side.exit
            if request.symbol != leg.symbol or not right:
                continue
            if request.position_side is None and not request.reduce_only:
                continue
            if stop.status is OrderStatus.TRIGGERING:
                self._triggering = True
                if now_ns - stop.event_ns > TRIGGERING_MAX_NS:
                    continue
            elif stop.status is not OrderStatus.WORKING:
                continue
            if not self._sane(leg, stop):
                continue
            covered += leg.qty if request.close_position else stop.left_qty
        return covered >= leg.qty

    def _sane(self, leg: Leg, stop: Order) -> bool:
        mark = self._world.exchange.market(leg.symbol).mark
        if mark > 0.0 and abs(stop.trigger - mark) > FAR_FRAC * mark:
            return False
        liq = self._world.exchange.liquidation_price(ACCOUNT, leg.symbol, leg.side)
        return liq is None or liq <= ZERO or leg.side.sign * (stop.trigger - float(liq)) > 0.0

    def _judge(self, key: str, *, covered: bool, now_ns: int) -> None:
        bare = self._bare.get(key)
        if covered:
            if bare is not None:
                self._count(bare, key, now_ns)
                self._end(key, flat=False)
            return
        if bare is None:
            calm = now_ns - self._hindered_ns > CALM_NS
            whole = calm and now_ns - self._troubled_ns > CALM_NS
            told = self._world.silent_ns < now_ns
            self._bare[key] = Bare(
                since_ns=now_ns, looked_ns=now_ns, calm=calm, whole=whole and told
            )
            return
        self._count(bare, key, now_ns)
        bare.calm = bare.calm and self._hindered_ns < bare.since_ns
        if bare.calm and bare.counted_ns > CALM_MAX_S * NS_PER_S and not bare.told:
            bare.told = True
            self._tell(key, bare, "still open, though nothing hinders")
        surprised_ns = max(self._troubled_ns, self._world.off_grid_ns)
        bare.whole = bare.whole and surprised_ns < bare.since_ns
        if bare.whole and bare.calm and bare.counted_ns > KERNEL_MAX_S * NS_PER_S and not bare.told:
            bare.told = True
            self._tell(key, bare, "still open: the kernel was late")
        if bare.counted_ns > FLAT_MAX_S * NS_PER_S and not bare.told:
            bare.told = True
            self._tell(key, bare, "still open and unprotected")

    def _count(self, bare: Bare, key: str, now_ns: int) -> None:
        if self._world.reachable(key.split("|", 1)[0]):
            bare.counted_ns += now_ns - bare.looked_ns
        bare.looked_ns = now_ns

    def _end(self, key: str, *, flat: bool) -> None:
        bare = self._bare.pop(key)
        if flat:
            self._count(bare, key, self._world.now_ns)
        seconds = bare.counted_ns / NS_PER_S
        self._verdicts.sample("unprotected", seconds)
        if seconds > (FLAT_MAX_S if flat else BARE_MAX_S) and not bare.told:
            self._tell(key, bare, "flat" if flat else "covered")

    def _tell(self, key: str, bare: Bare, how: str) -> None:
        seconds = bare.counted_ns / NS_PER_S
        self._world.note(f"VIOLATION 1 {key} {seconds:.1f}")
        text = f"unprotected {key}: {seconds:.1f} s, then {how}"
        self._verdicts.broken(1, self._world.lived_s, text)
        if self._world.board.on("bad_symbol"):
            # a leg of a symbol that is gone is not counted: this one is another
            self._verdicts.broken(29, self._world.lived_s, f"beside a symbol that is gone, {text}")
