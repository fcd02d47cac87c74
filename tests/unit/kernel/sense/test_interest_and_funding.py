"""Open interest by venue, quadrants, and funding with its intervals, history and flips."""

import math

import pytest

from bot.domain.market import FundingRate, OpenInterest
from bot.kernel.assess.quadrants import quadrant_name
from bot.kernel.observe import baselines, funding, open_interest
from bot.kernel.sensed import Senses
from tests.unit.kernel.sense.tape import POLICY, SYMBOL

MIN, H = 60 * 10**9, 3_600 * 10**9
DAY = 24 * H
START = 20_000 * DAY


def open_at(senses: Senses, ns: int, qty: float, venue: str = "binance") -> bool:
    return open_interest.on_open_interest(senses, OpenInterest(SYMBOL, ns, ns, venue, qty))


def paid(
    senses: Senses, ns: int, rate: float, venue: str = "binance", h: int = 8, settled: bool = True
) -> bool:
    event = FundingRate(SYMBOL, ns, ns, venue, rate, h * 3_600, settled)
    return funding.on_funding(senses, event)


class TestInterest:
    def walk(self, *, gone: str = "", quits_h: int = 30, hours: int = 49) -> Senses:
        senses = Senses(symbol=SYMBOL)
        for hour in range(hours):
            for venue, qty in (("binance", 90_000.0), ("hyperliquid", 20_000.0)):
                if venue != gone or hour < quits_h:
                    open_at(senses, START + hour * H, qty * (0.999**hour), venue)
        return senses

    def test_change_over_a_day(self) -> None:
        senses = self.walk()
        found = open_interest.change(senses.open_interest, START + 48 * H, 86_400)
        assert found.log_change == pytest.approx(24 * math.log(0.999))
        assert (found.venues, found.coverage) == (("binance", "hyperliquid"), 1.0)

    def test_a_small_venue_gone_is_no_flush_and_a_large_one_is_no_answer(self) -> None:
        sense = self.walk(gone="hyperliquid").open_interest
        found = open_interest.change(sense, START + 48 * H, 86_400)
        assert found.log_change == pytest.approx(24 * math.log(0.999))
        assert found.venues == ("binance",)
        sense = self.walk(gone="binance").open_interest
        assert open_interest.change(sense, START + 48 * H, 86_400) is None

    def test_a_venue_that_comes_back_is_compared_with_itself(self) -> None:
        senses = self.walk(gone="hyperliquid", quits_h=20, hours=40)
        open_at(senses, START + 40 * H, 90_000.0)
        open_at(senses, START + 40 * H, 1.0, "hyperliquid")
        open_at(senses, START + 41 * H, 90_000.0)
        open_at(senses, START + 41 * H, 19_000.0, "hyperliquid")
        found = open_interest.change(senses.open_interest, START + 41 * H, 86_400)
        assert abs(found.log_change) < 0.08

    def test_a_wild_jump_waits_for_a_second_reading(self) -> None:
        senses = self.walk(hours=3)
        assert not open_at(senses, START + 3 * H, 90.0)
        assert senses.open_interest.venues["binance"].qty > 80_000.0
        assert not open_at(senses, START + 4 * H, 500_000.0)
        assert open_at(senses, START + 5 * H, 510_000.0)
        assert senses.open_interest.venues["binance"].qty == 510_000.0

    def test_aggregates_are_never_summed_with_venues(self) -> None:
        senses = self.walk(hours=3)
        open_at(senses, START + 2 * H, 700_000.0, "all-market-daily")
        open_at(senses, START + 2 * H, 300_000.0, "binance+bybit")
        names = [v.venue for v in open_interest.present(senses.open_interest, START + 2 * H)]
        assert names == ["binance", "hyperliquid"]
        alone = Senses(symbol=SYMBOL)
        open_at(alone, START, 700_000.0, "all-market-daily")
        names = [v.venue for v in open_interest.present(alone.open_interest, START)]
        assert names == ["all-market-daily"]

    def test_constant_coins_are_no_unwind_whatever_price_does(self) -> None:
        senses = Senses(symbol=SYMBOL)
        for hour in range(49):
            open_at(senses, START + hour * H, 100_000.0)
        assert open_interest.change(senses.open_interest, START + 48 * H, 86_400).log_change == 0.0

    def test_age_limit_follows_the_venue_s_own_pace(self) -> None:
        senses = Senses(symbol=SYMBOL)
        for step in range(10):
            open_at(senses, START + step * 5 * MIN, 100.0)
        last = START + 45 * MIN
        assert open_interest.present(senses.open_interest, last + 10 * MIN)
        assert not open_interest.present(senses.open_interest, last + 10 * MIN + 1)

    def test_short_horizons_are_exact_with_frequent_readings(self) -> None:
        senses = Senses(symbol=SYMBOL)
        for step in range(60):
            open_at(senses, START + step * MIN, 1_000.0 + step)
        found = open_interest.change(senses.open_interest, START + 59 * MIN, 900)
        assert found.log_change == pytest.approx(math.log(1_059 / 1_040))

    @pytest.mark.parametrize(
        ("price_z", "oi_z", "name"),
        [
            (1, 1, "long build-up"), (-1, 1, "short build-up"), (-1, -1, "long unwinding"),
            (1, -1, "short covering"), (0.4, 3, "neutral"), (3, -0.4, "neutral"),
        ],
    )  # fmt: skip
    def test_quadrants(self, price_z: float, oi_z: float, name: str) -> None:
        assert quadrant_name(price_z, oi_z) == name


