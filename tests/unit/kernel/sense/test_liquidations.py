"""Liquidation sums, their sources, what a throttle hides, baselines and the burst alarm."""

from functools import lru_cache

import numpy as np
import pytest

from bot.domain.market import Liquidation, LiquidationSum, TradeBucket
from bot.domain.orders import PositionSide
from bot.kernel.observe import liquidations, rings, throttle, totals
from bot.kernel.observe.baselines import liq_base_usd
from bot.kernel.sensed import AssetPriors, Peak, Senses, Sizes
from tests.unit.kernel.sense.tape import POLICY, SYMBOL

S, MIN, H = 10**9, 60 * 10**9, 3_600 * 10**9
DAY = 24 * H
START = 20_000 * DAY


def printed(
    senses: Senses,
    ns: int,
    usd: float,
    *,
    venue: str = "bybit",
    long: bool = True,
    key: float = 1.0,
) -> bool:
    side = PositionSide.LONG if long else PositionSide.SHORT
    event = Liquidation(SYMBOL, ns, ns, venue, side, usd / key, key)
    return liquidations.on_liquidation(senses, event, POLICY)


def hourly(senses: Senses, ns: int, longs: float, shorts: float, venue: str = "a+b") -> None:
    event = LiquidationSum(SYMBOL, ns, ns, venue, 3_600, longs, shorts)
    assert liquidations.on_liquidation_sum(senses, event)


class TestSums:
    def test_a_total_says_what_it_is(self) -> None:
        senses = Senses(symbol=SYMBOL)
        printed(senses, START, 1_000.0)
        printed(senses, START + S, 500.0, venue="okx", long=False)
        total = totals.window_total(senses, 3_600, START + 2 * S)
        assert total is not None
        assert (total.asset, total.window_s, total.source) == ("BTC", 3_600, "prints")
        assert total.venues == ("bybit", "okx")
        assert (total.long_usd, total.short_usd) == (1_000.0, 500.0)
        assert total.long_share == pytest.approx(2 / 3)
        assert totals.window_total(Senses(symbol=SYMBOL), 60, START) is None

    def test_no_window_but_those_kept(self) -> None:
        with pytest.raises(KeyError, match="no rolling window of 61 s"):
            totals.window_total(Senses(symbol=SYMBOL), 61, START)

    def test_concentration_over_venues(self) -> None:
        senses = Senses(symbol=SYMBOL)
        for venue, usd in (("hyperliquid", 1_100.0), ("binance", 900.0), ("bybit", 560.0)):
            printed(senses, START, usd, venue=venue)
        hhi, most = totals.concentration(totals.by_venue(senses, 86_400, START))
        assert most == pytest.approx(1_100 / 2_560)
        assert most > totals.CONCENTRATED_FRAC
        assert hhi == pytest.approx((1_100**2 + 900**2 + 560**2) / 2_560**2)
        assert totals.concentration([]) == (None, None)

    def test_acceleration_and_intensity(self) -> None:
        assert totals.acceleration(144e6, 659e6) == pytest.approx(5.24, abs=0.01)
        assert totals.acceleration(None, 659e6) is None
        assert totals.acceleration(1.0, 0.0) is None
        senses = Senses(symbol=SYMBOL)
        printed(senses, START, 788.0)
        total = totals.window_total(senses, 86_400, START)
        assert totals.intensity(total, 52_500.0) == pytest.approx(0.015, abs=1e-4)
        assert totals.intensity(total, None) is None

    def test_a_down_venue_is_left_out_and_said(self) -> None:
        senses = Senses(symbol=SYMBOL)
        printed(senses, START, 10.0)
        printed(senses, START, 20.0, venue="okx")
        liquidations.on_venue(senses, "okx", live=False)
        now = totals.now_of(senses.liquidations, START)
        assert now.missing_venues == ("okx",)
        assert now.long_24h == 10.0
        liquidations.on_venue(senses, "bybit", live=False)
        assert totals.now_of(senses.liquidations, START) is None


