"""Deeds of humans: trades past the bot, cancels, settings, and the operator's words."""

from decimal import Decimal
from functools import partial
from typing import Final

from bot.domain.messages import Command
from bot.domain.orders import OrderKind, OrderSide, TriggerBy
from bot.domain.units import ZERO
from bot.lab.simulation.deed import Host, deed, leg_of
from bot.lab.simulation.faults import Fault
from bot.lab.simulation.world import ACCOUNT, World
from bot.simulator.terms import OrderRequest

HAND_USD: Final = 3_000.0


def _market(world: World, symbol: str, side: OrderSide, qty: Decimal, *, reduce: bool) -> bool:
    return world.by_hand(
        OrderRequest(
            symbol=symbol,
            side=side,
            kind=OrderKind.MARKET,
            qty=qty,
            client_order_id=world.hand_id(),
            reduce_only=reduce,
        )
    )


# ------------------------------------------------------------------ hands


@deed
def hand_close(run: Host, fault: Fault) -> None:
    """Close a leg, or a share `size` of it, past the bot."""
    leg = leg_of(run.world, fault)
    if leg is None:
        return
    contract = run.world.exchange.instrument(leg.symbol)
    qty = contract.qty_down(leg.qty * Decimal(repr(round(fault.size, 3))))
    qty = qty if qty > ZERO else leg.qty
    if _market(run.world, leg.symbol, leg.side.exit, qty, reduce=True):
        run.world.mark("hand_close" if qty == leg.qty else "hand_part")


@deed
def hand_open(run: Host, fault: Fault) -> None:
    """Open or add to a position past the bot, of `size` times an ordinary one."""
    world = run.world
    contract = world.exchange.instrument(fault.symbol)
    qty = contract.qty_down(Decimal(repr(HAND_USD * fault.size / world.paths[fault.symbol].price)))
    side = OrderSide.BUY if fault.how == "buy" else OrderSide.SELL
    if qty > ZERO and _market(world, fault.symbol, side, qty, reduce=False):
        world.mark("hand_open")


@deed
def hand_limit(run: Host, fault: Fault) -> None:
    """Rest a foreign limit order far away, or a foreign stop beside ours."""
    world = run.world
    contract = world.exchange.instrument(fault.symbol)
    price = world.paths[fault.symbol].price
    qty = contract.qty_down(Decimal(repr(HAND_USD / price)))
    below = contract.price_down(Decimal(repr(price * 0.97)))
    if world.by_hand(
        OrderRequest(
            symbol=fault.symbol, side=OrderSide.BUY, kind=OrderKind.LIMIT, qty=qty,
            client_order_id=world.hand_id(), price=below,
        )
    ):  # fmt: skip
        world.mark("foreign_order")


@deed
def hand_stop(run: Host, fault: Fault) -> None:
    """Rest a foreign reduce-only stop by the last price, `size` away, on side `how`."""
    world = run.world
    contract = world.exchange.instrument(fault.symbol)
    price = world.paths[fault.symbol].price
    side = OrderSide.BUY if fault.how == "buy" else OrderSide.SELL
    if world.by_hand(
        OrderRequest(
            symbol=fault.symbol,
            side=side,
            kind=OrderKind.STOP_MARKET,
            qty=contract.qty_down(Decimal(repr(HAND_USD * 3.0 / price))),
            client_order_id=world.hand_id(),
            reduce_only=True,
            trigger_price=contract.price_down(
                Decimal(repr(price * (1.0 + side.sign * fault.size)))
            ),
            trigger_by=TriggerBy.LAST,
        )
    ):
        world.mark("foreign_stop")


@deed
def hand_cancels(run: Host, fault: Fault) -> None:
    """Cancel our stops by hand: the venue tells of it."""
    world = run.world
    for stop in world.exchange.resting(ACCOUNT, conditional=True):
        if stop.request.symbol == fault.symbol and stop.request.client_order_id.startswith("bw"):
            order_id = stop.venue_order_id
            world.at_venue(
                lambda order_id=order_id: world.exchange.cancel(  # type: ignore[misc]
                    ACCOUNT, fault.symbol, venue_order_id=order_id, conditional=True
                )
            )
            world.mark("hand_cancel")


# ------------------------------------------------------------------ operator


@deed
def command(run: Host, fault: Fault) -> None:
    """Let the operator say something; `how` is the command, `chance` below one says it twice."""
    world, life = run.world, run.life
    if life is None or life.dead or not life.ready:
        return
    run.commands += 1
    args = {"fraction": "0.5"} if fault.how == "reduce" else {}
    if fault.how == "rearm":
        args = {"code": run.rearm_code()}
    now_ns = world.now_ns + world.host_skew_ns
    word = Command(
        command_id=f"op-{world.seed}-{run.commands}",
        name=fault.how,
        args=args,
        operator="sim",
        event_ns=now_ns,
        received_ns=now_ns,
    )
    world.note(f"command {fault.how}")
    world.mark(f"command_{fault.how}")
    life.command(word)
    if fault.size > 0.0:
        world.mark("command_twice")
        world.timeline.after(fault.size, partial(_say_again, run, word))


def _say_again(run: Host, word: Command) -> None:
    if run.life is not None:
        run.life.command(word)
