"""Cross legs share one wallet: what the guard believes of their liquidation."""

from decimal import Decimal

import msgspec
import pytest

from bot.domain.account import MarginMode
from bot.domain.orders import PositionSide
from bot.kernel import shared_margin
from bot.kernel.rules import liquidation_distance, margin_ratio
from bot.kernel.snapshot import Leg, Market, leg_key
from bot.kernel.view import LegView, held
from bot.simulator.contracts import contract
from tests.fakes.kernel_world import BTC
from tests.unit.kernel.rules.rule_kit import Kit

ETH = "ETH/USDT:USDT"
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def crossed(*legs: tuple[str, PositionSide, str, str], wallet: str = "50000") -> Kit:
    """The account of the study: BTC at 78,199 and ETH at 2,390 out of one wallet."""
    kit = Kit(own=False)
    kit.state.legs.clear()
    kit.state.wallet_usd = Decimal(wallet)
    kit.market.mark = 78_199.0
    kit.market.instrument = msgspec.structs.replace(contract(BTC))
    kit.state.markets[ETH] = Market(
        symbol=ETH, instrument=contract(ETH), mark=2_390.0, atr_1h=20.0, atr_1h_count=20
    )
    for symbol, side, qty, entry in legs:
        kit.state.legs[leg_key(symbol, side)] = Leg(
            symbol=symbol, side=side, qty=Decimal(qty), entry_price=Decimal(entry), foreign=True,
            user_qty=Decimal(qty), margin_mode=MarginMode.CROSS, opened_ns=1,
        )  # fmt: skip
    return kit


def view_of(kit: Kit, symbol: str, side: PositionSide = LONG) -> LegView:
    views = held(kit.state, kit.desk.policy)
    return next(v for v in views if v.leg.symbol == symbol and v.leg.side is side)


def test_two_longs_liquidate_together_long_before_each_alone() -> None:
    kit = crossed((BTC, LONG, "2", "80000"), (ETH, LONG, "30", "2500"))
    btc, eth = view_of(kit, BTC), view_of(kit, ETH)
    assert btc.own_liq_price() == pytest.approx(57_021.49, abs=0.01)
    assert eth.own_liq_price() == pytest.approx(978.17, abs=0.01)
    assert btc.margin_ratio() == eth.margin_ratio() == pytest.approx(0.0212, abs=5e-5)
    joint = btc.joint_liq_price()
    assert joint is not None
    assert joint > 63_678.0, "ether moves more than bitcoin: a beta above one"
    assert btc.liq_price() == joint
    moved = 1.0 - joint / 78_199.0
    eth_price = eth.joint_liq_price()
    assert eth_price is not None
    assert 1.0 - eth_price / 2_390.0 == pytest.approx(moved * 1.4, rel=1e-6)


def test_the_venue_shows_the_price_of_one_symbol_and_that_is_no_difference() -> None:
    kit = crossed((BTC, LONG, "2", "80000"), (ETH, LONG, "30", "2500"))
    view_of(kit, BTC).leg.venue_liq_price = Decimal("57021.5")
    assert view_of(kit, BTC).liq_apart_frac() == pytest.approx(0.0, abs=1e-6)


def test_a_hedge_of_one_contract_is_not_near_liquidation() -> None:
    """Taken one by one both legs would look about to be liquidated, and be cut for nothing."""
    kit = crossed((BTC, LONG, "2", "80000"), (BTC, SHORT, "2", "77000"), wallet="12000")
    for side in (LONG, SHORT):
        view = view_of(kit, BTC, side)
        assert liquidation_distance.demand(view) is None
        assert margin_ratio.demand(view) is None
    assert view_of(kit, BTC, LONG).liq_price() is None
    up = view_of(kit, BTC, SHORT).liq_price()
    assert up is not None
    assert up > 2 * 78_199.0


def test_the_lighter_leg_of_a_hedge_is_not_cut_for_the_price_of_the_heavier_one() -> None:
    """The venue shows both legs one price; a long gains on the way up to the short's."""
    kit = crossed((BTC, LONG, "1.9", "80000"), (BTC, SHORT, "2", "77000"), wallet="12000")
    light, heavy = view_of(kit, BTC, LONG), view_of(kit, BTC, SHORT)
    told = heavy.own_liq_price()
    assert told is not None
    assert told > 78_199.0
    for view in (light, heavy):
        view.leg.venue_liq_price = Decimal(repr(round(told, 2)))
    assert light.liq_price() is None
    assert liquidation_distance.demand(light) is None
    assert heavy.liq_price() == pytest.approx(told, abs=0.01)
    assert (light.liq_apart_frac(), heavy.liq_apart_frac()) == (None, pytest.approx(0.0, abs=1e-6))
    kit.state.legs.pop(leg_key(BTC, SHORT))
    alone = view_of(kit, BTC, LONG)
    assert alone.liq_price() == alone.own_liq_price(), "what was told before the hedge was taken"


def test_where_our_arithmetic_is_not_known_the_venue_is_believed() -> None:
    kit = crossed((BTC, LONG, "2", "80000"), (ETH, LONG, "30", "2500"))
    kit.state.legs[leg_key(ETH, LONG)].margin_mode = MarginMode.ISOLATED
    view = view_of(kit, BTC)
    assert view.margin_usd is None
    view.leg.venue_liq_price = Decimal(79_000)
    assert view.liq_price() == 79_000.0
    assert liquidation_distance.demand(view) is not None


def test_a_short_of_another_contract_promises_no_more_than_it_has_gained() -> None:
    kit = crossed((BTC, LONG, "2", "80000"), (ETH, SHORT, "30", "2500"), wallet="30000")
    view = view_of(kit, BTC)
    alone, joint = view.own_liq_price(), view.joint_liq_price()
    assert alone is not None
    assert joint is not None
    assert joint < alone, "a fall of both would earn something on the short"
    assert joint > 0.8 * alone, "but only a part of it is counted on"
    assert view.liq_price() == alone


def test_the_margin_of_an_isolated_leg_backs_nobody_else() -> None:
    kit = crossed((BTC, LONG, "2", "80000"), (ETH, LONG, "30", "2500"))
    eth = kit.state.legs[leg_key(ETH, LONG)]
    eth.margin_mode, eth.isolated_margin_usd = MarginMode.ISOLATED, Decimal(20_000)
    assert shared_margin.wallet_usd(kit.state) == 30_000.0
    assert view_of(kit, BTC).joint_liq_price() is None
    assert view_of(kit, BTC).margin_usd == 30_000.0
    eth.isolated_margin_usd = None
    assert view_of(kit, BTC).margin_usd is None, "what is not told is not zero"
    found = liquidation_distance.demand(view_of(kit, BTC))
    assert found is not None
    assert found.blocks_entries
