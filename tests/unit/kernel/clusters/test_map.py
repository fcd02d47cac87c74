"""The estimated map: what opens it, what eats it, and what it never claims."""

import math

import msgspec
import pytest

from bot.kernel.clusters import map as fuel
from bot.kernel.clusters.grid import cell, price_of
from bot.kernel.clusters.state import ClusterMap, PointMass

HOUR_NS = 3_600 * 10**9
PRICE = 80_000.0


def bar(
    state: ClusterMap,
    hour: int,
    close: float = PRICE,
    *,
    high: float | None = None,
    low: float | None = None,
    volume: float = 1_000.0,
) -> fuel.Eaten:
    """Feed the bar that closes at `hour`."""
    return fuel.fold(
        state,
        close_ns=hour * HOUR_NS,
        high=high or max(close, PRICE if hour == 1 else close),
        low=low or close,
        close=close,
        volume=volume,
    )


def filled(hours: int = 50) -> ClusterMap:
    state = ClusterMap()
    for hour in range(1, hours + 1):
        price = PRICE * (1.0 + 0.01 * math.sin(hour / 5.0))
        bar(state, hour, price, high=price * 1.002, low=price * 0.998)
    return state


class TestOpening:
    def test_both_sides_gain_the_same_coins(self) -> None:
        state = ClusterMap()
        bar(state, 1)
        longs, shorts = fuel.totals(state)
        assert longs == pytest.approx(shorts) == pytest.approx(0.05 * 1_000.0)

    def test_the_weights_are_all_of_it(self) -> None:
        assert sum(fuel.LEVERAGE_WEIGHTS.values()) == pytest.approx(1.0)

    def test_liquidation_prices_are_those_of_isolated_margin(self) -> None:
        state = ClusterMap()
        bar(state, 1)
        assert cell(80_000.0 * 0.9 / 0.996) in state.longs
        assert cell(80_000.0 * 1.1 / 1.004) in state.shorts

    def test_open_interest_beyond_the_volume_opens_more(self) -> None:
        state = ClusterMap()
        bar(state, 1, volume=0.0)
        fuel.on_open_interest(state, 1_000.0, HOUR_NS, 0.0)
        assert fuel.totals(state) == (0.0, 0.0)
        bar(state, 2, volume=400.0)
        fuel.on_open_interest(state, 1_050.0, 2 * HOUR_NS, 400.0)
        assert fuel.totals(state) == pytest.approx((50.0, 50.0))

    def test_open_interest_that_falls_closes_both_sides_alike(self) -> None:
        state = filled()
        fuel.on_open_interest(state, 10_000.0, 50 * HOUR_NS, 0.0)
        before = fuel.totals(state)
        fuel.on_open_interest(state, 9_000.0, 51 * HOUR_NS, 0.0)
        assert fuel.totals(state) == pytest.approx(tuple(0.9 * total for total in before))

    def test_what_was_eaten_explains_a_fall_of_open_interest(self) -> None:
        state = filled()
        fuel.on_open_interest(state, 10_000.0, 50 * HOUR_NS, 0.0)
        eaten = bar(state, 51, PRICE * 0.9, high=PRICE, low=PRICE * 0.9, volume=0.0)
        before = fuel.totals(state)
        fuel.on_open_interest(state, 10_000.0 - eaten.long_qty, 51 * HOUR_NS, 0.0)
        assert fuel.totals(state) == pytest.approx(before)

    def test_no_side_holds_more_than_all_open_interest(self) -> None:
        state = filled()
        fuel.on_open_interest(state, 100.0, 50 * HOUR_NS, 0.0)
        assert fuel.totals(state) == pytest.approx((100.0, 100.0))

    @pytest.mark.parametrize("factor", [0.5, 1.3, 100.0])
    def test_a_change_of_unit_opens_and_closes_nothing(self, factor: float) -> None:
        state = filled()
        fuel.on_open_interest(state, 10_000.0, 50 * HOUR_NS, 0.0)
        before = fuel.totals(state)
        fuel.on_open_interest(state, 10_000.0 * factor, 51 * HOUR_NS, 0.0)
        assert fuel.totals(state) == before
        assert state.open_interest_qty == 10_000.0 * factor

    def test_a_repeated_late_or_broken_reading_is_nothing(self) -> None:
        state = filled()
        fuel.on_open_interest(state, 10_000.0, 50 * HOUR_NS, 0.0)
        before = msgspec.msgpack.encode(state)
        for qty, hour in ((9_000.0, 50), (9_000.0, 49), (0.0, 51), (math.nan, 51), (-1.0, 51)):
            fuel.on_open_interest(state, qty, hour * HOUR_NS, 0.0)
        assert msgspec.msgpack.encode(state) == before

    def test_a_cold_map_starts_from_a_profile_and_says_so(self) -> None:
        state = ClusterMap()
        fuel.cold_start(state, [(79_000.0, 3.0), (81_000.0, 1.0)], PRICE, 1_000.0)
        longs, shorts = fuel.totals(state)
        assert 400.0 < longs <= 500.0
        assert 400.0 < shorts <= 500.0
        assert max(state.longs) < cell(PRICE) < min(state.shorts)
        assert fuel.warmth(state, HOUR_NS) == 0.0
        bar(state, 1)
        assert fuel.warmth(state, 85 * HOUR_NS) == pytest.approx(0.5)


