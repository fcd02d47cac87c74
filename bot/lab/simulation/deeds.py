"""Faults that are deeds: what humans, the venue and the host do in an instant."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Final, Protocol

import msgspec

from bot.domain.messages import Command
from bot.domain.orders import OrderKind, OrderSide
from bot.domain.units import NS_PER_S, ZERO
from bot.lab.simulation.faults import Fault
from bot.lab.simulation.life import Life
from bot.lab.simulation.world import ACCOUNT, World
from bot.simulator.accounts import Leg
from bot.simulator.exchange import ExchangeRefused
from bot.simulator.terms import OrderRequest


class Host(Protocol):
    """The run as deeds see it."""

    world: World
    life: Life | None
    commands: int
    down_s: float
    asked_ns: int

    def rearm_code(self) -> str:
        """Return what the operator must repeat to open a latch."""
        ...

    def give_up(self, life: Life) -> None:
        """Kill what does not end in order."""
        ...


Deed = Callable[[Host, Fault], None]
DEEDS: Final[dict[str, Deed]] = {}
HAND_USD: Final = 3_000.0
DEATHBED_S: Final = 120.0
"""A process that was told to end in order and has not after this is killed."""
KILL_WAITS_S: Final = 90.0


def deed(function: Deed) -> Deed:
    """Make a function the deed of its name."""
    DEEDS[function.__name__] = function
    return function


def _leg(world: World, fault: Fault) -> Leg | None:
    """Return the held leg a fault is about: of its symbol, else any."""
    legs = world.exchange.legs(ACCOUNT)
    of_symbol = [leg for leg in legs if leg.symbol == fault.symbol]
    found = of_symbol or legs
    return found[0] if found else None


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


# ------------------------------------------------------------------ market


@deed
def jump(run: Host, fault: Fault) -> None:
    """Let the price jump by `size`."""
    run.world.jump(fault.symbol, fault.size)


@deed
def through_the_stop(run: Host, fault: Fault) -> None:
    """Let the price jump `size` beyond the nearest stop of a held leg."""
    world = run.world
    leg = _leg(world, fault)
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
    if abs(move) < 0.08:
        world.mark("through_the_stop")
        world.jump(leg.symbol, move)


@deed
def funding_jump(run: Host, fault: Fault) -> None:
    """Change interval and rate of funding."""
    world = run.world
    world.exchange.set_funding_interval(fault.symbol, 3_600 if fault.size > 0 else 28_800)
    world.exchange.market(fault.symbol).funding_frac = fault.size
    world.mark("funding_jump")


# ------------------------------------------------------------------ hands


@deed
def hand_close(run: Host, fault: Fault) -> None:
    """Close a leg, or a share `size` of it, past the bot."""
    leg = _leg(run.world, fault)
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


@deed
def vanish(run: Host, fault: Fault) -> None:
    """Let the venue forget conditional orders without a word."""
    world = run.world
    world.settle()
    gone = world.exchange.cancel_all(ACCOUNT, fault.symbol, conditional=True)
    world.exchange.drain()
    world.note(f"vanished {len(gone)} {fault.symbol}")
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
    leg = _leg(world, fault)
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
    world.mark("contract_changed")


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


# ------------------------------------------------------------------ host


@deed
def kill(run: Host, fault: Fault) -> None:
    """Kill the process now, or at the next crossing of border `how`; it is away for `size` s."""
    life = run.life
    if life is None or life.dead:
        return
    run.down_s = fault.size
    if not fault.how:
        life.kill("now")
        return
    life.kill_at = fault.how
    run.world.timeline.after(KILL_WAITS_S, partial(_forget, life, fault.how))


def _forget(life: Life, border: str) -> None:
    if life.kill_at == border:
        life.kill_at = ""


@deed
def stop(run: Host, fault: Fault) -> None:
    """Tell the process to end in order (SIGTERM)."""
    life = run.life
    if life is not None and life.parts is not None and not life.dead:
        run.down_s = fault.size
        run.asked_ns = run.world.now_ns
        run.world.mark("ordered_stop")
        life.parts.stop.set()
        run.world.timeline.after(DEATHBED_S, lambda: run.give_up(life))


@deed
def block(run: Host, fault: Fault) -> None:
    """Let the event loop stand still for `size` seconds; the world goes on."""
    world = run.world
    if run.life is None or run.life.dead:
        return
    world.mark("loop_blocked")
    world.excused_ns = world.now_ns + round(fault.size * NS_PER_S)
    world.timeline.pass_until(world.excused_ns)


@deed
def clock_step(run: Host, fault: Fault) -> None:
    """Set the host's wall clock wrong by `size` seconds (0: right again)."""
    run.world.host_skew_ns = round(fault.size * NS_PER_S)
    run.world.mark("clock_step")
    run.world.note(f"clock {fault.size}")


# ------------------------------------------------------------------ windows with a beginning


def open_window(run: Host, fault: Fault) -> None:
    """Put a window in force, with what its beginning tells."""
    run.world.board.open(fault)
    run.world.note(f"fault {fault.kind} {fault.how} for {fault.for_s}")
    life = run.life
    if fault.kind == "stuck_triggering":
        run.world.exchange.stick_triggering(fault.symbol, True)
    elif life is not None and fault.kind in ("user_down", "market_down"):
        life.tell_stream(fault.kind.split("_", 1)[0], "connection lost", live=False)
    elif life is not None and fault.kind == "outage":
        for name in ("user", "market"):
            life.tell_stream(name, "connection lost", live=False)


def close_window(run: Host, fault: Fault) -> None:
    """Lift a window, with what its end tells."""
    run.world.board.close(fault)
    life = run.life
    if fault.kind == "stuck_triggering":
        run.world.exchange.stick_triggering(fault.symbol, False)
    if life is None or life.dead:
        return
    names: tuple[str, ...] = ()
    if fault.kind in ("user_down", "market_down", "user_silent", "market_silent"):
        names = (fault.kind.split("_", 1)[0],)
    elif fault.kind == "outage":
        names = ("user", "market")
    for name in names:
        if fault.kind.endswith("_silent"):
            life.tell_stream(name, "silent: connecting anew", live=False)
        if life.hears(name):
            life.tell_stream(name, "connected again", live=True)