class TestScopes:
    def test_prints_that_cover_the_day_come_before_a_vendor(self) -> None:
        senses = Senses(symbol=SYMBOL)
        for hour in range(1, 31):
            hourly(senses, START + hour * H, 100.0, 0.0)
        printed(senses, START + 25 * H, 5.0)
        printed(senses, START + 26 * H, 7.0)
        liquidations.roll(senses.liquidations, START + 30 * H, POLICY)
        assert totals.now_of(senses.liquidations, START + 30 * H).source == "a+b/3600"
        liquidations.roll(senses.liquidations, START + 49 * H, POLICY)
        now = totals.now_of(senses.liquidations, START + 49 * H)
        assert (now.source, now.long_24h) == ("prints", 7.0)

    def test_a_vendor_is_believed_two_windows_long(self) -> None:
        senses = Senses(symbol=SYMBOL)
        for hour in range(1, 25):
            hourly(senses, START + hour * H, 100.0, 20.0)
        now = totals.now_of(senses.liquidations, START + 26 * H)
        assert (now.long_24h, now.short_24h, now.last_1h) == (2_400.0, 480.0, None)
        assert totals.now_of(senses.liquidations, START + 26 * H + 1) is None

    def test_missing_hours_are_gaps_and_not_zeros(self) -> None:
        senses = Senses(symbol=SYMBOL)
        for hour in range(1, 25):
            if hour not in {5, 6, 7, 8, 9, 10}:
                hourly(senses, START + hour * H, 100.0, 0.0)
        now = totals.now_of(senses.liquidations, START + 24 * H)
        assert now.long_24h == pytest.approx(2_400.0)
        assert now.coverage == pytest.approx(0.75)
        hollow = Senses(symbol=SYMBOL)
        for hour in (1, 2, 3):
            hourly(hollow, START + hour * H, 100.0, 0.0)
        assert totals.now_of(hollow.liquidations, START + 3 * H) is None

    def test_a_corrected_window_replaces_itself(self) -> None:
        senses = Senses(symbol=SYMBOL)
        for hour in range(1, 25):
            hourly(senses, START + hour * H, 100.0, 0.0)
        hourly(senses, START + 12 * H, 700.0, 0.0)
        now = totals.now_of(senses.liquidations, START + 24 * H)
        assert now.long_24h == pytest.approx(3_000.0)

    def test_daily_totals_of_a_larger_scope_are_never_added(self) -> None:
        senses = Senses(symbol=SYMBOL)
        for hour in range(1, 25):
            hourly(senses, START + hour * H, 100.0, 0.0)
        day = LiquidationSum(SYMBOL, START + DAY, START + DAY, "all-market", 86_400, 9e6, 1e6)
        assert liquidations.on_liquidation_sum(senses, day)
        assert totals.now_of(senses.liquidations, START + DAY).long_24h == pytest.approx(2_400.0)
        late = totals.now_of(senses.liquidations, START + 2 * DAY)
        assert (late.source, late.long_24h) == ("all-market/86400", 9e6)


