"""Faults found by reading and by the world machine: one minimal failing case each."""

from decimal import Decimal

import msgspec
import pytest

from bot.domain import messages as m
from bot.domain.market import FeedStatus, MarkPrice
from bot.domain.orders import (
    OrderKind,
    OrderSide,
    OrderState,
    OrderStatus,
    PositionSide,
    Purpose,
    TriggerBy,
)  # fmt: skip
from bot.kernel.gate import _send
from bot.kernel.guard import drawdown_frac
from bot.kernel.snapshot import Leg, leg_key
from bot.kernel.step import Kernel
from tests.fakes.kernel_world import (
    BTC,
    CONTRACT,
    World,
    orders_of,
    policy,
    position,
    snapshot,
)  # fmt: skip
from tests.fakes.market_world import ETH, ETHER

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def leg_of(world: World, side: PositionSide = LONG):
    return world.kernel.state.legs[leg_key(BTC, side)]


def order_state(order, status: OrderStatus, ns: int, filled: str = "0") -> OrderState:
    return OrderState(
        client_order_id=order.client_order_id, venue_order_id="v1", symbol=order.symbol,
        side=order.side, kind=order.kind, status=status, qty=order.qty,
        filled_qty=Decimal(filled), reduce_only=order.reduce_only, close_position=False,
        event_ns=ns, trigger_price=order.trigger_price, trigger_by=order.trigger_by,
    )  # fmt: skip


def a_fill(world: World, side: OrderSide, qty: str, price: str, ns: int, *, cid: str = "hand1",
           pnl: str = "0", fee: str = "0", tid: str = "1") -> m.Fill:  # fmt: skip
    return m.Fill(
        symbol=BTC, trade_id=tid, client_order_id=cid, venue_order_id="9", side=side,
        position_side=None, qty=Decimal(qty), price=Decimal(price), fee_usd=Decimal(fee),
        realized_pnl_usd=Decimal(pnl), is_maker=False, event_ns=ns, received_ns=ns,
    )  # fmt: skip


def working_stop(world: World, effects) -> object:
    """Accept the stop among `effects`; return its approved order."""
    stop = orders_of(effects, Purpose.STOP)[-1]
    ns = world.later(0.05)
    world.step(m.OrderUpdate(ns, ns, order_state(stop, OrderStatus.WORKING, ns)))
    return stop


def held_long(world: World, qty: str = "0.1") -> object:
    effects = world.account(positions=[position(LONG, qty, "76000", ns=world.now_ns)])
    return working_stop(world, effects)


def wallet(world: World, usd: str, cause: str, ns: int, change: str | None = None):
    delta = Decimal(change) if change is not None else None
    return world.step(m.WalletUpdate(ns, ns, Decimal(usd), delta, cause))


def flat_by_stop(world: World, stop, *, position_first: bool) -> None:
    """The floor stop fills at a loss of 19 % of 10,000 USD."""
    ns = world.later(1)
    world.step(MarkPrice(BTC, ns, ns, 57_000.0, 57_000.0))
    ns = world.later(0.1)
    told = m.PositionUpdate(ns, ns, position(LONG, "0", "0", ns=ns))
    done = a_fill(world, OrderSide.SELL, str(stop.qty), "57000", ns,
                  cid=stop.client_order_id, pnl="-1900", tid="77")  # fmt: skip
    for event in (told, done) if position_first else (done, told):
        world.step(event)
    wallet(world, "8100", "ORDER", ns, "-1900")


# --------------------------------------------------------------- 1, 2: the latch is missed


@pytest.mark.parametrize("position_first", [False, True])
def test_the_floor_stop_latches_in_whatever_order_its_news_come(position_first: bool) -> None:
    world = World()
    stop = held_long(world)
    flat_by_stop(world, stop, position_first=position_first)
    assert drawdown_frac(world.kernel.state) >= 0.189
    assert world.kernel.state.latched


def test_the_floor_stop_latches_on_a_leg_that_a_reading_revived() -> None:
    world = World()
    old = held_long(world)
    ns = world.later(1)
    world.step(a_fill(world, OrderSide.SELL, "0.1", "76000", ns, tid="5"))
    world.step(m.OrderUpdate(ns, ns, order_state(old, OrderStatus.CANCELLED, ns)))
    world.step(m.PositionUpdate(ns, ns, position(LONG, "0", "0", ns=ns)))
    wallet(world, "10000", "ORDER", ns)
    world.later(30)
    world.account()
    stop = held_long(world)  # opened by hand while the stream was silent: seen by a reading only
    flat_by_stop(world, stop, position_first=False)
    assert world.kernel.state.latched


# --------------------------------------------------------------- 3: transfers


