"""One wished trade in numbers: prices, costs and money, before any cap is asked."""

from collections.abc import Callable
from decimal import Decimal

import msgspec

from bot.kernel.sizing.costs import Costs
from bot.kernel.sizing.unit_risk import unit_risk_usd

STEPS = 60


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A wished trade; prices in quote, money in USD."""

    symbol: str
    sign: int
    mark: float
    entry: float
    """The worst price that the entry may pay: what is at risk is counted from there."""
    stop: float
    target: float
    base_usd: float
    """What fractions of equity are taken of: the smaller of equity and wallet."""
    threat: int
    costs: Costs
    rules_share: float = 1.0
    """Share of the full size that the ladder of rules allows."""
    scenario_share: float = 1.0
    """Share of the full size that the running scenarios allow."""

    def unit_usd(self, qty: float) -> float:
        """Return what one of `qty` coins loses if the stop fills as planned."""
        costs = self.costs
        paid = (costs.fee_frac, costs.fee_frac + costs.stop_slip_frac(qty * self.stop))
        return unit_risk_usd(self.sign, self.entry, self.stop, paid, costs.funding_frac)

    @property
    def dearest(self) -> float:
        """The highest price that counts for the position's value: caps on exposure use it."""
        return max(self.mark, self.entry)

    @property
    def distance_frac(self) -> float:
        """The way from the mark to the stop as a share of the mark."""
        return self.sign * (self.mark - self.stop) / self.mark


class Sized(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity with the numbers behind it; USD but where the name says otherwise."""

    qty: Decimal
    entry_price: float
    stop_price: float
    """The wished stop, moved off zones and round numbers."""
    unit_risk_usd: float
    risk_usd: float
    reward_r: float
    binding: str
    """The cap that bound."""
    caps: dict[str, float]
    """Every cap in coins, by name."""
    assumed: tuple[str, ...]
    """What was not known and stands in by configuration, in words."""


def affordable_qty(budget_usd: float, unit_usd: Callable[[float], float]) -> float:
    """Return the largest quantity that loses no more than `budget_usd`.

    `unit_usd` is the loss of one coin at a quantity; it never falls with the quantity.
    """
    if budget_usd <= 0.0:
        return 0.0
    low, high = 0.0, budget_usd / unit_usd(0.0)
    if high * unit_usd(high) <= budget_usd:
        return high
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        if middle * unit_usd(middle) <= budget_usd:
            low = middle
        else:
            high = middle
    return low