class TestEating:
    def test_a_ten_per_cent_bar_leaves_nothing_above_its_low(self) -> None:
        state = filled()
        before = fuel.totals(state)
        eaten = bar(state, 51, PRICE * 0.9, high=PRICE, low=PRICE * 0.9)
        assert 0.3 * before[0] < eaten.long_qty < before[0]
        assert eaten.short_qty == 0.0
        assert all(price_of(index) < PRICE * 0.9 for index in state.longs)
        assert sum(state.longs.values()) > 0.0

    def test_a_rally_eats_the_shorts(self) -> None:
        state = filled()
        eaten = bar(state, 51, PRICE * 1.1, high=PRICE * 1.1, low=PRICE)
        assert eaten.short_qty > 0.0
        assert eaten.long_qty == 0.0
        assert all(price_of(index) > PRICE * 1.1 for index in state.shorts)

    def test_a_real_liquidation_takes_what_it_explains(self) -> None:
        state = filled()
        longs, shorts = fuel.totals(state)
        at = PRICE * 0.9 / 0.996
        assert fuel.on_liquidation(state, is_long=True, price=at, qty=5.0) == pytest.approx(5.0)
        assert fuel.totals(state) == pytest.approx((longs - 5.0, shorts))
        explained = fuel.on_liquidation(state, is_long=True, price=at, qty=1e9)
        assert 0.0 < explained < longs
        assert fuel.totals(state)[0] == pytest.approx(longs - 5.0 - explained)
        assert fuel.on_liquidation(state, is_long=True, price=at, qty=1.0) == 0.0

    def test_time_halves_it_in_a_week(self) -> None:
        state = filled()
        before = fuel.totals(state)
        now = 50 + 168
        fuel.fold(state, close_ns=now * HOUR_NS, high=PRICE, low=PRICE, close=PRICE, volume=0.0)
        assert fuel.totals(state) == pytest.approx(tuple(0.5 * total for total in before))

    def test_decay_goes_on_for_years(self) -> None:
        state = filled()
        for week in range(2, 60):
            now = 168 * week * HOUR_NS
            fuel.fold(state, close_ns=now, high=PRICE, low=PRICE, close=PRICE, volume=1.0)
        assert 1e-7 < state.scale <= 1.0
        assert fuel.totals(state)[0] == pytest.approx(0.1, rel=0.01)

    def test_known_positions_go_when_price_gets_there(self) -> None:
        state = filled()
        whales = [
            PointMass(label="one", is_long=True, price=72_000.0, qty=500.0),
            PointMass(label="two", is_long=True, price=60_000.0, qty=500.0),
            PointMass(label="bad", is_long=True, price=math.nan, qty=500.0),
        ]
        fuel.watch(state, whales)
        assert [point.label for point in state.points] == ["one", "two"]
        bar(state, 51, 71_000.0, high=PRICE, low=71_000.0)
        assert [point.label for point in state.points] == ["two"]

    def test_a_position_that_price_jumped_over_stays_away_until_seen_again(self) -> None:
        state = filled()

        def told(known_h: int, source: str = "list") -> list[str]:
            known_ns = known_h * HOUR_NS
            whales = [
                PointMass(label="one", is_long=True, price=72_000.0, qty=5.0, source=source,
                          known_ns=known_ns),
                PointMass(label="short", is_long=False, price=90_000.0, qty=5.0, source=source,
                          known_ns=known_ns),
            ]  # fmt: skip
            fuel.watch(state, whales, source)
            return [f"{point.source} {point.label}" for point in state.points]

        assert told(40) == ["list one", "list short"]
        bar(state, 51, 65_000.0, high=65_100.0, low=64_900.0)
        assert [point.label for point in state.points] == ["short"]
        bar(state, 52, PRICE)
        assert told(40) == ["list short"]
        assert told(51) == ["list short"]
        assert told(52) == ["list one", "list short"]
        assert told(52, "other") == ["list one", "list short", "other one", "other short"]
        fuel.watch(state, [], "list")
        assert [point.source for point in state.points] == ["other", "other"]

    def test_a_liquidation_price_that_lies_behind_price_is_none(self) -> None:
        state = filled()
        refused = state.refused
        wrong = [
            PointMass(label="a", is_long=True, price=PRICE * 1.1, qty=5.0),
            PointMass(label="b", is_long=False, price=PRICE * 0.9, qty=5.0),
        ]
        fuel.watch(state, wrong)
        assert (state.points, state.refused) == ([], refused + 2)

    def test_what_nobody_sees_again_fades_and_is_forgotten(self) -> None:
        state = filled()
        whale = PointMass(label="one", is_long=True, price=60_000.0, qty=8.0, known_ns=50 * HOUR_NS)
        fuel.watch(state, [whale])
        assert fuel.live_qty(whale, 50 * HOUR_NS) == 8.0
        assert fuel.live_qty(whale, (50 + 168) * HOUR_NS) == pytest.approx(4.0)
        bar(state, 50 + 168, PRICE)
        assert state.points == [whale]
        bar(state, 50 + 8 * 168, PRICE)
        assert state.points == []


