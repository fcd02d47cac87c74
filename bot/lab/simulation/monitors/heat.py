"""Invariant 7: what all stops together may cost, and what one may, when an entry leaves.

By code of its own, from the exchange's legs and stops; risks of several positions are added, which
is never less than any joint risk of them.
"""

from typing import Final, NamedTuple

from bot.domain.orders import ApprovedOrder, OrderKind
from bot.kernel.snapshot import leg_key
from bot.lab.simulation.life import Life
from bot.lab.simulation.world import ACCOUNT, World

SLACK: Final = 1.1
"""Costs and the way of the price between decision and sending."""


class Shares(NamedTuple):
    """What one stop and all stops may cost at an entry, as shares of the most that they may."""

    own: float
    total: float


def shares_of(world: World, life: Life, order: ApprovedOrder) -> Shares | None:
    """Return how near an entry comes to both limits; None: it is no strategy's."""
    state, sizing = life.kernel.state, life.kernel.policy.sizing
    leg = state.legs.get(leg_key(order.symbol, order.position_side))
    if leg is None or leg.trade is None or leg.foreign:
        return None
    mark = world.exchange.market(order.symbol).mark
    equity_usd = float(world.exchange.wallet_usd(ACCOUNT)) + _open_usd(world)
    own_usd = float(order.qty) * abs(mark - leg.trade.stop_price)
    total_usd = own_usd + _held_usd(world, life)
    return Shares(
        own_usd / (sizing.risk_frac * equity_usd), total_usd / (sizing.heat_max_frac * equity_usd)
    )


def flaw_of(shares: Shares, client_order_id: str) -> str:
    """Return what is wrong with the risk of an entry; empty: nothing."""
    if shares.own > SLACK:
        return f"one stop costs too much: {client_order_id} {shares.own:.2f} of its most"
    if shares.total > SLACK:
        return f"all stops cost too much: {client_order_id} {shares.total:.2f} of their most"
    return ""


def _open_usd(world: World) -> float:
    return sum(
        leg.side.sign * float(leg.qty)
        * (world.exchange.market(leg.symbol).mark - float(leg.entry_price))
        for leg in world.exchange.legs(ACCOUNT)
    )  # fmt: skip


def _held_usd(world: World, life: Life) -> float:
    """Return what the stops of the strategies' legs would cost from here."""
    total = 0.0
    stops = world.exchange.resting(ACCOUNT, conditional=True)
    for held in world.exchange.legs(ACCOUNT):
        leg = life.kernel.state.legs.get(leg_key(held.symbol, held.side))
        if leg is None or leg.trade is None or leg.foreign:
            continue
        mark = world.exchange.market(held.symbol).mark
        mine = [
            stop.trigger
            for stop in stops
            if stop.request.symbol == held.symbol
            and stop.request.kind is OrderKind.STOP_MARKET
            and stop.request.side is held.side.exit
        ]
        sign = held.side.sign
        # how long a leg may be bare is judged elsewhere: here its plan is what it may cost
        fall = min(sign * (mark - t) for t in (*mine, leg.trade.stop_price))
        total += float(held.qty) * max(fall, 0.0)
    return total
