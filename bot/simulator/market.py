"""The public side of one symbol: prices, funding, open interest and the book of others."""

from collections.abc import Iterator
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Final

import msgspec

from bot.domain.orders import OrderSide, TriggerBy
from bot.domain.units import NS_PER_S
from bot.simulator.dice import unit

HALF_SPREAD_BPS: Final = 0.1
STEP_BPS: Final = 0.5
_BPS: Final = 1e-4


class MarketState(msgspec.Struct, kw_only=True):
    """Where one market stands now; the exchange owns it, everybody else only reads.

    `stopping` is True while a triggered or forced order runs: fill models may treat it worse.
    Times are ns UTC, `funding_frac` is per `funding_interval_s`.
    """

    symbol: str
    tick: Decimal
    lot: Decimal
    funding_interval_s: int
    last: float = 0.0
    mark: float = 0.0
    index: float = 0.0
    event_ns: int = 0
    funding_frac: float = 0.0
    next_funding_ns: int = 0
    open_interest_qty: float = 0.0
    fast: bool = False
    stopping: bool = False
    low: float = 0.0
    high: float = 0.0

    def price_by(self, trigger_by: TriggerBy) -> float:
        """Return the price that a conditional order of this kind watches."""
        if trigger_by is TriggerBy.MARK:
            return self.mark
        return self.last if trigger_by is TriggerBy.LAST else self.index


def to_tick(price: float, tick: Decimal, side: OrderSide) -> Decimal:
    """Return `price` on the tick grid, rounded against an order of `side`."""
    rounding = ROUND_UP if side is OrderSide.BUY else ROUND_DOWN
    grid = (Decimal(repr(price)) / tick).to_integral_value(rounding) * tick
    return max(grid, tick)


def ladder(
    market: MarketState, side: OrderSide, reference: float, usd_per_bp: float, seed: int
) -> Iterator[tuple[float, float]]:
    """Yield (price, base quantity) that an order of `side` meets, from the best level on.

    Levels lie half a basis point apart around `reference` and hold `usd_per_bp` on average,
    thinner or thicker by a draw that depends on seed, second and level alone.
    """
    second = market.event_ns // NS_PER_S
    salt = (seed << 1) ^ (second << 12) ^ (side.sign & 1)
    level = 0
    while True:
        offset_bps = HALF_SPREAD_BPS + level * STEP_BPS
        price = reference * (1.0 + side.sign * offset_bps * _BPS)
        if price <= 0.0:
            return
        thickness = 0.4 + 1.2 * unit(salt + level * 7919)
        yield price, usd_per_bp * STEP_BPS * thickness / price
        level += 1


def depth(
    market: MarketState, levels: int, usd_per_bp: float, seed: int
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Return (bids, asks) of (price, base quantity) on the tick and lot grid, best first."""
    bids = _side(market, OrderSide.SELL, levels, usd_per_bp, seed)
    asks = _side(market, OrderSide.BUY, levels, usd_per_bp, seed)
    return bids, asks


def _side(
    market: MarketState, taker: OrderSide, levels: int, usd_per_bp: float, seed: int
) -> list[tuple[float, float]]:
    """Return what a taker of this side meets; prices strictly worsen from level to level."""
    out: list[tuple[float, float]] = []
    if market.last <= 0.0:
        return out
    tick, lot = float(market.tick), float(market.lot)
    for price, size in ladder(market, taker, market.last, usd_per_bp, seed):
        on_grid = float(to_tick(price, market.tick, taker))
        if out and taker.sign * (on_grid - out[-1][0]) < tick / 2.0:
            on_grid = float(to_tick(out[-1][0] + taker.sign * tick, market.tick, taker))
        out.append((on_grid, max(lot, round(int(size / lot) * lot, 8))))
        if len(out) >= levels:
            break
    return out
