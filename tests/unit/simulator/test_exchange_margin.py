"""Margin, liquidation, ADL, funding and settings of the exchange."""

from decimal import Decimal

import pytest

from bot.domain.account import MarginMode
from bot.domain.errors import DataInvalid
from bot.domain.market import Liquidation
from bot.domain.messages import Fill, PositionUpdate, WalletUpdate
from bot.domain.orders import OrderSide, OrderStatus, PositionSide
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.simulator.contracts import BTC as BTC_CONTRACT
from bot.simulator.exchange import ExchangeRefused, MarketTick
from bot.simulator.margin import Brackets
from tests.unit.simulator.exchange_kit import BTC, ETH, ME, NS, Desk

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
BUY, SELL = OrderSide.BUY, OrderSide.SELL


def cents(price: Decimal | None) -> str | None:
    return None if price is None else f"{price:.2f}"


@pytest.mark.parametrize(
    ("side", "qty", "leverage", "expected"),
    [
        (BUY, "1", 10, "72289.16"),
        (SELL, "1", 10, "87649.40"),
        (BUY, "100", 20, "76646.46"),
        (BUY, "10.5", 10, "72333.09"),
        (BUY, "1", 1, None),
    ],
)
def test_isolated_liquidation_prices_of_binance(
    side: OrderSide, qty: str, leverage: int, expected: str | None
) -> None:
    desk = Desk(wallet="100000000", leverage=leverage)
    desk.send(side, qty)
    held = LONG if side is BUY else SHORT
    assert cents(desk.exchange.liquidation_price(ME, BTC, held)) == expected
    (position,) = desk.exchange.account(ME).positions
    assert cents(position.venue_liq_price) == expected


def test_cross_liquidation_prices_hold_the_other_symbol_still() -> None:
    desk = Desk(wallet="100000", isolated=False, leverage=20)
    desk.walk(2_500.0, ETH)
    desk.buy("2")
    desk.buy("30", symbol=ETH)
    desk.exchange.deposit(ME, Decimal(50_000) - desk.wallet)
    desk.walk(2_390.0, ETH)
    desk.walk(78_199.0)
    assert desk.exchange.equity_usd(ME) == pytest.approx(43_098.0)
    assert desk.exchange.maintenance_usd(ME) == pytest.approx(912.39, abs=0.01)
    assert desk.exchange.margin_ratio(ME) == pytest.approx(0.0212, abs=0.0001)
    assert cents(desk.exchange.liquidation_price(ME, BTC, LONG)) == "57021.49"
    assert cents(desk.exchange.liquidation_price(ME, ETH, LONG)) == "978.17"


def test_cross_hedge_fully_hedged_is_far_from_liquidation() -> None:
    desk = Desk(wallet="20000", isolated=False, hedge=True)
    desk.buy("1", position_side=LONG)
    desk.sell("1", position_side=SHORT)
    price = desk.exchange.liquidation_price(ME, BTC, LONG)
    assert price is not None
    assert price > Decimal(500_000)  # only maintenance growth can end it
    desk.walk(40_000.0)
    desk.walk(160_000.0)
    assert len(desk.exchange.account(ME).positions) == 2


def test_the_last_tier_has_no_end() -> None:
    brackets = Brackets(BTC_CONTRACT)
    beyond = Decimal(3_000_000_000)
    assert brackets.maintenance_usd(beyond) == beyond / 2 - Decimal(421_482_000)
    assert brackets.maintenance_near(3e9) == pytest.approx(1_078_518_000.0)


def test_isolated_margin_moves_in_and_out_pro_rata() -> None:
    desk = Desk(wallet="20000")
    desk.buy("2")
    before = desk.exchange.liquidation_price(ME, BTC, LONG)
    (leg,) = desk.exchange.account(ME).positions
    assert leg.isolated_margin_usd == Decimal(16_000)
    assert desk.exchange.cross_wallet_usd(ME) == Decimal(20_000 - 80 - 16_000)
    desk.walk(76_000.0)
    desk.sell("1")
    (leg,) = desk.exchange.account(ME).positions
    assert leg.isolated_margin_usd == Decimal(8_000)
    assert desk.exchange.liquidation_price(ME, BTC, LONG) == before