def test_a_deposit_told_twice_moves_the_peak_once() -> None:
    world = World()
    held_long(world)
    world.mark(76_000.0)
    ns = world.later(1)
    for _ in range(2):
        wallet(world, "15000", "DEPOSIT", ns, "5000")
    world.mark(76_000.0)
    assert world.kernel.state.anchors.high_water_usd == pytest.approx(15_000.0)
    assert not world.kernel.state.latched


def test_a_withdrawal_first_seen_by_a_reading_is_no_loss() -> None:
    world = World()
    held_long(world)
    world.mark(76_000.0)
    held = [position(LONG, "0.1", "76000", ns=world.now_ns - 10**9)]
    at_ns = world.now_ns
    effects = world.account("7000", held)  # 3,000 USD were taken out
    effects += wallet(world, "7000", "WITHDRAW", at_ns + 1, "-3000")  # its own news come late
    effects += world.mark(76_000.0)
    assert not world.kernel.state.latched
    assert orders_of(effects, Purpose.FLATTEN) == []


# --------------------------------------------------------------- 4: the user's quantity


@pytest.mark.parametrize("first", ["fill", "position", "reading"])
def test_the_users_quantity_is_counted_once(first: str) -> None:
    world = World()
    world.account()
    ns = world.later(1)
    fill = a_fill(world, OrderSide.BUY, "0.1", "76000", ns)
    told = m.PositionUpdate(ns, ns, position(LONG, "0.1", "76000", ns=ns))
    reading = snapshot("10000", [position(LONG, "0.1", "76000", ns=ns)], [], ns)
    orders = {"fill": (fill, told), "position": (told, fill), "reading": (reading, fill)}
    for event in orders[first]:
        world.step(event)
    assert leg_of(world).user_qty == Decimal("0.1")


def test_a_hand_flip_leaves_the_new_quantity_alone() -> None:
    world = World()
    held_long(world)
    ns = world.later(1)
    world.step(m.PositionUpdate(ns, ns, position(LONG, "0", "0", ns=ns)))
    world.step(m.PositionUpdate(ns, ns, position(SHORT, "0.1", "76000", ns=ns)))
    world.step(a_fill(world, OrderSide.SELL, "0.2", "76000", ns, tid="8"))
    assert leg_of(world, SHORT).user_qty == Decimal("0.1")


# --------------------------------------------------------------- 5: four stops, none cancelled


def test_four_old_stops_do_not_silence_protection() -> None:
    """Each change of the loss budget re-prices the stop; every cancel is refused."""
    world = World()
    held_long(world)
    usd = 10_000
    for _ in range(6):
        usd += 1_000
        wallet(world, str(usd), "ORDER", world.later(300), "1000")
        effects = world.candle(76_000.0, 76_000.0, 76_000.0, 76_000.0)
        for stop in orders_of(effects, Purpose.STOP):
            ns = world.later(0.1)
            world.step(m.OrderUpdate(ns, ns, order_state(stop, OrderStatus.WORKING, ns)))
    ns = world.later(600)
    effects = world.step(a_fill(world, OrderSide.BUY, "0.02", "76000", ns, tid="9"))
    effects += world.candle(76_000.0, 76_000.0, 76_000.0, 76_000.0)
    asked = [e for e in effects if isinstance(e, m.CancelOrder)]
    assert asked or orders_of(effects, Purpose.STOP)


# --------------------------------------------------------------- 6: venue is the authority


def test_an_order_shown_by_a_reading_lives_whatever_was_believed() -> None:
    world = World()
    stop = held_long(world)
    ns = world.later(5)
    world.step(m.OrderNotFound(ns, ns, stop.client_order_id))  # a hiccup of the venue
    shown = order_state(stop, OrderStatus.WORKING, ns)
    world.account(positions=[position(LONG, "0.1", "76000", ns=ns)], orders=[shown])
    assert world.kernel.state.orders[stop.client_order_id].status is OrderStatus.WORKING


def test_a_duplicate_id_means_the_order_exists() -> None:
    world = World()
    effects = world.account(positions=[position(LONG, "0.1", "76000", ns=world.now_ns)])
    stop = orders_of(effects, Purpose.STOP)[0]
    ns = world.later(0.5)
    world.step(m.OrderOutcomeUnknown(ns, ns, stop.client_order_id, "timeout"))
    world.step(m.OrderRefused(ns, ns, stop.client_order_id, "-4116", "duplicated"))
    assert world.kernel.state.orders[stop.client_order_id].status.is_live


# --------------------------------------------------------------- 7: latched is flat


