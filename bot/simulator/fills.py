"""How an order meets the market: against a book of depth, or against a bar."""

from decimal import ROUND_DOWN, Decimal
from typing import Final, Literal, Protocol

from bot.domain.orders import OrderSide
from bot.domain.units import ZERO
from bot.simulator.dice import Dice
from bot.simulator.market import MarketState, ladder, to_tick

Fills = list[tuple[Decimal, Decimal]]
StopFill = Literal["touch", "gap", "low"]

_BPS: Final = 1e-4
LEVELS_MAX: Final = 400
BEYOND_BOOK_FRAC: Final = 0.01
"""What is left over after the last level fills this much worse than it."""
GAP_SCALE_FRAC: Final = 0.003
GAP_SHAPE: Final = 0.35
GAP_CHANCE_CALM: Final = 0.02
GAP_CAP_FRAC: Final = 0.10
"""Generalized Pareto law of the overshoot past a stop; the cap bounds its tail."""


class FillModel(Protocol):
    """What decides price and size of executions; `state` is all the chance it has left."""

    state: int

    def fills(
        self,
        side: OrderSide,
        qty: Decimal,
        reference: float,
        limit: float | None,
        market: MarketState,
        fast: bool,  # noqa: FBT001 - the contract of the simulator's rooms
    ) -> Fills:
        """Return (price, quantity) pairs, best first; less than `qty` only with a limit."""
        ...


def _better(side: OrderSide, price: float, limit: float) -> bool:
    return price <= limit if side is OrderSide.BUY else price >= limit


class DepthModel:
    """Walks a seeded ladder of `depth_usd_per_bp`, thinned to `fast_depth_frac` when fast."""

    def __init__(
        self, *, seed: int = 1, depth_usd_per_bp: float = 200_000.0, fast_depth_frac: float = 0.1
    ) -> None:
        self.seed = seed
        self.state = 0
        self.depth_usd_per_bp = depth_usd_per_bp
        self.fast_depth_frac = fast_depth_frac

    def usd_per_bp(self, *, fast: bool) -> float:
        """Return the depth in USD per basis point in this state of the market."""
        return self.depth_usd_per_bp * (self.fast_depth_frac if fast else 1.0)

    def fills(
        self,
        side: OrderSide,
        qty: Decimal,
        reference: float,
        limit: float | None,
        market: MarketState,
        fast: bool,  # noqa: FBT001
    ) -> Fills:
        """Return executions level by level; see FillModel."""
        out: Fills = []
        left = qty
        price = reference
        rungs = ladder(market, side, reference, self.usd_per_bp(fast=fast), self.seed)
        for _ in range(LEVELS_MAX):
            price, size = next(rungs, (price, 0.0))
            exact = to_tick(price, market.tick, side)
            if limit is not None and not _better(side, float(exact), limit):
                return out
            lots = (Decimal(repr(size)) / market.lot).to_integral_value(ROUND_DOWN) * market.lot
            taken = min(left, max(lots, market.lot))
            _add(out, exact, taken)
            left -= taken
            if left <= ZERO:
                return out
        worst = price * (1.0 + side.sign * BEYOND_BOOK_FRAC)
        if limit is None or _better(side, worst, limit):
            _add(out, to_tick(worst, market.tick, side), left)
        return out


class BarModel:
    """Fills against a bar: the reference less slippage, with a policy of its own for stops.

    `touch`: reference less 5 bp (30 bp when fast). `gap`: a drawn overshoot on top. `low`: when
    fast, the bar's worst price. Market orders always take the slippage alone. An order so large
    that eating through the book of `depth_usd_per_bp` would cost more on average pays that
    instead; the book is `fast_depth_frac` as deep when fast, and endless where there is no
    slippage at all.
    """

    def __init__(
        self,
        *,
        stop_fill: StopFill = "touch",
        slip_calm_bps: float = 5.0,
        slip_fast_bps: float = 30.0,
        seed: int = 1,
        depth_usd_per_bp: float = 200_000.0,
        fast_depth_frac: float = 0.1,
    ) -> None:
        self.depth_usd_per_bp = depth_usd_per_bp
        self.fast_depth_frac = fast_depth_frac
        self.stop_fill = stop_fill
        self.slip_calm_bps = slip_calm_bps
        self.slip_fast_bps = slip_fast_bps
        self._dice = Dice(seed)

    @property
    def state(self) -> int:
        """The state of the draw."""
        return self._dice.state

    @state.setter
    def state(self, value: int) -> None:
        self._dice.state = value

    def fills(
        self,
        side: OrderSide,
        qty: Decimal,
        reference: float,
        limit: float | None,
        market: MarketState,
        fast: bool,  # noqa: FBT001
    ) -> Fills:
        """Return one execution, or none when the limit is not met; see FillModel."""
        if limit is not None and not _better(side, reference, limit):
            return []
        usual = (self.slip_fast_bps if fast else self.slip_calm_bps) * _BPS
        eaten = self._eaten_frac(float(qty) * reference, fast=fast) if usual > 0.0 else 0.0
        slip = max(usual, eaten)
        base = reference
        if market.stopping:
            slip += self._overshoot(fast=fast)
            base = self._bar_worst(side, reference, market, fast=fast)
        price = to_tick(base * (1.0 + side.sign * slip), market.tick, side)
        if limit is not None and not _better(side, float(price), limit):
            price = to_tick(limit, market.tick, side)
        return [(price, qty)]

    def _eaten_frac(self, notional_usd: float, *, fast: bool) -> float:
        """Return the mean slippage of eating through a book of even depth, as a share of price."""
        depth = self.depth_usd_per_bp * (self.fast_depth_frac if fast else 1.0)
        return 0.5 * notional_usd / depth * _BPS

    def _overshoot(self, *, fast: bool) -> float:
        if self.stop_fill != "gap":
            return 0.0
        if not fast and self._dice.roll() >= GAP_CHANCE_CALM:
            return 0.0
        tail: float = (1.0 - self._dice.roll()) ** -GAP_SHAPE - 1.0
        return min(GAP_CAP_FRAC, GAP_SCALE_FRAC / GAP_SHAPE * tail)

    def _bar_worst(
        self, side: OrderSide, reference: float, market: MarketState, *, fast: bool
    ) -> float:
        if self.stop_fill != "low" or not fast:
            return reference
        if side is OrderSide.SELL:
            return min(reference, market.low) if market.low > 0.0 else reference
        return max(reference, market.high)


def _add(out: Fills, price: Decimal, qty: Decimal) -> None:
    if out and out[-1][0] == price:
        out[-1] = (price, out[-1][1] + qty)
    else:
        out.append((price, qty))