def test_in_cross_a_partial_close_moves_the_liquidation_price() -> None:
    desk = Desk(wallet="17000", isolated=False)
    desk.buy("2")
    desk.exchange.deposit(ME, Decimal(16_000) - desk.wallet)
    assert cents(desk.exchange.liquidation_price(ME, BTC, LONG)) == "72289.16"
    desk.walk(76_000.0)
    desk.sell("1")
    desk.exchange.deposit(ME, Decimal(38))
    assert cents(desk.exchange.liquidation_price(ME, BTC, LONG)) == "68273.09"


def test_added_margin_moves_the_liquidation_price_away() -> None:
    desk = Desk()
    desk.buy("0.1")
    desk.events()
    desk.exchange.add_margin(ME, BTC, LONG, Decimal(1_000))
    (told,) = desk.events()
    assert isinstance(told, PositionUpdate)
    assert told.position.isolated_margin_usd == Decimal(1_800)
    price = desk.exchange.liquidation_price(ME, BTC, LONG)
    assert price is not None
    assert price < Decimal(62_300)
    with pytest.raises(ExchangeRefused) as refused:
        desk.exchange.add_margin(ME, BTC, LONG, Decimal(100_000))
    assert refused.value.code == -4050
    desk.exchange.add_margin(ME, BTC, LONG, Decimal(-900))
    with pytest.raises(ExchangeRefused) as refused:
        desk.exchange.add_margin(ME, BTC, LONG, Decimal(-900))
    assert refused.value.code == -4051


def test_a_small_isolated_position_is_taken_over_with_all_its_margin_and_no_more() -> None:
    desk = Desk()
    desk.buy("0.5")
    resting = desk.limit(BUY, "0.1", "77000")
    desk.events()
    desk.walk(72_289.2)
    assert desk.qty() == Decimal("0.6")
    assert desk.state(resting).status is OrderStatus.FILLED
    wallet = desk.wallet
    margin = desk.exchange.account(ME).positions[0].isolated_margin_usd
    assert margin is not None
    desk.events()
    desk.walk(71_000.0)
    told = desk.events()
    (fill,) = (e for e in told if isinstance(e, Fill))
    assert fill.is_liquidation
    assert fill.client_order_id.startswith("autoclose-")
    (public,) = (e for e in told if isinstance(e, Liquidation))
    assert (public.side, public.qty, public.price) == (LONG, 0.6, float(fill.price))
    assert desk.wallet == wallet - margin
    assert desk.exchange.liquidations == 1


def test_the_public_liquidation_is_addressed_to_everybody() -> None:
    desk = Desk()
    desk.buy("0.5")
    desk.walk(71_000.0)
    owners = {type(e): owner for owner, e in desk.exchange.drain()}
    assert owners[Liquidation] == ""
    assert owners[Fill] == ME


def test_open_orders_are_cancelled_before_a_liquidation() -> None:
    desk = Desk()
    desk.buy("0.5")
    order = desk.limit(SELL, "0.5", "82000", reduce_only=True)
    desk.walk(72_000.0)
    assert desk.state(order).status is OrderStatus.CANCELLED


def test_a_large_position_is_cut_to_the_next_tier_first() -> None:
    desk = Desk(wallet="1100000", leverage=20)
    desk.buy("120")
    desk.buy("120")
    before = desk.exchange.liquidation_price(ME, BTC, LONG)
    assert before is not None
    desk.events()
    desk.walk(float(before) - 1.0)
    fills = desk.fills()
    assert len(fills) == 1
    left = desk.qty()
    assert Decimal(0) < left < Decimal(240)
    assert left * before <= Decimal(12_000_001)
    assert desk.exchange.margin_ratio(ME) < 1.0
    after = desk.exchange.liquidation_price(ME, BTC, LONG)
    assert after is not None
    assert after < before
    paid = float(fills[0].qty * fills[0].price) * 0.0125
    assert float(fills[0].fee_usd) == pytest.approx(paid, abs=0.01)


def test_a_cross_takeover_takes_the_whole_cross_wallet_and_spares_the_isolated_leg() -> None:
    desk = Desk(wallet="10000", isolated=False)
    desk.walk(2_500.0, ETH)
    desk.exchange.set_margin_mode(ME, ETH, MarginMode.ISOLATED)
    desk.buy("2", symbol=ETH)
    margin = desk.exchange.account(ME).positions[0].isolated_margin_usd
    desk.buy("1")
    desk.walk(60_000.0)
    assert desk.wallet == margin
    assert desk.exchange.cross_wallet_usd(ME) == 0
    (left,) = desk.exchange.account(ME).positions
    assert left.symbol == ETH


