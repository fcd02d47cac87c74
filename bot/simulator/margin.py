"""The exchange's own margin arithmetic: maintenance by tier and the liquidation price."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final

from bot.domain.errors import InvariantBroken
from bot.domain.instrument import Instrument
from bot.domain.units import ZERO

INFINITE: Final = Decimal("1e30")
_SEAM: Final = Decimal("1e-9")
"""USD by which a root on the border of two tiers may miss both through rounding."""


class Brackets:
    """Margin tiers of one contract, the last one stretched to infinity.

    An order above the last cap is refused elsewhere; a short that grows past it as the price
    rises must still have a liquidation price.
    """

    def __init__(self, instrument: Instrument) -> None:
        rows = [
            (_exact(t.floor_usd), _exact(t.cap_usd), _exact(t.maint_frac), _exact(t.deduction_usd))
            for t in instrument.tiers
        ]
        floor, _, maint, deduction = rows[-1]
        self.exact = [*rows[:-1], (floor, INFINITE, maint, deduction)]
        self._fast = [(float(c), float(m), float(d)) for _, c, m, d in self.exact]
        self._leverage = [(_exact(t.cap_usd), int(t.leverage_max)) for t in instrument.tiers]
        self.leverage_max = max(leverage for _, leverage in self._leverage)

    def level(self, notional_usd: Decimal) -> int:
        """Return the index of the tier that holds `notional_usd`."""
        for i, (_, cap, _, _) in enumerate(self.exact):
            if notional_usd <= cap:
                return i
        return len(self.exact) - 1

    def maintenance_usd(self, notional_usd: Decimal) -> Decimal:
        """Return the maintenance margin of `notional_usd`, exactly."""
        _, _, maint, deduction = self.exact[self.level(notional_usd)]
        return notional_usd * maint - deduction

    def maintenance_near(self, notional_usd: float) -> float:
        """Return the maintenance margin as a float: the hot path's reading."""
        for cap, maint, deduction in self._fast:
            if notional_usd <= cap:
                return notional_usd * maint - deduction
        raise InvariantBroken(f"no margin tier holds a notional of {notional_usd} USD")

    def notional_max_usd(self, leverage: int) -> Decimal:
        """Return the largest position that may be held at this leverage setting."""
        caps = [cap for cap, highest in self._leverage if highest >= leverage]
        return max(caps, default=ZERO)


def _exact(value: float) -> Decimal:
    return Decimal(repr(value))


def single_price(
    brackets: Brackets, sign: int, qty: Decimal, entry: Decimal, cushion_usd: Decimal
) -> Decimal | None:
    """Return where one leg's equity meets its maintenance margin, or None when nowhere above 0.

    `cushion_usd` is isolated margin, or cross wallet plus what other legs add. The tier is the
    one at the answer, not at the entry.
    """
    for floor, cap, maint, deduction in brackets.exact:
        price = (cushion_usd + deduction - sign * qty * entry) / (qty * maint - sign * qty)
        if price > ZERO and floor - _SEAM <= price * qty <= cap + _SEAM:
            return price
    return None


Leg = tuple[int, Decimal, Decimal]
"""(sign, quantity, entry price) of one leg."""


def joint_price(
    brackets: Brackets, legs: Sequence[Leg], cushion_usd: Decimal, mark: Decimal
) -> Decimal | None:
    """Return the liquidation price nearest to `mark` of several legs on one symbol, or None.

    Between the prices where a leg changes tier everything is linear, so the roots are exact.
    """
    knots = sorted({cap / q for _, q, _ in legs for _, cap, _, _ in brackets.exact[:-1]})
    edges = [ZERO, *knots, INFINITE]
    roots = []
    for low, high in pairwise(edges):
        middle = (low + high) / 2 if high < INFINITE else low + 1
        slope, offset = _line(brackets, legs, cushion_usd, middle)
        if slope == ZERO:
            continue
        root = -offset / slope
        if root > ZERO and low <= root <= high:
            roots.append(root)
    return min(roots, key=lambda p: abs(p - mark), default=None)


def _line(
    brackets: Brackets, legs: Iterable[Leg], cushion_usd: Decimal, price: Decimal
) -> tuple[Decimal, Decimal]:
    """Return slope and offset of equity minus maintenance in the tiers that hold at `price`."""
    slope, offset = ZERO, cushion_usd
    for sign, qty, entry in legs:
        _, _, maint, deduction = brackets.exact[brackets.level(price * qty)]
        slope += sign * qty - qty * maint
        offset += deduction - sign * qty * entry
    return slope, offset