class TestBaseline:
    def test_the_median_lags_a_day_and_ignores_the_crash(self) -> None:
        senses = Senses(symbol=SYMBOL)
        for hour in range(1, 20 * 24 + 1):
            hourly(senses, START + hour * H, 100.0 if hour <= 19 * 24 else 1e6, 0.0)
        now = START + 20 * DAY
        liquidations.renew_base(senses.liquidations, now // H, now)
        series = senses.liquidations.series["a+b/3600"]
        assert series.base_usd == pytest.approx(2_400.0)
        assert 17.0 < series.base_days < 19.1

    def test_a_prior_by_open_interest_until_three_days_are_known(self) -> None:
        priors = AssetPriors(liq_day_of_oi=0.002)
        assert liq_base_usd(5e6, 2.9, 1e9, priors) == (pytest.approx(2e6), True)
        assert liq_base_usd(5e6, 3.0, 1e9, priors) == (5e6, False)
        assert liq_base_usd(1.0, 9.0, 1e9, priors) == (pytest.approx(1e5), False)
        assert liq_base_usd(None, 0.0, None, priors) == (None, True)
        assert liq_base_usd(0.0, 9.0, None, priors) == (1.0, False)


def test_highest_since() -> None:
    peaks: list[Peak] = []
    for day, usd in enumerate([5.0, 19.0, 3.0, 8.0, 2.0, 4.0]):
        rings.note_high(peaks, day, usd)
    assert [(p.ns, p.value) for p in peaks] == [(1, 19.0), (3, 8.0), (5, 4.0)]
    asked = (20.0, 19.0, 10.0, 8.0, 1.0)
    assert [rings.highest_since(peaks, usd) for usd in asked] == [None, 1, 1, 3, 5]


@lru_cache(maxsize=1)
def taught() -> Sizes:
    """Return the sizes of a venue that shows every liquidation."""
    sizes = Sizes()
    for usd in np.exp(np.random.default_rng(7).normal(8.3, 1.6, 20_000)):
        throttle.learn(sizes, float(usd), START)
    return sizes


class TestThrottle:
    @pytest.mark.parametrize("rate", [1.0, 3.0, 10.0, 50.0])
    def test_the_largest_of_each_second_gives_the_total_back(self, rate: float) -> None:
        random = np.random.default_rng(int(rate))
        ratios = []
        for _ in range(30):
            true, shown = 0.0, []
            for count in random.poisson(rate, 600):
                if count:
                    usd = np.exp(random.normal(8.3, 1.6, count))
                    true += float(usd.sum())
                    shown.append(float(usd.max()))
            guess, _ = throttle.estimate_usd("largest", shown, taught(), 600)
            assert guess >= sum(shown)
            ratios.append(guess / true)
        assert float(np.median(ratios)) == pytest.approx(1.0, abs=0.12)

    def test_a_quiet_minute_needs_no_correction(self) -> None:
        assert throttle.estimate_usd("largest", [100.0] * 30, taught(), 60) == (3_000.0, False)
        assert throttle.estimate_usd("latest", [], None, 60) == (0.0, False)

    def test_latest_mode_and_its_ceiling(self) -> None:
        half, full = throttle.estimate_usd("latest", [10.0] * 40, None, 60)
        assert half == pytest.approx(60 * np.log(3.0) * 10.0)
        assert not full
        assert throttle.estimate_usd("latest", [10.0] * 60, None, 60)[1]

    def test_without_a_teacher_it_only_says_that_something_is_hidden(self) -> None:
        assert throttle.estimate_usd("largest", [10.0] * 60, Sizes(), 60) == (600.0, True)

    def test_sizes_are_forgotten_after_two_weeks(self) -> None:
        sizes = Sizes()
        for week, usd in enumerate((8.0, 16.0, 32.0)):
            throttle.learn(sizes, usd, START + week * 7 * DAY)
        assert sizes.number + sizes.past_number == 2
        shares = [throttle.above(sizes, usd) for usd in (16.0, 32.0, 64.0)]
        assert shares == [1.0, 0.5, 0.0]
        throttle.learn(sizes, 8.0, START + 10 * 7 * DAY)
        assert sizes.past_number == 0

    def test_an_estimate_stands_beside_what_was_seen(self) -> None:
        senses = Senses(symbol=SYMBOL)
        for n in range(400):
            printed(senses, START + n * S, 1_000.0 + n)
        begin = START + 10 * MIN
        for second in range(60):
            printed(senses, begin + second * S, 2_000.0 + second, venue="binance")
        now = begin + 66 * S
        liquidations.roll(senses.liquidations, now, POLICY)
        only = next(t for t in totals.by_venue(senses, 3_600, now) if t.venues == ("binance",))
        assert only.usd == pytest.approx(sum(2_000.0 + s for s in range(60)))
        assert only.estimated_usd > only.usd
        assert only.confidence == pytest.approx(only.usd / only.estimated_usd)
        whole = next(t for t in totals.by_venue(senses, 3_600, now) if t.venues == ("bybit",))
        assert (whole.estimated_usd, whole.confidence) == (whole.usd, 1.0)

    def test_no_more_is_forced_than_was_traded(self) -> None:
        senses = Senses(symbol=SYMBOL)
        for n in range(400):
            printed(senses, START + n * S, 1_000.0 + n)
        begin = START + 10 * MIN
        printed(senses, begin - 90 * S, 2_000.0, venue="binance")
        for ns, qty in ((begin - 80 * S, 1.0), (begin + S, 5.0)):
            sold = TradeBucket(SYMBOL, ns, ns, 9, qty, 1.0, 32_500.0, 32_500.0, 32_500.0)
            liquidations.on_trade(senses, "binance", sold)
        for second in range(60):
            printed(senses, begin + second * S, 2_000.0 + second, venue="binance")
        liquidations.roll(senses.liquidations, begin + 66 * S, POLICY)
        only = totals.by_venue(senses, 300, begin + 66 * S)[0]
        assert only.venues == ("binance",)
        assert only.estimated_usd == pytest.approx(2_000.0 + 130_000.0)

    def test_an_estimate_above_what_can_have_closed_is_doubted(self) -> None:
        senses = Senses(symbol=SYMBOL)
        printed(senses, START, 1_000.0)
        total = totals.window_total(senses, 3_600, START)
        assert totals.doubted(total, 700.0, 0.0).confidence == 1.0
        assert totals.doubted(total, 500.0, 0.0).confidence == 0.5


class TestAlarm:
    def minutes(self, usd: list[float]) -> Senses:
        senses = Senses(symbol=SYMBOL)
        for minute, each in enumerate(usd):
            ns = START + minute * MIN
            if each:
                printed(senses, ns, each)
            liquidations.roll(senses.liquidations, ns + MIN + 5 * S, POLICY)
        return senses

    def test_a_steady_trickle_never_rings(self) -> None:
        random = np.random.default_rng(3)
        senses = self.minutes([float(x) for x in np.exp(random.normal(10.0, 0.5, 600))])
        assert senses.liquidations.alarm_ns == 0
        assert abs(senses.liquidations.alarm_z) < 4.0

    def test_a_burst_rings_and_does_not_teach_the_baseline(self) -> None:
        random = np.random.default_rng(3)
        quiet = [float(x) for x in np.exp(random.normal(10.0, 0.5, 300))]
        senses = self.minutes([*quiet, *[3e7] * 5])
        assert senses.liquidations.alarm_z >= 5.0
        assert senses.liquidations.alarm_ns == START + 305 * MIN
        assert senses.liquidations.alarm_mean < 10.5

    def test_nothing_rings_before_it_has_learned(self) -> None:
        assert self.minutes([0.0] * 60 + [1e9]).liquidations.alarm_ns == 0