class TestFunding:
    @pytest.mark.parametrize(
        ("rate", "h", "per_8h"), [(1e-4, 8, 1e-4), (1.25e-5, 1, 1e-4), (-5e-4, 4, -1e-3)]
    )
    def test_rates_are_told_per_eight_hours_by_their_own_interval(self, rate, h, per_8h) -> None:
        senses = Senses(symbol=SYMBOL)
        paid(senses, START, rate, h=h, settled=False)
        now = funding.funding_now(senses, START)
        assert now.mean_8h == pytest.approx(per_8h)
        assert now.apr == pytest.approx(rate * 8_760 / h)
        assert now.source == "predicted"

    def test_the_mean_weighs_by_open_interest(self) -> None:
        senses = Senses(symbol=SYMBOL)
        open_at(senses, START, 90.0)
        open_at(senses, START, 10.0, "hyperliquid")
        paid(senses, START, -1e-4)
        paid(senses, START, 1e-4, "hyperliquid")
        now = funding.funding_now(senses, START)
        assert now.mean_8h == pytest.approx(-0.8e-4)
        assert now.negative_share == pytest.approx(0.9)
        assert now.negative_across_venues
        assert now.largest_weight == pytest.approx(0.9)
        assert (now.low_8h, now.high_8h) == pytest.approx((-1e-4, 1e-4))

    def test_a_mad_venue_is_drawn_in(self) -> None:
        assert funding.winsorised([1e-4, 1.1e-4, 5e-3])[2] == pytest.approx(2.1e-4)
        assert funding.winsorised([1e-4, 5e-3]) == [1e-4, 5e-3]

    def test_hourly_settlements_become_a_mean_of_hours(self) -> None:
        senses = Senses(symbol=SYMBOL)
        for hour in range(48):
            paid(senses, START + hour * H, 1e-5, "hyperliquid", h=1)
        paid(senses, START + 48 * H, 1e-4, "hyperliquid", h=1)
        now = funding.funding_now(senses, START + 48 * H)
        assert now.mean_8h == pytest.approx(8e-5 + (8e-4 - 8e-5) / 8)

    def test_a_predicted_rate_stands_two_hours_then_the_settled_one(self) -> None:
        senses = Senses(symbol=SYMBOL)
        paid(senses, START, 1e-4)
        paid(senses, START + H, 3e-4, settled=False)
        assert funding.funding_now(senses, START + 2 * H).mean_8h == pytest.approx(3e-4)
        assert funding.funding_now(senses, START + 4 * H).mean_8h == pytest.approx(1e-4)
        assert funding.funding_now(senses, START + 15 * H) is None

    def history(self, rates: list[float]) -> Senses:
        senses = Senses(symbol=SYMBOL)
        for slot, rate in enumerate(rates):
            paid(senses, START + slot * 8 * H, rate)
        return senses

    def test_the_spread_has_a_floor_because_funding_sticks(self) -> None:
        senses = self.history([1e-4] * 60)
        baselines.renew(senses, START + 60 * 8 * H, POLICY)
        assert senses.baselines.funding_med == pytest.approx(1e-4)
        assert senses.baselines.funding_sd == funding.SPREAD_MIN_FRAC

    def test_a_flip_is_held_for_two_settlements(self) -> None:
        plus, minus, nothing = 1e-4, -1e-4, 1e-5
        assert self.history([plus] * 4 + [minus] * 2).funding.sign == 1
        senses = self.history([plus] * 4 + [minus] * 3)
        assert senses.funding.sign == -1
        assert senses.funding.flipped_ns == START + 6 * 8 * H
        assert self.history([plus] * 4 + [minus, plus] * 4).funding.sign == 1
        assert self.history([plus] * 4 + [nothing] * 9).funding.sign == 1

    def test_lowest_since_and_percentile(self) -> None:
        senses = self.history([1e-4, -3e-4, 2e-4, -1e-4, 1e-4, 5e-5])
        since = funding.lowest_since_ns
        assert since(senses.funding, -2e-4) == START + 2 * 8 * H
        assert since(senses.funding, -4e-4) is None
        assert since(senses.funding, -1e-4) == START + 4 * 8 * H
        assert funding.percentile(senses.funding, 0.0) is None
        rates = [1e-6 * n for n in range(300)]
        rank = funding.percentile(self.history(rates).funding, 1e-6 * 75)
        assert rank == pytest.approx(0.25, abs=0.01)

    def test_carry_and_squeeze(self) -> None:
        assert funding.carry_frac(1e-4, 1, 24.0) == pytest.approx(3e-4)
        assert funding.carry_frac(1e-4, -1, 8.0) == pytest.approx(-1e-4)
        assert funding.squeeze_risk(-2.5, 0.7, 0.1)
        assert not funding.squeeze_risk(-2.5, -0.7, 0.1)
        assert not funding.squeeze_risk(None, 0.7, 0.1)
