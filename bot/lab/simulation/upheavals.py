"""Deeds of the market and the venue: jumps, vanished stops, ADL, transfers, changed contracts."""

from decimal import Decimal

import msgspec

from bot.domain.orders import OrderKind
from bot.lab.simulation.deed import Host, deed, leg_of
from bot.lab.simulation.faults import Fault
from bot.lab.simulation.world import ACCOUNT
from bot.simulator.exchange import ExchangeRefused

# ------------------------------------------------------------------ market


NEAR_FRAC, FAR_FRAC = 0.08, 0.30
"""Most that the price may jump to reach a stop: more is asked for by name only."""


@deed
def jump(run: Host, fault: Fault) -> None:
    """Let the price jump by `size`."""
    run.world.jump(fault.symbol, fault.size)


@deed
def through_the_stop(run: Host, fault: Fault) -> None:
    """Let the price jump `size` beyond the nearest stop of a held leg."""
    world = run.world
    leg = leg_of(world, fault)
    stops = world.exchange.resting(ACCOUNT, conditional=True)
    mine = [
        s.trigger
        for s in stops
        if leg is not None
        and s.request.symbol == leg.symbol
        and s.request.kind is OrderKind.STOP_MARKET
        and s.request.side is leg.side.exit
    ]
    if leg is None or not mine:
        return
    price = world.paths[leg.symbol].price
    nearest = max(mine) if leg.side.sign > 0 else min(mine)
    move = nearest / price - 1.0 - leg.side.sign * fault.size
    if abs(move) < (FAR_FRAC if fault.how == "far" else NEAR_FRAC):
        world.mark("through_the_stop")
        world.jump(leg.symbol, move)


@deed
def funding_jump(run: Host, fault: Fault) -> None:
    """Change interval and rate of funding."""
    world = run.world
    world.exchange.set_funding_interval(fault.symbol, 3_600 if fault.size > 0 else 28_800)
    world.exchange.market(fault.symbol).funding_frac = fault.size
    world.mark("funding_jump")


@deed
def vanish(run: Host, fault: Fault) -> None:
    """Let the venue end conditional orders without a word; "forgotten": it knows none of them."""
    world = run.world
    world.settle()
    if fault.how == "forgotten":
        stops = world.exchange.resting(ACCOUNT, conditional=True)
        world.forgotten |= {one.request.client_order_id for one in stops}
    gone = world.exchange.cancel_all(ACCOUNT, fault.symbol, conditional=True)
    world.exchange.drain()
    world.note(f"vanished {len(gone)} {fault.symbol}")
    world.silent_ns = world.now_ns
    for _ in gone:
        world.mark("stop_vanished")
    world.settle()


@deed
def reject_triggered(run: Host, fault: Fault) -> None:
    """End what hangs in TRIGGERING as rejected."""
    world = run.world
    found = world.at_venue(
        lambda: world.exchange.fail_triggering(ACCOUNT, fault.symbol, "-2019 after the trigger")
    )
    if found:
        world.mark("rejected_after_trigger")


@deed
def adl(run: Host, fault: Fault) -> None:
    """Let the venue deleverage a leg, by a share `size`."""
    world = run.world
    leg = leg_of(world, fault)
    if leg is None:
        return
    contract = world.exchange.instrument(leg.symbol)
    qty = contract.qty_down(leg.qty * Decimal(repr(round(fault.size, 3)))) or leg.qty
    price = contract.price_down(Decimal(repr(world.paths[leg.symbol].price)))
    world.at_venue(lambda: world.exchange.adl(ACCOUNT, leg.symbol, leg.side, qty, price))
    world.mark("adl")


@deed
def transfer(run: Host, fault: Fault) -> None:
    """Pay money in, or out when negative (USD)."""
    world = run.world
    amount = Decimal(repr(round(fault.size, 2)))
    try:
        world.at_venue(lambda: world.exchange.deposit(ACCOUNT, amount))
    except ExchangeRefused as refused:
        world.note(f"transfer refused {refused}")
        return
    world.mark("transfer")


@deed
def set_leverage(run: Host, fault: Fault) -> None:
    """Change the leverage of a symbol past the bot."""
    world = run.world
    try:
        world.at_venue(lambda: world.exchange.set_leverage(ACCOUNT, fault.symbol, int(fault.size)))
    except ExchangeRefused as refused:
        world.note(f"leverage refused {refused}")
        return
    world.mark("leverage_changed")


@deed
def hedge_mode(run: Host, fault: Fault) -> None:
    """Toggle the position mode, which the venue allows on an empty account only; and back."""
    world = run.world
    if world.exchange.legs(ACCOUNT):
        return
    world.settle()
    for symbol in world.symbols:
        for conditional in (True, False):
            world.exchange.cancel_all(ACCOUNT, symbol, conditional=conditional)
    try:
        world.exchange.set_hedge_mode(ACCOUNT, fault.how == "hedge")
        world.mark("position_mode_changed")
    except ExchangeRefused as refused:
        world.note(f"mode refused {refused}")
    world.settle()


@deed
def contract_changed(run: Host, fault: Fault) -> None:
    """Change tick and lot, or cut the tiers."""
    world = run.world
    contract = world.exchange.instrument(fault.symbol)
    if fault.how == "tiers":
        tiers = tuple(
            msgspec.structs.replace(tier, leverage_max=max(1.0, tier.leverage_max / 2.0))
            for tier in contract.tiers
        )
        changed = msgspec.structs.replace(contract, tiers=tiers)
    else:
        factor = Decimal(10) if fault.how == "coarser" else Decimal("0.1")
        changed = msgspec.structs.replace(contract, tick=contract.tick * factor)
    if not Decimal("0.001") <= changed.tick <= Decimal(10):
        return
    world.at_venue(lambda: world.exchange.set_contract(changed))
    world.contract_ns = world.now_ns
    world.mark("contract_changed")
