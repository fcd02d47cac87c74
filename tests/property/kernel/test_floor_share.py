"""Floor stops share one budget: filled together or one after the other, the floor holds."""

from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.domain.orders import PositionSide
from bot.domain.policy import PROFILES, Policy, guard_of
from bot.domain.units import NS_PER_S
from bot.kernel.guard import CLOSE_SLIP_FRAC, floor_usd, wanted_stop
from bot.kernel.snapshot import BotState, Leg, Market, leg_key
from bot.kernel.track import equity_usd
from bot.kernel.view import LegView, held
from bot.simulator.contracts import contract

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
MARKS = {"BTC/USDT:USDT": 76_000.0, "ETH/USDT:USDT": 2_300.0, "SOL/USDT:USDT": 105.0}
WALLET = 10_000.0
CENTS = 0.05
KEYS = [(symbol, side) for symbol in MARKS for side in (LONG, SHORT)]

LEGS = st.lists(
    st.tuples(st.sampled_from(KEYS), st.floats(0.05, 1.5), st.floats(-0.03, 0.03)),
    min_size=1, max_size=4, unique_by=lambda leg: leg[0],
)  # fmt: skip
"""(symbol and side, notional over wallet, how far the entry lies from the mark)"""


def account(legs: list, lost: float) -> BotState:
    """An account with these legs that is `lost` of its peak under it."""
    state = BotState(wallet_usd=Decimal(repr(WALLET)), now_ns=1, wallet_ns=1)
    for symbol, mark in MARKS.items():
        state.markets[symbol] = Market(symbol=symbol, instrument=contract(symbol), mark=mark)
    for (symbol, side), share, apart in legs:
        instrument = contract(symbol)
        qty = instrument.qty_down(Decimal(repr(share * WALLET / MARKS[symbol])))
        assume(qty >= instrument.qty_min)
        entry = Decimal(repr(MARKS[symbol] * (1.0 + apart)))
        state.legs[leg_key(symbol, side)] = Leg(
            symbol=symbol, side=side, qty=qty, entry_price=entry, foreign=True, user_qty=qty
        )
    equity = equity_usd(state)
    assume(equity > 0.5 * WALLET)
    state.anchors.high_water_usd = equity / (1.0 - lost)
    return state


def closing_cost(view: LegView, price: float) -> float:
    instrument = view.market.instrument
    assert instrument is not None
    return view.qty * price * (instrument.taker_fee_frac + CLOSE_SLIP_FRAC)


def stops_of(state: BotState, policy: Policy) -> dict[str, float]:
    """Return the trigger of each leg; a leg that must close now has its mark."""
    found = {}
    for view in held(state, policy):
        price = wanted_stop(view)
        sign = view.leg.side.sign
        near = price is not None and sign * (view.mark - float(price)) > 0.0
        found[leg_key(view.leg.symbol, view.leg.side)] = float(price or 0) if near else view.mark
    return found


def fill(state: BotState, policy: Policy, key: str, price: float) -> None:
    """Close a leg at `price`, costs paid."""
    leg = state.legs[key]
    view = LegView(state, policy, leg, state.markets[leg.symbol])
    gain = leg.side.sign * view.qty * (price - view.entry) - closing_cost(view, price)
    state.wallet_usd += Decimal(repr(gain))
    leg.qty = Decimal(0)


@settings(max_examples=150, deadline=None)
@given(legs=LEGS, lost=st.floats(0.0, 0.16), profile=st.sampled_from(sorted(PROFILES)))
def test_all_stops_filling_together_lose_no_more_than_the_budget(
    legs: list, lost: float, profile: str
) -> None:
    """Longs and shorts alike: no gain of one leg is counted on to pay for another's loss."""
    policy = Policy(guard=guard_of(profile))
    state = account(legs, lost)
    budget = equity_usd(state) - floor_usd(state, policy)
    stops, loss = stops_of(state, policy), 0.0
    for view in held(state, policy):
        stop = stops[leg_key(view.leg.symbol, view.leg.side)]
        loss += view.leg.side.sign * view.qty * (view.mark - stop) + closing_cost(view, stop)
    assert loss <= budget + CENTS


@settings(max_examples=150, deadline=None)
@given(
    legs=LEGS,
    lost=st.floats(0.0, 0.16),
    rates=st.lists(st.floats(-0.02, 0.02), min_size=3, max_size=3),
    left_s=st.integers(1, 3_600),
    way=st.floats(0.0, 1.0),
)
def test_funding_that_is_due_and_all_stops_lose_no_more_than_the_budget(
    legs: list, lost: float, rates: list, left_s: int, way: float
) -> None:
    """Settled at any mark on the way to the stop; what a leg would receive is not counted on."""
    policy = Policy(guard=guard_of("L20"))
    state = account(legs, lost)
    state.now_ns = (28_800 - left_s) * NS_PER_S
    for market, rate in zip(state.markets.values(), rates, strict=True):
        market.funding_frac, market.funding_interval_s = rate, 28_800
    budget = equity_usd(state) - floor_usd(state, policy)
    stops, loss = stops_of(state, policy), 0.0
    for view in held(state, policy):
        sign, stop = view.leg.side.sign, stops[leg_key(view.leg.symbol, view.leg.side)]
        loss += sign * view.qty * (view.mark - stop) + closing_cost(view, stop)
        if stop != view.mark:
            settled = view.mark + way * (stop - view.mark)
            assert view.market.funding_frac is not None
            loss += max(sign * view.market.funding_frac, 0.0) * view.qty * settled
    assert loss <= budget + CENTS


@settings(max_examples=100, deadline=None)
@given(
    legs=LEGS,
    lost=st.floats(0.0, 0.12),
    moves=st.lists(
        st.tuples(st.floats(-0.02, 0.02), st.floats(-0.4, 1.0)), min_size=5, max_size=60
    ),
    repriced=st.booleans(),
)
def test_stops_that_fill_one_after_the_other_hold_the_floor(
    legs: list, lost: float, moves: list, repriced: bool
) -> None:
    """`moves` are (of BTC, how far the others follow); no gaps: a stop fills where it rests."""
    policy = Policy(guard=guard_of("L20"))
    state = account(legs, lost)
    floor = floor_usd(state, policy)
    stops = stops_of(state, policy)
    for move, follow in moves:
        for index, market in enumerate(state.markets.values()):
            market.mark *= 1.0 + (move if index == 0 else move * follow)
        for view in held(state, policy):
            key = leg_key(view.leg.symbol, view.leg.side)
            if view.leg.side.sign * (view.mark - stops[key]) <= 0.0:
                fill(state, policy, key, stops[key])
        if repriced:
            stops = stops_of(state, policy)
        if not held(state, policy):
            break
    for key in [key for key, leg in state.legs.items() if leg.qty > 0]:
        fill(state, policy, key, stops[key])
    assert float(state.wallet_usd) >= floor - CENTS