def test_a_jump_beyond_bankruptcy_costs_no_more_than_the_wallet() -> None:
    desk = Desk(wallet="10000", isolated=False)
    desk.buy("1")
    desk.jump(40_000.0)
    assert desk.wallet == 0
    kinds = {row.kind for row in desk.exchange.income(ME, 0)}
    assert "INSURANCE_CLEAR" in kinds
    assert sum(r.amount for r in desk.exchange.income(ME, 0)) == 0


def test_two_cross_legs_fall_together() -> None:
    desk = Desk(wallet="6000", isolated=False, leverage=20)
    desk.walk(2_500.0, ETH)
    desk.buy("0.5")
    desk.buy("16", symbol=ETH)
    desk.walk(76_000.0)
    assert len(desk.exchange.account(ME).positions) == 2
    desk.walk(2_300.0, ETH)
    desk.walk(2_200.0, ETH)
    assert desk.exchange.account(ME).positions == ()
    assert desk.wallet == 0


def test_adl_closes_a_leg_whatever_the_market_says() -> None:
    desk = Desk()
    desk.sell("0.5")
    desk.walk(70_000.0)
    (before,) = desk.exchange.account(ME).positions
    assert before.adl_rank == 4
    desk.events()
    desk.exchange.adl(ME, BTC, SHORT, Decimal("0.2"), Decimal(70_000))
    (fill,) = desk.fills()
    assert (fill.is_adl, fill.is_liquidation, fill.fee_usd) == (True, False, Decimal(0))
    assert fill.realized_pnl_usd == Decimal(2_000)
    assert desk.qty(SHORT) == Decimal("0.3")
    with pytest.raises(ExchangeRefused):
        desk.exchange.adl(ME, BTC, SHORT, Decimal(1), Decimal(70_000))


def test_funding_is_paid_on_the_mark_at_the_end_of_each_interval() -> None:
    desk = Desk(isolated=False)
    desk.buy("0.5")
    desk.tick(80_000.0, mark=80_400.0, funding_frac=0.0001)
    wallet = desk.wallet
    desk.events()
    desk.exchange.advance(NS + 8 * NS_PER_H - 1)
    assert desk.wallet == wallet
    desk.exchange.advance(NS + 8 * NS_PER_H)
    assert desk.wallet == wallet - Decimal("4.02")
    (told,) = desk.events()
    assert isinstance(told, WalletUpdate)
    assert (told.cause, told.change_usd) == ("FUNDING_FEE", Decimal("-4.02"))
    row = desk.exchange.income(ME, 0)[-1]
    assert (row.kind, row.amount, row.symbol) == ("FUNDING_FEE", Decimal("-4.02"), BTC)
    desk.exchange.advance(NS + 24 * NS_PER_H)
    assert desk.wallet == wallet - 3 * Decimal("4.02")


def test_shorts_receive_and_isolated_funding_stays_in_the_leg() -> None:
    desk = Desk()
    desk.sell("0.5")
    desk.tick(80_000.0, funding_frac=0.0001)
    free = desk.exchange.cross_wallet_usd(ME)
    desk.exchange.advance(NS + 8 * NS_PER_H)
    assert desk.exchange.cross_wallet_usd(ME) == free
    (leg,) = desk.exchange.account(ME).positions
    assert leg.isolated_margin_usd == Decimal(4_004)


def test_the_funding_interval_can_change() -> None:
    desk = Desk()
    desk.exchange.set_funding_interval(BTC, 3_600)
    assert desk.exchange.market(BTC).next_funding_ns == NS + NS_PER_H
    desk.buy("0.1")
    desk.tick(80_000.0, funding_frac=-0.0002)
    wallet = desk.wallet
    desk.exchange.advance(NS + 2 * NS_PER_H)
    assert desk.wallet == wallet + 2 * Decimal("1.6")
    with pytest.raises(DataInvalid):
        desk.exchange.set_funding_interval(BTC, 0)


def test_a_tick_past_the_instant_settles_at_the_mark_before_it() -> None:
    desk = Desk(isolated=False)
    desk.buy("0.5")
    desk.tick(80_000.0, funding_frac=0.0001)
    wallet = desk.wallet
    desk.now = NS + 8 * NS_PER_H
    desk.tick(90_000.0, funding_frac=0.01)
    assert desk.wallet == wallet - Decimal(4)


