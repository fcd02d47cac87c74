"""Holds at another venue the opposite of what an account holds whose venue cannot be reached.

Off unless `accounts.hedge_after_s` says after how many seconds. What it goes by is what the silent
account was last seen to hold: its stops may have closed it since, so every hedge has a stop of its
own, is opened through the gate of the account that takes it, and ends when the other is seen again.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

from bot.app.config.account_tables import AccountsTable
from bot.domain.house import House as Owned
from bot.domain.orders import PositionSide
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S
from bot.kernel.hedge_command import WHO
from bot.ports import Clock, House

RETRY_NS = 60 * NS_PER_S
SEEN_NS = 10 * NS_PER_S
"""An account that is seen again is believed after so long."""
SETTLE_NS = 10 * NS_PER_S
"""So long a hedge may take until it shows as a position."""


class Hedge(msgspec.Struct):
    """One hedge: of which account, by which, since when (wall clock, ns)."""

    of: str
    by: str
    symbol: str
    since_ns: int


class Peer(Protocol):
    """An account of the process, as far as it matters here."""

    name: str
    venue: str

    @property
    def dark(self) -> bool:
        """Whether its venue cannot be read, or nobody drives it."""
        ...

    @property
    def active(self) -> bool:
        """Whether it may open positions."""
        ...


class Hedges:
    """All hedges of a process; each account's door looks after its own."""

    def __init__(self, table: AccountsTable, clock: Clock, kept: Iterable[Hedge] = ()) -> None:
        self._after_ns = int(table.hedge_after_s * NS_PER_S)
        self._stop_frac = table.hedge_stop_frac
        self._clock = clock
        self.held = list(kept)
        self._last: dict[str, Owned] = {}
        self._dark_ns: dict[str, int] = {}
        self._seen_ns: dict[str, int] = {}
        self._tried_ns: dict[tuple[str, str, str], int] = {}

    @property
    def on(self) -> bool:
        """Whether anything is hedged at all."""
        return self._after_ns > 0

    async def look(
        self, me: Peer, house: House, peers: Mapping[str, Peer], houses: Iterable[Owned]
    ) -> bool:
        """Open or end what is due at the account `me`; tell whether `held` changed."""
        if not self.on:
            return False
        now_ns = self._clock.monotonic_ns()
        by_name = {each.account: each for each in houses}
        self._remember(peers, by_name, now_ns)
        mine = by_name.get(me.name)
        if mine is None or not mine.known:
            return False
        changed = await self._end(me, house, mine, now_ns)
        return await self._open(me, house, peers, by_name, now_ns) or changed

    def _remember(
        self, peers: Mapping[str, Peer], by_name: Mapping[str, Owned], now_ns: int
    ) -> None:
        for name, seen in by_name.items():
            if seen.known:
                self._last[name] = seen
                self._seen_ns.setdefault(name, now_ns)
                self._dark_ns.pop(name, None)
                continue
            self._seen_ns.pop(name, None)
            if name in peers and peers[name].dark:
                self._dark_ns.setdefault(name, now_ns)
            else:
                self._dark_ns.pop(name, None)

    async def _end(self, me: Peer, house: House, mine: Owned, now_ns: int) -> bool:
        """Close what is not needed any more, and forget what is closed."""
        holds = {held.symbol for held in mine.holdings}
        wall_ns, changed = self._clock.now_ns(), False
        for hedge in [each for each in self.held if each.by == me.name]:
            if hedge.symbol not in holds:
                if wall_ns - hedge.since_ns > SETTLE_NS:
                    self.held.remove(hedge)
                    changed = True
                continue
            seen_ns = self._seen_ns.get(hedge.of)
            due = seen_ns is not None and now_ns - seen_ns > SEEN_NS
            if due and self._may_try("end", hedge.of, hedge.symbol, now_ns):
                args = {"fraction": "1", "symbol": hedge.symbol}
                await house.order("reduce", args, operator=WHO, key=f"unhedge-{wall_ns}")
                text = f"account {hedge.of} is seen again: its hedge in {hedge.symbol} is closed"
                house.say(Severity.WARNING, "hedge", text)
        return changed

    async def _open(
        self,
        me: Peer,
        house: House,
        peers: Mapping[str, Peer],
        by_name: Mapping[str, Owned],
        now_ns: int,
    ) -> bool:
        changed = False
        for name, since_ns in self._dark_ns.items():
            last, peer = self._last.get(name), peers[name]
            if last is None or now_ns - since_ns < self._after_ns or peer.venue == me.venue:
                continue
            for symbol, net_qty in sorted(_bare(name, last, by_name.values()).items()):
                if any(h.of == name and h.symbol == symbol for h in self.held):
                    continue
                first = self._first_able(peer, symbol, peers, by_name)
                if first != me.name or not self._may_try("open", name, symbol, now_ns):
                    continue
                side = PositionSide.SHORT if net_qty > 0.0 else PositionSide.LONG
                told = await house.order(
                    "hedge",
                    {
                        "symbol": symbol,
                        "side": side.value,
                        "qty": repr(abs(net_qty)),
                        "stop_frac": repr(self._stop_frac),
                        "reason": f"{peer.venue} of account {name} has been silent for "
                        f"{(now_ns - since_ns) / NS_PER_S:.0f} s",
                    },
                    operator=WHO,
                    key=f"hedge-{self._clock.now_ns()}",
                )
                if told.accepted:
                    self.held.append(Hedge(name, me.name, symbol, self._clock.now_ns()))
                    changed = True
                else:
                    text = f"{symbol} of account {name} was not hedged: {told.text}"
                    house.say(Severity.WARNING, "hedge", text)
        return changed

    def _first_able(
        self, dark: Peer, symbol: str, peers: Mapping[str, Peer], by_name: Mapping[str, Owned]
    ) -> str:
        """Return the one account that may take it: at another venue, seen, active, flat there."""
        for name, peer in sorted(peers.items()):
            seen = by_name.get(name)
            if seen is None or not seen.known or peer.venue == dark.venue or not peer.active:
                continue
            if all(held.symbol != symbol for held in seen.holdings):
                return name
        return ""

    def _may_try(self, what: str, name: str, symbol: str, now_ns: int) -> bool:
        key = (what, name, symbol)
        if now_ns - self._tried_ns.get(key, now_ns - RETRY_NS) < RETRY_NS:
            return False
        self._tried_ns[key] = now_ns
        return True


def _bare(name: str, last: Owned, houses: Iterable[Owned]) -> dict[str, float]:
    """Return symbol -> signed quantity of an account that nobody else's position offsets yet."""
    net: dict[str, float] = {}
    for held in last.holdings:
        net[held.symbol] = net.get(held.symbol, 0.0) + held.side.sign * float(held.qty)
    others: dict[str, float] = {}
    for house in houses:
        for held in house.holdings if house.known and house.account != name else ():
            others[held.symbol] = others.get(held.symbol, 0.0) + held.side.sign * float(held.qty)
    bare = {}
    for symbol, qty in net.items():
        whole = qty + others.get(symbol, 0.0)
        left = min(abs(qty), abs(whole)) if whole * qty > 0.0 else 0.0
        if left > 0.0:
            bare[symbol] = left if qty > 0.0 else -left
    return bare