def test_latched_closes_what_a_hand_opens() -> None:
    world = World()
    stop = held_long(world)
    ns = world.later(1)
    world.step(MarkPrice(BTC, ns, ns, 57_600.0, 57_600.0))
    world.step(a_fill(world, OrderSide.SELL, str(stop.qty), "57600", ns,
                      cid=stop.client_order_id, pnl="-1840", tid="77"))  # fmt: skip
    wallet(world, "8160", "ORDER", ns, "-1840")
    assert world.kernel.state.latched
    ns = world.later(60)
    effects = world.step(a_fill(world, OrderSide.BUY, "0.01", "57600", ns, tid="78"))
    effects += world.mark(57_600.0)
    assert orders_of(effects, Purpose.FLATTEN) or orders_of(effects, Purpose.CUT)


# --------------------------------------------------------------- 8: restart


def test_a_restart_tries_a_stop_before_it_closes() -> None:
    world = World()
    world.account(positions=[position(LONG, "0.1", "76000", ns=world.now_ns)])  # stop in flight
    blob = world.kernel.freeze()
    again = World()
    again.kernel = Kernel(policy(), [], "test0002")
    again.kernel.restore_account(blob)
    again.now_ns = world.now_ns + 60 * 10**9
    ns = again.now_ns
    again.step(m.Started(run_id="test0002", event_ns=ns, received_ns=ns))
    again.step(m.InstrumentsLoaded(ns, ns, (CONTRACT,)))
    again.account(positions=[position(LONG, "0.1", "76000", ns=world.now_ns)])
    effects = again.mark(76_000.0)
    assert orders_of(effects, Purpose.STOP)
    assert not orders_of(effects, Purpose.FLATTEN)


# --------------------------------------------------------------- 9: hedge mode


def test_an_adopted_closing_order_of_hedge_mode_is_no_entry() -> None:
    world = World()
    ns = world.later(1)
    shown = OrderState(
        client_order_id="bwold-1-1", venue_order_id="5", symbol=BTC, side=OrderSide.SELL,
        kind=OrderKind.STOP_MARKET, status=OrderStatus.WORKING, qty=Decimal("0.1"),
        filled_qty=Decimal(0), reduce_only=False, close_position=False, event_ns=ns,
        position_side=LONG, trigger_price=Decimal(70_000), trigger_by=TriggerBy.MARK,
    )  # fmt: skip
    world.account(orders=[shown])
    assert world.kernel.state.orders["bwold-1-1"].purpose is Purpose.STOP


# --------------------------------------------------------------- 10: churn under refusals


def test_refused_reductions_back_off() -> None:
    world = World()
    effects = world.account(positions=[position(LONG, "0.1", "76000", ns=world.now_ns)])
    sent = 0
    for _ in range(240):  # a minute: four marks a second and the timer
        fresh = orders_of(effects)
        sent += len(fresh)
        effects = []
        for order in fresh:
            ns = world.later(0.01)
            effects += world.step(
                m.OrderRefused(ns, ns, order.client_order_id, "-4005", "Quantity too large")
            )
        effects += world.mark(76_000.0, after_s=0.25)
        effects += world.step(m.TimerFired("second", world.now_ns, world.now_ns))
    assert sent <= 40


def test_a_leg_above_the_market_maximum_is_closed_in_parts() -> None:
    world = World()
    effects = world.account("100000000", [position(LONG, "150", "76000", ns=world.now_ns)])
    for order in orders_of(effects):
        assert order.qty <= CONTRACT.market_qty_max


# --------------------------------------------------------------- 11: the peak


def test_a_position_told_before_its_wallet_does_not_raise_the_peak() -> None:
    world = World(mark=70_000.0)
    held = position(LONG, "0.1", "76000", ns=world.now_ns)
    working_stop(world, world.account("10000", [held]))
    world.mark(70_000.0)
    assert world.kernel.state.anchors.high_water_usd == pytest.approx(9_400.0)
    ns = world.later(1)
    world.step(m.PositionUpdate(ns, ns, position(LONG, "0.05", "76000", ns=ns)))
    world.step(a_fill(world, OrderSide.SELL, "0.05", "70000", ns, pnl="-300"))
    wallet(world, "9700", "ORDER", ns, "-300")
    assert world.kernel.state.anchors.high_water_usd == pytest.approx(9_400.0)


# --------------------------------------------------------------- 12: nothing raises


@pytest.mark.parametrize("where", ["command", "refused", "feed"])
def test_text_that_is_no_unicode_does_not_end_the_run(where: str) -> None:
    world = World()
    effects = world.account(positions=[position(LONG, "0.1", "76000", ns=world.now_ns)])
    ns = world.later(1)
    stop = orders_of(effects, Purpose.STOP)[0]
    bad = "\ud800"
    world.step({
        "command": m.Command(command_id="1", name=bad, args={}, operator="o", event_ns=ns,
                             received_ns=ns),
        "refused": m.OrderRefused(ns, ns, stop.client_order_id, "-1", bad),
        "feed": FeedStatus("market", BTC, ns, ns, False, bad),
    }[where])  # fmt: skip


