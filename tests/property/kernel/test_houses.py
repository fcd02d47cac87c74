"""Several accounts as one: sums, bounds, and what is not known."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.house import Holding, House
from bot.domain.orders import PositionSide
from bot.kernel.houses import budget, concentration, exposure, exposure_shares, joint_shock

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def leg(side=LONG, qty="1", mark=100.0, *, asset="BTC", **more):
    return Holding(
        asset=asset, symbol=f"{asset}/USDT:USDT", side=side, qty=Decimal(qty), mark=mark, **more
    )


def house(account, venue, equity=1_000.0, *held):
    return House(account=account, venue=venue, equity_usd=equity, holdings=held)


@st.composite
def some_legs(draw):
    side = draw(st.sampled_from([LONG, SHORT]))
    mark = draw(st.floats(10.0, 1e5))
    stop = draw(st.none() | st.floats(0.5, 1.5).map(lambda share: share * mark))
    margin = draw(st.none() | st.floats(1.0, 1e4))
    return leg(
        side, str(draw(st.integers(1, 50))), mark, asset=draw(st.sampled_from(["BTC", "ETH"])),
        stop_price=stop, isolated_margin_usd=margin,
        maintenance_frac=draw(st.none() | st.floats(0.004, 0.05)),
    )  # fmt: skip


@st.composite
def some_houses(draw):
    return [
        House(
            account=f"a{i}",
            venue=draw(st.sampled_from(["binance", "bybit", "hyperliquid"])),
            equity_usd=draw(st.none() | st.floats(0.0, 1e6)),
            holdings=tuple(draw(st.lists(some_legs(), max_size=3))),
        )
        for i in range(draw(st.integers(1, 4)))
    ]


moves = st.fixed_dictionaries({"BTC": st.floats(-0.9, 0.9), "ETH": st.floats(-0.9, 0.9)})


def test_a_long_here_and_a_short_there_net_out_by_asset():
    found, unknown = exposure(
        [
            house("a", "binance", 1_000.0, leg(LONG, "2"), leg(LONG, "5", 10.0, asset="ETH")),
            house("b", "bybit", 1_000.0, leg(SHORT, "1.5")),
            house("c", "bybit", None, leg(LONG, "900")),
        ]
    )
    btc, eth = found
    assert (btc.asset, btc.net_usd, btc.gross_usd) == ("BTC", 50.0, 350.0)
    assert btc.by_venue == {"binance": 200.0, "bybit": -150.0}
    assert (eth.net_usd, eth.gross_usd) == (50.0, 50.0)
    assert unknown == ("c",)


def test_a_venue_with_too_much_of_the_money_is_named_and_so_is_one_nobody_knows():
    rows = concentration([house("a", "binance", 700.0), house("b", "bybit", 300.0)], 0.5)
    assert [(row.venue, row.share_frac, row.over_limit) for row in rows] == [
        ("binance", 0.7, True),
        ("bybit", 0.3, False),
    ]
    rows = concentration([house("a", "binance", 700.0), house("b", "bybit", None)], 0.8)
    assert [(row.equity_usd, row.share_frac, row.over_limit) for row in rows] == [
        (700.0, None, True),
        (None, None, True),
    ]
    assert not concentration([house("a", "binance", 700.0)], 0.5)[0].over_limit


def test_a_hedge_over_two_venues_fails_when_one_of_them_is_silent():
    """The long's stop would have helped; its venue takes no order, the hedge's goes on."""
    both = [
        house("a", "binance", 1_000.0, leg(LONG, "50", stop_price=95.0, maintenance_frac=0.005)),
        house("b", "bybit", 1_000.0, leg(SHORT, "50", stop_price=130.0, maintenance_frac=0.005)),
    ]
    fall = {"BTC": -0.15}
    calm = joint_shock(both, fall)
    assert calm.houses[0].closed_by_stop == ("BTC/USDT:USDT LONG",)
    assert calm.equity_usd > 2_000.0, "the hedge gains more than the stop loses"
    dark = joint_shock(both, fall, silent=frozenset({"binance"}))
    assert dark.houses[0].closed_by_stop == ()
    assert dark.houses[0].equity_usd == pytest.approx(1_000.0 - 50 * 15.0)
    assert dark.houses[1].equity_usd == calm.houses[1].equity_usd


def test_an_isolated_leg_costs_its_margin_and_no_more():
    one = house(
        "a", "binance", 1_000.0,
        leg(LONG, "10", isolated_margin_usd=100.0, upnl_usd=20.0, maintenance_frac=0.005),
    )  # fmt: skip
    left = joint_shock([one], {"BTC": -0.5}).houses[0]
    assert left.liquidated == ("BTC/USDT:USDT LONG",)
    assert left.loss_usd == pytest.approx(120.0)


@given(some_houses(), moves, st.booleans())
def test_no_account_loses_more_than_it_has_nor_counts_on_what_is_unknown(houses, fall, gap):
    after = joint_shock(houses, fall, gap=gap)
    assert set(after.counted_as_lost) == {h.account for h in houses if h.equity_usd is None}
    known = {h.account: h.equity_usd for h in houses if h.equity_usd is not None}
    assert {each.account for each in after.houses} == set(known)
    for each in after.houses:
        assert each.equity_usd >= 0.0
        assert each.equity_usd + each.loss_usd == pytest.approx(known[each.account], abs=1e-6)


@given(some_houses())
def test_exposure_adds_up_over_venues_and_a_still_market_costs_nothing(houses):
    found, _unknown = exposure(houses)
    for asset in found:
        assert sum(asset.by_venue.values()) == pytest.approx(asset.net_usd, rel=1e-9, abs=1e-6)
        assert abs(asset.net_usd) <= asset.gross_usd * (1.0 + 1e-12)
    bare = [House(account=h.account, venue=h.venue, equity_usd=h.equity_usd) for h in houses]
    assert joint_shock(bare, {"BTC": -0.9}).equity_usd == pytest.approx(
        sum(h.equity_usd or 0.0 for h in houses)
    )


@given(some_houses(), moves, st.floats(0.02, 0.5))
@settings(max_examples=40, deadline=None)
def test_the_cut_that_is_named_keeps_the_floor_or_none_can(houses, fall, share):
    peak = sum(h.equity_usd or 0.0 for h in houses)
    found = budget(houses, fall, peak_usd=peak, loss_budget_frac=share)
    assert (found.cut_frac == 0.0) == (found.room_usd >= 0.0)
    if found.cut_frac < 1.0:
        kept = joint_shock(houses, fall, scale=1.0 - found.cut_frac)
        assert kept.equity_usd >= found.floor_usd


@given(some_houses())
def test_the_shares_of_venues_are_of_what_is_held_at_those_that_are_seen(houses):
    shares = exposure_shares(exposure(houses)[0])
    assert all(0.0 <= share <= 1.0 + 1e-12 for share in shares.values())
    assert not shares or sum(shares.values()) == pytest.approx(1.0)
    assert set(shares) <= {each.venue for each in houses if each.known}
