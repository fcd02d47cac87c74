"""What a human does behind the bot's back: adopted, stopped, cut to the budget, let go of."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.e2e.lives import Measured
from tests.fakes.daemon import Daemon, Stand, until
from tests.fakes.market_folder import PRICE
from tests.fakes.venue_handle import VenueHandle

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-by-hand")]

BUDGET_FRAC = Decimal("0.20")


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Stand, Daemon]]:
    with Stand(BREAKWATER_RISK__RULES__ACTION_GAP_S="1") as stand:
        stand.start_venue(BREAKWATER_RISK__SYMBOLS='["BTC/USDT:USDT", "ETH/USDT:USDT"]')
        yield stand, stand.start_daemon()


@pytest.fixture
def at_work(running: tuple[Stand, Daemon]) -> Iterator[tuple[Daemon, VenueHandle]]:
    """A flat account before and after each test."""
    stand, daemon = running
    daemon.await_ready()
    yield daemon, stand.venue
    for symbol in ("BTCUSDT", "ETHUSDT"):
        held = stand.venue.position(symbol)
        if held:
            side = "SELL" if held > 0 else "BUY"
            stand.venue.by_hand(side, str(abs(held)), reduce_only=True, symbol=symbol)
    until(lambda: not stand.venue.open_algos(), "nothing of ours is left")
    daemon.await_flat()


def loss_at_stop_frac(venue: VenueHandle, daemon: Daemon) -> Decimal:
    """What the account would have lost from its peak if the resting stops filled where they lie."""
    held, price = venue.position(), Decimal(repr(PRICE))
    worst = max((Decimal(stop["triggerPrice"]) - price) * -held for stop in venue.stops())
    peak = Decimal(str(daemon.status()["high_water_usd"]))
    return (peak - venue.wallet_usd() + worst) / peak


@pytest.mark.parametrize("side", ["BUY", "SELL"])
@pytest.mark.parametrize("round_", range(3))
def test_a_position_opened_by_hand_gets_a_stop(
    at_work: tuple[Daemon, VenueHandle], side: str, round_: int, measured: Measured
) -> None:
    daemon, venue = at_work
    began_ns = venue.by_hand(side, "0.05")
    stop = until(lambda: venue.stops_asked(began_ns), "a stop at the venue")[0]
    measured("by hand -> stop asked", (stop["ns"] - began_ns) / 1e9)
    until(venue.covers, "the stop covers it")
    assert stop["params"]["side"] == ("SELL" if side == "BUY" else "BUY")
    assert stop["params"]["reduceOnly"] == "true"
    leg = daemon.await_protected("0.05")
    assert leg["opened_by"] == "by hand"
    assert not venue.targets(), "a target is a strategy's wish, not the guard's"


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_too_large_a_position_is_cut_to_the_loss_budget(
    at_work: tuple[Daemon, VenueHandle], side: str
) -> None:
    daemon, venue = at_work
    began_ns = venue.by_hand(side, "1")
    first = until(lambda: venue.stops_asked(began_ns), "a stop at the venue")[0]
    cut = until(lambda: venue.log(since_ns=began_ns, method="POST", path="/order"), "a cut")[0]
    assert first["ns"] < cut["ns"], "first the stop, then the cut"
    assert cut["params"]["reduceOnly"] == "true"
    until(lambda: abs(venue.position()) < 1 and venue.covers(), "cut, and still covered")
    kept = str(abs(venue.position()))
    daemon.await_protected(kept)
    until(lambda: len(venue.stops()) == 1, "one stop is left")
    (stop,) = venue.stops()
    assert stop["quantity"] == kept
    assert Decimal(0) < loss_at_stop_frac(venue, daemon) <= BUDGET_FRAC
    reasons = until(
        lambda: [row["why"] for row in daemon.journal("decisions") if row["kind"] == "cut"],
        "the cut is journaled",
    )
    assert "loss budget" in reasons[0]


def test_a_hand_add_is_covered_and_a_hand_cut_trims_the_stop(
    at_work: tuple[Daemon, VenueHandle],
) -> None:
    daemon, venue = at_work
    venue.by_hand("BUY", "0.02")
    until(venue.covers, "covered")
    venue.by_hand("BUY", "0.03")
    until(venue.covers, "the larger position is covered")
    daemon.await_protected("0.05")
    venue.by_hand("SELL", "0.04", reduce_only=True)
    daemon.await_protected("0.01")
    until(
        lambda: [Decimal(stop["quantity"]) for stop in venue.stops()] == [Decimal("0.01")],
        "one stop of what is left",
    )


def test_a_hand_close_is_noticed_and_its_stop_removed(
    at_work: tuple[Daemon, VenueHandle], measured: Measured
) -> None:
    daemon, venue = at_work
    venue.by_hand("BUY", "0.05")
    until(venue.covers, "covered")
    daemon.await_protected("0.05")
    began_ns = venue.by_hand("SELL", "0.05", reduce_only=True)
    until(lambda: not venue.open_algos(), "the stop is removed")
    (gone, *_) = until(
        lambda: venue.log(since_ns=began_ns, method="DELETE", path="/algoOrder"), "in the log"
    )
    measured("hand close -> cancel asked", (gone["ns"] - began_ns) / 1e9)
    daemon.await_flat()
    assert not venue.log(since_ns=began_ns, method="POST", path="/order"), "no order of its own"


def test_a_hand_flip_turns_the_stop_round(at_work: tuple[Daemon, VenueHandle]) -> None:
    daemon, venue = at_work
    venue.by_hand("BUY", "0.05")
    until(venue.covers, "covered")
    venue.by_hand("SELL", "0.08")
    assert venue.position() == Decimal("-0.03")
    until(venue.covers, "the short is covered")
    until(lambda: {stop["side"] for stop in venue.stops()} == {"BUY"}, "no old stop is left")
    assert daemon.await_protected("0.03")["side"] == "SHORT"


def test_a_stop_cancelled_by_hand_is_replaced(at_work: tuple[Daemon, VenueHandle]) -> None:
    _daemon, venue = at_work
    venue.by_hand("BUY", "0.05")
    until(venue.covers, "covered")
    (stop,) = venue.stops()
    venue.read("fapiPrivateDeleteAlgoOrder", symbol="BTCUSDT", clientAlgoId=stop["clientAlgoId"])
    until(venue.covers, "covered again")
    assert stop["clientAlgoId"] not in {one["clientAlgoId"] for one in venue.stops()}


def test_a_contract_outside_the_allow_list_is_protected_all_the_same(
    at_work: tuple[Daemon, VenueHandle], measured: Measured
) -> None:
    daemon, venue = at_work
    began_ns = venue.by_hand("BUY", "1", symbol="ETHUSDT")
    stop = until(lambda: venue.stops_asked(began_ns), "a stop at the venue")[0]
    measured("by hand, contract not loaded -> stop asked", (stop["ns"] - began_ns) / 1e9)
    until(lambda: venue.covers("ETHUSDT"), "a foreign contract is covered")
    assert venue.position("ETHUSDT") == 1
    assert daemon.await_protected("1")["symbol"] == "ETH/USDT:USDT"
