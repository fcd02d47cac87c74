"""Worked numbers of cuts, which leg goes first, and the orders that carry a cut out."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from bot.domain.messages import OrderUpdate
from bot.domain.orders import OrderKind, OrderSide, OrderState, OrderStatus, PositionSide, Purpose
from bot.domain.orders import TimeInForce as Tif
from bot.kernel.cuts import slices, solve
from bot.kernel.cuts.choose import Part, greedy
from bot.kernel.margin import liquidation_price, maintenance_usd
from bot.kernel.snapshot import Bar
from tests.fakes.kernel_world import BTC, World, orders_of, position
from tests.fakes.venue_tiers import BINANCE
from tests.unit.kernel.rules.rule_kit import Kit
from tests.unit.kernel.test_guard import fill

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
MARK, EQUITY = 78_199.0, 150_000.0

# ------------------------------------------------------------------ how much


def test_a_lower_tier_makes_the_cut_smaller_than_the_ratio_says() -> None:
    notional = 100 * MARK
    assert maintenance_usd(notional, BINANCE) / EQUITY == pytest.approx(0.441, abs=5e-4)
    share = solve.cross_cut_frac(notional, EQUITY, BINANCE, target=0.25, cost_frac=0.001)
    assert share == pytest.approx(0.376, abs=5e-4)
    assert share < 1.0 - 0.25 / 0.441


@pytest.mark.parametrize(("distance", "cut"), [(0.05, 0.655), (0.10, 0.817), (0.15, 0.875)])
def test_the_cut_for_a_distance(distance: float, cut: float) -> None:
    kept = solve.qty_at_distance(1, MARK, EQUITY, BINANCE, distance_frac=distance, most=100.0)
    assert 1.0 - kept / 100.0 == pytest.approx(cut, abs=5e-4)


def test_closing_half_of_an_isolated_leg_moves_its_liquidation_nowhere() -> None:
    for qty, margin in ((2.0, 16_000.0), (1.0, 8_000.0)):
        assert liquidation_price(1, qty, 80_000.0, margin, BINANCE) == pytest.approx(
            72_289.16, 1e-7
        )
    after = liquidation_price(1, 1.0, 80_000.0, 16_000.0 - 4_000.0, BINANCE)
    assert after == pytest.approx(68_273, abs=1.0), "cross: half closed at 76,000"


def test_the_isolated_trap() -> None:
    """Without margin that goes back only closing helps; with it a part is enough."""
    notional, margin, upnl = 76_000.0, 8_000.0, -7_200.0
    ratio = maintenance_usd(notional, BINANCE) / (margin + upnl)
    assert ratio == pytest.approx(0.38)
    bare = solve.isolated_cut_frac(notional, margin, upnl, BINANCE, target=0.28, given_back=0.0)
    assert bare == 1.0
    share = solve.isolated_cut_frac(notional, margin, upnl, BINANCE, target=0.28, given_back=1.0)
    assert 0.0 < share < 0.1
    left = margin + upnl * (1.0 - share)
    assert maintenance_usd(notional * (1.0 - share), BINANCE) / left == pytest.approx(0.28)


def test_a_rule_of_ratio_cuts_until_its_way_out() -> None:
    kit = Kit(own=False)
    kit.leg.qty = kit.leg.user_qty = Decimal(100)
    kit.leg.entry_price, kit.leg.isolated_margin_usd = Decimal(80_000), Decimal(180_100 + 150_000)
    kit.mark(MARK)
    from bot.kernel.cuts.enough import kept_qty
    from bot.kernel.rules import margin_ratio

    demand = margin_ratio.demand(kit.view)
    assert demand is not None
    assert demand.exposure_factor == 0.75
    kept = kept_qty(kit.view, demand)
    assert kept is not None
    share = kept / 100.0
    left = 330_100.0 - 180_100.0 * share
    kept_tiers = kit.market.instrument.tiers
    assert maintenance_usd(kept * MARK, kept_tiers) / left == pytest.approx(0.28, rel=1e-6)


# ------------------------------------------------------------------ which first


def part(key: str, sign: int, qty: float, mark: float, **changes: object) -> Part:
    given = Part(
        key=key, symbol=key.split("|")[0], sign=sign, qty=qty, mark=mark, tiers=BINANCE,
        sigma_day=0.03, fee_frac=0.0005, day_usd=1e10, liq_distance_frac=0.2,
        funding_paid_frac=0.0,
    )  # fmt: skip
    return given._replace(**changes)


def at_least_usd(parts: list[Part], usd: float):
    marks = {each.key: each.mark for each in parts}

    def is_enough(cut: Mapping[str, float]) -> bool:
        return sum(coins * marks[key] for key, coins in cut.items()) >= usd

    return is_enough


def test_what_trades_well_goes_before_what_does_not() -> None:
    parts = [part("BTC|L", 1, 1.0, 80_000.0), part("SOL|L", 1, 800.0, 100.0, day_usd=1e6)]
    cut = greedy(parts, at_least_usd(parts, 40_000.0))
    assert cut["BTC|L"] * 80_000.0 == pytest.approx(40_000.0)
    assert cut["SOL|L"] == 0.0


def test_equal_legs_are_told_apart_by_liquidation_then_by_funding() -> None:
    near = [part("A|L", 1, 1.0, 100.0), part("B|L", 1, 1.0, 100.0, liq_distance_frac=0.1)]
    cut = greedy(near, at_least_usd(near, 2.0))
    assert cut["B|L"] > 0.0
    assert cut["A|L"] == 0.0
    paying = [part("A|L", 1, 1.0, 100.0), part("B|L", 1, 1.0, 100.0, funding_paid_frac=0.001)]
    cut = greedy(paying, at_least_usd(paying, 2.0))
    assert cut["B|L"] > 0.0
    assert cut["A|L"] == 0.0


def test_a_hedge_is_closed_in_pairs_and_its_rest_first() -> None:
    legs = [part("BTC|L", 1, 3.0, 80_000.0), part("BTC|S", -1, 1.0, 80_000.0)]
    cut = greedy(legs, at_least_usd(legs, 160_000.0))
    assert cut == {"BTC|L": pytest.approx(2.0), "BTC|S": 0.0}
    cut = greedy(legs, at_least_usd(legs, 240_000.0))
    assert cut["BTC|L"] - cut["BTC|S"] == pytest.approx(2.0)
    assert cut["BTC|S"] > 0.0


# ------------------------------------------------------------------ by which orders


def cutting(qty: str = "0.05", volume: float = 10_000.0, *, long: bool = True) -> Kit:
    kit = Kit(own=False, long=long)
    kit.market.bars = [Bar(0, 76_000.0, 76_000.0, 76_000.0, 76_000.0, volume) for _ in range(12)]
    first = slices.begin(kit.view, Decimal(qty), "a test", "d1")
    assert first is not None
    kit.first = first.draft
    return kit


@pytest.mark.parametrize("long", [True, False])
def test_the_band_widens_and_then_the_market_takes_the_rest(long: bool) -> None:
    kit = cutting(long=long)
    drafts = [kit.first]
    for _ in range(3):
        wish = slices.pursue(kit.view)
        assert wish is not None
        drafts.append(wish.draft)
    assert [d.kind for d in drafts] == [OrderKind.LIMIT] * 3 + [OrderKind.MARKET]
    assert all(d.time_in_force is Tif.IOC for d in drafts[:3])
    sign = kit.leg.side.sign
    bands = [sign * (76_000.0 - float(d.price)) / 76_000.0 for d in drafts[:3]]
    assert bands == pytest.approx([0.0005, 0.001, 0.001], abs=2e-6)
    assert all(d.reduce_only and d.qty == Decimal("0.05") for d in drafts)


def test_what_takes_too_long_goes_to_the_market_whatever_was_tried() -> None:
    kit = cutting()
    kit.wait(11 / 3_600)
    wish = slices.pursue(kit.view)
    assert wish is not None
    assert wish.draft.kind is OrderKind.MARKET


def test_each_slice_reads_the_position_anew() -> None:
    kit = cutting()
    kit.leg.qty = Decimal("0.06")
    wish = slices.pursue(kit.view)
    assert wish is not None
    assert wish.draft.qty == Decimal("0.010")
    kit.leg.qty = Decimal("0.04")
    assert slices.pursue(kit.view) is None, "somebody closed more than was wanted"
    assert kit.leg.plan is None


def test_no_more_than_a_tenth_of_a_minute_is_sold_a_minute() -> None:
    kit = cutting("0.05", volume=1.0)
    assert kit.first.qty == Decimal("0.020")
    kit.leg.qty -= Decimal("0.020")
    assert slices.pursue(kit.view) is None, "its minute is not over"
    kit.wait(61 / 3_600)
    wish = slices.pursue(kit.view)
    assert wish is not None
    assert (wish.draft.kind, wish.draft.qty) == (OrderKind.LIMIT, Decimal("0.020"))


def ended(world: World, order_id: str, filled: Decimal = Decimal(0)) -> list:
    """An order that was immediate or cancelled is over; its fills are told apart."""
    belief, ns = world.kernel.state.orders[order_id], world.later(0.2)
    state = OrderState(
        client_order_id=order_id, venue_order_id="v", symbol=BTC, side=belief.side,
        kind=belief.kind, status=OrderStatus.FILLED if filled else OrderStatus.EXPIRED,
        qty=belief.qty, filled_qty=filled,
        reduce_only=True, close_position=False, event_ns=ns,
    )  # fmt: skip
    return world.step(OrderUpdate(ns, ns, state))


def test_the_kernel_cuts_an_oversized_position_slice_by_slice_as_one_action() -> None:
    world = World()
    world.account()
    found = position(LONG, "0.657", "76000", ns=world.now_ns + 10**9, margin="9980")
    effects = world.accept_all(world.account("10000", [found]))
    kinds = []
    for _ in range(4):
        (cut,) = orders_of(effects, Purpose.CUT)
        kinds.append(cut.kind)
        effects = ended(world, cut.client_order_id)
    assert kinds == [OrderKind.LIMIT, OrderKind.LIMIT, OrderKind.LIMIT, OrderKind.MARKET]
    assert world.kernel.state.books.actions == 1


def test_a_slice_told_filled_before_its_fill_is_not_followed_by_another() -> None:
    """Orders and fills are told apart: the position still shows what is gone already."""
    world = World()
    world.account()
    found = position(LONG, "0.657", "76000", ns=world.now_ns + 10**9, margin="9980")
    effects = world.accept_all(world.account("10000", [found]))
    (cut,) = orders_of(effects, Purpose.CUT)
    assert orders_of(ended(world, cut.client_order_id, filled=cut.qty), Purpose.CUT) == []
    for _ in range(8):
        assert orders_of(world.mark(76_000.0), Purpose.CUT) == []
    fill(world, cut.client_order_id, OrderSide.SELL, str(cut.qty), "76000", "0")
    assert orders_of(world.mark(76_000.0), Purpose.CUT) == []
    (leg,) = world.kernel.state.legs.values()
    assert leg.plan is None
    assert leg.qty == Decimal("0.657") - cut.qty


def test_dust_is_closed_by_a_stop_that_takes_all() -> None:
    world = World()
    world.account()
    found = position(LONG, "0.0004", "76000", ns=world.now_ns + 10**9)
    effects = world.account("10000", [found])
    (stop,) = orders_of(effects)
    assert (stop.kind, stop.close_position) == (OrderKind.STOP_MARKET, True)
    assert stop.side is OrderSide.SELL
    assert float(stop.trigger_price) == pytest.approx(76_000.0 * 0.999, abs=0.2)
    assert orders_of(world.accept_all(effects)) == []
    for _ in range(3):
        assert orders_of(world.candle(76_000, 76_010, 75_990, 76_000)) == []
