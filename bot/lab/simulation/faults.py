"""Faults as values: what goes wrong, when, for how long, how often; and what is in force now."""

from collections.abc import Collection
from typing import Final

import msgspec

from bot.domain.units import NS_PER_S
from bot.lab.simulation.chance import toss
from bot.lab.simulation.timeline import START_NS

DISK: Final = frozenset(("disk_full", "disk_fills", "db_locked", "slow_disk"))


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault. `at_s` and `for_s` are seconds of the simulation; for_s 0 is an instant.

    `chance` is how often it hits what it is about while in force; `size` is in the unit of its
    kind (seconds, a fraction of price, USD); `how` names a variant.
    """

    kind: str
    at_s: float
    for_s: float = 0.0
    chance: float = 1.0
    size: float = 0.0
    symbol: str = ""
    how: str = ""
    serial: int = 0


class Board:
    """The windows in force, by kind; every hit is counted and drawn from the fault's own serial."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._open: dict[str, list[Fault]] = {}
        self._drawn: dict[int, int] = {}
        self.hits: dict[str, int] = {}

    def open(self, fault: Fault) -> None:
        """Put a window in force."""
        self._open.setdefault(fault.kind, []).append(fault)

    def close(self, fault: Fault) -> None:
        """Lift it."""
        left = [one for one in self._open.get(fault.kind, []) if one is not fault]
        if left:
            self._open[fault.kind] = left
        else:
            self._open.pop(fault.kind, None)

    def on(self, kind: str, symbol: str = "", how: str = "") -> Fault | None:
        """Return the window of `kind` in force, whatever its chance; None without one.

        With `how`, one that is about this variant, or about all.
        """
        faults = self._open.get(kind)
        if faults is None:
            return None
        for fault in faults:
            mine = not fault.symbol or not symbol or fault.symbol == symbol
            if mine and (not how or fault.how in ("", how)):
                return fault
        return None

    @property
    def busy(self) -> bool:
        """Whether any window is in force."""
        return bool(self._open)

    def busy_but(self, kinds: Collection[str]) -> bool:
        """Whether a window of any other kind than these is in force."""
        return bool(self._open) and any(kind not in kinds for kind in self._open)

    def is_any(self, kinds: frozenset[str]) -> bool:
        """Whether a window of one of these kinds is in force, whatever its chance."""
        return not kinds.isdisjoint(self._open)

    def disturbed_disk(self) -> bool:
        """Whether the journal cannot be written as it should."""
        return self.is_any(DISK)

    def hit(self, kind: str, symbol: str = "", how: str = "") -> Fault | None:
        """Draw whether a window of `kind` hits this time."""
        if kind not in self._open:
            return None
        fault = self.on(kind, symbol, how)
        if fault is None or self.roll(fault) >= fault.chance:
            return None
        self.count(kind)
        return fault

    def roll(self, fault: Fault) -> float:
        """Return the next number in [0, 1) of a fault's own stream."""
        drawn = self._drawn[fault.serial] = self._drawn.get(fault.serial, 0) + 1
        return toss(self._seed, fault.serial, drawn)

    def count(self, kind: str) -> None:
        """Count a fault that struck."""
        self.hits[kind] = self.hits.get(kind, 0) + 1


def instant_ns(at_s: float) -> int:
    """Return seconds of the simulation as nanoseconds UTC."""
    return START_NS + round(at_s * NS_PER_S)