def test_funding_can_liquidate() -> None:
    desk = Desk()
    desk.buy("0.5")
    desk.walk(72_300.0)
    desk.tick(72_300.0, funding_frac=0.003)
    desk.exchange.advance(NS + 8 * NS_PER_H)
    assert desk.exchange.account(ME).positions == ()
    assert desk.exchange.liquidations == 1


def code_of(call: object, *args: object) -> int:
    with pytest.raises(ExchangeRefused) as refused:
        call(*args)  # type: ignore[operator]
    return refused.value.code


def test_settings_are_refused_with_binances_codes() -> None:
    desk = Desk()
    ex = desk.exchange
    assert code_of(ex.set_margin_mode, ME, BTC, MarginMode.ISOLATED) == -4046
    assert code_of(ex.set_hedge_mode, ME, False) == -4059
    assert code_of(ex.set_leverage, ME, BTC, 0) == -4028
    assert code_of(ex.set_leverage, ME, BTC, 151) == -4028
    assert code_of(ex.add_margin, ME, BTC, LONG, Decimal(1)) == -4054
    desk.limit(BUY, "0.1", "79000")
    assert code_of(ex.set_margin_mode, ME, BTC, MarginMode.CROSS) == -4047
    assert code_of(ex.set_hedge_mode, ME, True) == -4067
    desk.buy("0.1")
    assert code_of(ex.set_margin_mode, ME, BTC, MarginMode.CROSS) == -4048
    assert code_of(ex.set_hedge_mode, ME, True) == -4068
    assert code_of(ex.set_leverage, ME, BTC, 5) == -4161
    assert code_of(ex.add_margin, ME, BTC, LONG, Decimal(0)) == -4055
    ex.set_leverage(ME, BTC, 20)
    assert ex.account(ME).leverages[BTC] == 20


def test_cross_leverage_is_bounded_by_position_and_balance() -> None:
    desk = Desk(wallet="100000", isolated=False, leverage=10)
    desk.buy("10")
    assert code_of(desk.exchange.set_leverage, ME, BTC, 1) == -2028
    assert code_of(desk.exchange.set_leverage, ME, BTC, 150) == -2027
    assert code_of(desk.exchange.add_margin, ME, BTC, LONG, Decimal(1)) == -4053


def test_money_moves_in_and_out() -> None:
    desk = Desk()
    desk.exchange.deposit(ME, Decimal("500.5"))
    assert desk.wallet == Decimal("10500.5")
    desk.buy("1")
    assert code_of(desk.exchange.deposit, ME, Decimal(-5_000)) == -4050
    desk.exchange.deposit(ME, Decimal(-1_000))
    assert [r.kind for r in desk.exchange.income(ME, 0)].count("TRANSFER") == 3


def test_opening_an_account_twice_changes_nothing() -> None:
    desk = Desk()
    desk.exchange.open_account(ME, Decimal(1_000_000))
    assert desk.wallet == Decimal(10_000)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("which", ["last", "mark", "index"])
def test_senseless_prices_are_refused_and_change_nothing(bad: float, which: str) -> None:
    desk = Desk()
    before = desk.exchange.to_bytes()
    prices = {"last": 80_000.0, "mark": 80_000.0, "index": 80_000.0, which: bad}
    with pytest.raises(DataInvalid, match="BTC"):
        desk.exchange.apply(MarketTick(symbol=BTC, event_ns=NS + 60 * NS_PER_S, **prices))
    assert desk.exchange.to_bytes() == before


def test_a_book_that_cannot_be_read_is_refused_whole() -> None:
    desk = Desk()
    desk.buy("0.5")
    before = desk.exchange.to_bytes()
    for bad in (b"", b"junk", before[: len(before) // 2]):
        with pytest.raises(DataInvalid):
            desk.exchange.restore(bad)
    assert desk.exchange.to_bytes() == before


def test_positions_are_read_cheaply_at_mark() -> None:
    desk = Desk()
    desk.buy("0.5")
    desk.tick(81_000.0, mark=80_900.0)
    assert desk.exchange.position_mark(ME, BTC, LONG) == (0.5, 80_900.0, 450.0)
    assert desk.exchange.position_mark(ME, BTC, SHORT) == (0.0, 80_900.0, 0.0)
    assert desk.exchange.equity_usd(ME) == pytest.approx(10_000 - 20 + 450)
    bound, resting = desk.exchange.initial_margin_usd(ME)
    assert (bound, resting) == (Decimal(4045), Decimal(0))
    assert desk.exchange.available_usd(ME) == Decimal(10_000 - 20 - 4_000)
