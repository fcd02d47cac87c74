"""Words from outside the venues through the whole kernel: kept, judged, frozen and thawed."""

import math
from decimal import Decimal

from bot.domain.market import (
    Candle,
    EventCalendar,
    EventWindow,
    Reading,
    WatchedPosition,
    WatchList,
)
from bot.domain.messages import Fill, TimerFired
from bot.domain.orders import OrderSide, PositionSide
from bot.domain.policy import Policy
from bot.domain.units import NS_PER_H
from bot.kernel.observe import readings
from bot.kernel.sensed import Senses
from bot.kernel.step import Kernel
from bot.runtime.inbox import market_key

BTC = "BTC/USDT:USDT"
START_NS = 1_770_000_000 * 10**9
WHALE = WatchedPosition("0xabc", PositionSide.LONG, 61_000.0, 1_000.0, START_NS)


def heard() -> Kernel:
    kernel = Kernel(Policy(), (), "run00001")
    for hour in range(1, 60):
        ns = START_NS - (60 - hour) * NS_PER_H
        price = 78_000.0 + 100.0 * math.sin(hour)
        candle = Candle(BTC, ns, ns, 3_600, price, price + 50, price - 50, price, 900.0, True)
        kernel.step(candle)
    now = START_NS
    window = EventWindow("rates \ud800", now, now + NS_PER_H, 4)
    kernel.step(EventCalendar("calendar", now, now, (window,)))
    kernel.step(WatchList("whales", BTC, now, now, (WHALE,), origin="whales.csv"))
    kernel.step(Reading("mood", "fear_greed", now, now, 9.0, origin="host"))
    kernel.step(TimerFired("second", now + 1, now + 1))
    return kernel


def test_they_reach_threat_and_map_and_survive_a_snapshot() -> None:
    kernel = heard()
    sensed = kernel.state.sensed[BTC]
    assert sensed.assessment is not None
    assert sensed.assessment.threat >= 4
    assert sensed.assessment.floor_reasons[0] == "announced event: rates ? (calendar)"
    assert sensed.assessment.facts.fear_greed == 9.0
    (point,) = sensed.clusters.points
    assert (point.source, point.origin, point.price) == ("whales", "whales.csv", 61_000.0)
    again = Kernel(Policy(), (), "run00001")
    again.restore(kernel.freeze())
    assert again.digest() == kernel.digest()
    later = TimerFired("second", START_NS + NS_PER_H, START_NS + NS_PER_H)
    again.step(later)
    kernel.step(later)
    assert again.digest() == kernel.digest()
    after = kernel.state.sensed[BTC].assessment
    assert after is not None
    assert not any("rates" in reason for reason in after.floor_reasons)


def test_the_same_words_give_the_same_belief() -> None:
    assert heard().digest() == heard().digest()


def test_strikes_are_shown_a_while_and_never_weighed() -> None:
    senses = Senses(symbol=BTC)

    def tell(name: str, hour: int, value: float = 5.0) -> bool:
        ns = START_NS + hour * NS_PER_H
        return readings.on_reading(senses, Reading("option_skew", name, ns, ns, value))

    assert tell("btc_put_skew_at_75000_vol_pts", 0)
    assert not tell("btc_put_skew_at_75000_vol_pts", 0)
    assert not tell("eth_put_skew_at_2000_vol_pts", 0)
    assert not tell("put_skew_at_2000_vol_pts", 0)
    for bad in (math.nan, math.inf, 1e12):
        assert not tell("btc_put_oi_at_75000_qty", 0, bad)
    assert tell("btc_call_oi_at_100000_qty", 7)
    assert list(senses.readings.strikes) == ["call_oi_at_100000_qty"]
    for strike in range(100):
        assert tell(f"btc_put_oi_at_{strike}_qty", 8)
    assert len(senses.readings.strikes) == readings.STRIKES_MAX
    assert senses.readings.newest == {}


def test_what_may_take_another_s_place_in_the_queue() -> None:
    one = Reading("s", "fear_greed", 1, 5, 1.0)
    assert market_key(one) == market_key(Reading("s", "fear_greed", 1, 9, 2.0))
    assert market_key(one) != market_key(Reading("s", "fear_greed", 2, 5, 1.0))
    assert market_key(one) != market_key(Reading("t", "fear_greed", 1, 5, 1.0))
    calendar = EventCalendar("a", 1, 1, ())
    assert market_key(calendar) == market_key(EventCalendar("a", 2, 2, ()))
    assert market_key(calendar) != market_key(EventCalendar("b", 1, 1, ()))
    watched = WatchList("a", BTC, 1, 1, ())
    assert market_key(watched) == market_key(WatchList("a", BTC, 2, 2, (WHALE,)))
    assert market_key(watched) != market_key(WatchList("a", "ETH/USDT:USDT", 1, 1, ()))


def test_a_deleveraged_position_is_a_flag_on_the_market_for_an_hour() -> None:
    kernel = Kernel(Policy(), (), "run00001")
    for minute in range(1, 60 * 60 // 5):
        ns = START_NS - (720 - minute) * 300 * 10**9
        candle = Candle(BTC, ns, ns, 300, 78_000.0, 78_010.0, 77_990.0, 78_000.0, 9.0, True)
        kernel.step(candle)
    fill = Fill(
        symbol=BTC, trade_id="1", client_order_id="adl_autoclose", venue_order_id="1",
        side=OrderSide.SELL, position_side=PositionSide.LONG, qty=Decimal("0.1"),
        price=Decimal(78_000), fee_usd=Decimal(0), realized_pnl_usd=Decimal(0), is_maker=False,
        event_ns=START_NS, received_ns=START_NS, is_adl=True,
    )  # fmt: skip
    kernel.step(fill)
    for wait_ns, flags in ((1, ("auto-deleveraging",)), (NS_PER_H + 60 * 10**9, ())):
        kernel.step(TimerFired("second", START_NS + wait_ns, START_NS + wait_ns))
        found = kernel.state.sensed[BTC].assessment
        assert found is not None
        assert found.systemic == flags
        if flags:
            assert (found.threat, found.threat_short) == (5, 5)