def test_an_empty_fill_does_not_end_the_run() -> None:
    world = World()
    world.account()
    world.step(a_fill(world, OrderSide.BUY, "0", "76000", world.later(1)))


def test_a_first_close_of_zero_does_not_end_the_run() -> None:
    world = World()
    world.candle(0.0, 0.0, 0.0, 0.0)
    world.candle(76_000.0, 76_000.0, 76_000.0, 76_000.0)


# --------------------------------------------------------------- 13: isolation


def test_a_position_without_a_price_does_not_switch_the_floor_off() -> None:
    world = World()
    other = msgspec.structs.replace(
        position(LONG, "10", "1", ns=world.now_ns), symbol="DOGE/USDT:USDT"
    )
    effects = world.account(positions=[position(LONG, "0.1", "76000", ns=world.now_ns), other])
    working_stop(world, effects)
    effects = world.mark(55_000.0)  # 21 % lost: far through the floor, the stop hangs
    assert world.kernel.state.latched
    for _ in range(5):
        effects += world.mark(55_000.0)
    assert orders_of(effects, Purpose.FLATTEN)


# --------------------------------------------------------------- 14: a pending entry's plan


def test_hedge_flag_follows_the_account() -> None:
    """The leg was made by an entry that never filled."""
    from bot.domain.orders import OrderDraft

    world = World()
    world.kernel.state.hedge_mode = True
    world.kernel.state.legs[leg_key(BTC, LONG)] = Leg(symbol=BTC, side=LONG)
    draft = OrderDraft(symbol=BTC, side=OrderSide.BUY, position_side=LONG, kind=OrderKind.MARKET,
                       purpose=Purpose.ENTRY, qty=Decimal("0.01"), reason="x")  # fmt: skip
    world.kernel.desk.effects = []
    _send(world.kernel.desk, draft, "")
    assert orders_of(world.kernel.desk.effects)[0].hedged


# --------------------------------------------------------------- 15: unexplained for ever


def test_a_loss_that_no_new_ledger_row_explains_ends_in_the_latch() -> None:
    """Closed at a loss while we were away; its rows were read at the start, none comes later."""
    world = World()
    world.account()
    world.mark(76_000.0)
    world.account("7000")
    for _ in range(600):
        world.mark(76_000.0)
        world.step(m.TimerFired("second", world.now_ns, world.now_ns))
        if world.now_ns // 10**9 % 5 == 0:
            world.account("7000")
    assert world.kernel.state.latched


def test_two_equal_transfers_within_a_minute_are_two() -> None:
    world = World()
    world.account()
    world.mark(76_000.0)
    wallet(world, "8500", "WITHDRAW", world.later(1), "-1500")
    wallet(world, "7000", "WITHDRAW", world.later(20), "-1500")
    world.mark(76_000.0)
    assert world.kernel.state.anchors.high_water_usd == pytest.approx(7_000.0)


# --------------------------------------------------------------- 17, 18


def test_a_wallet_told_before_its_position_does_not_count_the_gain_twice() -> None:
    world = World()
    held_long(world)
    world.mark(80_000.0)
    assert world.kernel.state.anchors.high_water_usd == pytest.approx(10_400.0)
    ns = world.later(1)
    wallet(world, "10400", "ORDER", ns, "400")
    world.step(m.PositionUpdate(ns, ns, position(LONG, "0", "0", ns=ns)))
    world.step(a_fill(world, OrderSide.SELL, "0.1", "80000", ns, pnl="400"))
    world.mark(80_000.0)
    assert world.kernel.state.anchors.high_water_usd == pytest.approx(10_400.0)


def test_two_legs_closed_in_one_instant_do_not_raise_the_peak() -> None:
    """Position first, wallet after, for each of two losing legs that closed in one millisecond."""
    world = World(mark=70_000.0)
    now = world.now_ns
    world.step(m.InstrumentsLoaded(now, now, (CONTRACT, ETHER)))
    world.step(MarkPrice(ETH, now, now, 2_000.0, 2_000.0))
    ether = msgspec.structs.replace(position(LONG, "1", "2400", ns=now), symbol=ETH)
    world.account("10000", [position(LONG, "0.05", "76000", ns=now), ether])
    world.mark(70_000.0)
    assert world.kernel.state.anchors.high_water_usd == pytest.approx(9_300.0)
    ns = world.later(1)
    flat = position(LONG, "0", "0", ns=ns)
    world.step(m.PositionUpdate(ns, ns, flat))
    wallet(world, "9700", "ORDER", ns, "-300")
    world.step(m.PositionUpdate(ns, ns, msgspec.structs.replace(flat, symbol=ETH)))
    later = world.later(0.01)
    world.step(m.TimerFired("second", later, later))
    wallet(world, "9300", "ORDER", ns, "-400")
    assert world.kernel.state.anchors.high_water_usd == pytest.approx(9_300.0)