BAD = [math.nan, math.inf, 0.0, -1.0]


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_bar_changes_nothing_but_the_count(bad: float) -> None:
    state = filled()
    longs, shorts = dict(state.longs), dict(state.shorts)
    good = {"high": PRICE, "low": PRICE, "close": PRICE, "volume": 1.0}
    changes = [{key: bad} for key in good if not (key == "volume" and bad == 0.0)]
    for change in changes:
        eaten = fuel.fold(state, close_ns=51 * HOUR_NS, **{**good, **change})
        assert eaten == fuel.NOTHING
    assert fuel.on_liquidation(state, is_long=True, price=bad, qty=1.0) == 0.0
    assert fuel.on_liquidation(state, is_long=True, price=PRICE, qty=bad) == 0.0
    assert (state.longs, state.shorts) == (longs, shorts)
    assert state.refused == len(changes) + 2
    assert fuel.fold(state, close_ns=50 * HOUR_NS, **good) == fuel.NOTHING


def test_the_map_survives_a_freeze() -> None:
    state = filled()
    fuel.on_open_interest(state, 10_000.0, 50 * HOUR_NS, 0.0)
    thawed = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=ClusterMap)
    for each in (state, thawed):
        bar(each, 51, PRICE * 0.95, high=PRICE, low=PRICE * 0.95)
    assert msgspec.msgpack.encode(state) == msgspec.msgpack.encode(thawed)
