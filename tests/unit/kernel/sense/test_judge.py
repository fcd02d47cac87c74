"""The whole judgement: missing inputs, floors, flags, priors, words, and price's own measures."""

import math
from functools import lru_cache
from itertools import pairwise

import msgspec
import pytest

from bot.domain.market import (
    Candle,
    EventCalendar,
    EventWindow,
    FundingRate,
    OpenInterest,
    Reading,
)
from bot.kernel.assess import judge, words
from bot.kernel.assess.judge import Assessment
from bot.kernel.assess.severities import severities
from bot.kernel.assess.stress import known_share
from bot.kernel.observe import baselines, path, readings, rings
from bot.kernel.observe.path import block_of, join
from bot.kernel.sensed import PriceSense, Senses, priors_of
from tests.unit.kernel.sense.tape import POLICY, SYMBOL, judged, tell

S, MIN, H = 10**9, 60 * 10**9, 3_600 * 10**9
DAY = 24 * H
START = 20_000 * DAY
SETTLED, LAST = 30 * DAY, 34 * DAY


def tape(*, funding_until: int = LAST, symbol: str = SYMBOL) -> list:
    """Days of quiet hourly bars, then shorts pay heavily; funding may go silent."""
    events: list = []
    for hour in range(LAST // H):
        ns = START + hour * H
        price = 80_000.0 * (1.0 + 0.004 * math.sin(hour / 3.0))
        if hour % 8 == 0 and hour * H < funding_until:
            rate = (1e-4 if hour % 16 else 6e-5) if hour * H < SETTLED else -9e-4
            events.append(FundingRate(symbol, ns, ns, "binance", rate, 28_800, True))
        events.append(OpenInterest(symbol, ns, ns, "binance", 90_000.0 + 90.0 * (hour % 5)))
        if hour % 24 == 0:
            events.append(Reading("mood", "fear_greed", ns, ns, 18.0))
        bar = (price, price * 1.001, price * 0.999, price)
        events.append(Candle(symbol, ns + H, ns + H, 3_600, *bar, 1.0))
    return events


@lru_cache(maxsize=2)
def walk(**options: int) -> list[Assessment]:
    """Return the judgement at every bar of the tape."""
    return list(judged(tape(**options)))


class TestMissing:
    GONE = SETTLED + DAY

    def test_what_never_was_is_said_and_sets_no_floor(self) -> None:
        at = walk()[-1]
        assert {"option skew: not available", "liquidations: not available"} <= set(at.degraded)
        assert at.floor == 1
        assert known_share(at.severities) < 1.0

    def test_a_lost_input_carries_a_day_with_a_floor_and_is_said(self) -> None:
        whole, cut = walk(), walk(funding_until=self.GONE)
        for full, part in zip(whole, cut, strict=True):
            silent_ns = part.ns - (START + self.GONE)
            if 7 * H < silent_ns <= 24 * H:
                assert part.stress == full.stress
                assert part.severities == full.severities
            if 7 * H < silent_ns <= 29 * H and any("funding: missing" in d for d in part.degraded):
                assert part.threat >= max(full.threat, 3)
                assert "fund went missing" in part.floor_reasons
        assert any("funding: missing" in d for part in cut for d in part.degraded)
        assert "funding: not available" in cut[-1].degraded

    def test_no_threat_steps_down_because_an_input_went_missing(self) -> None:
        whole, cut = walk(), walk(funding_until=self.GONE)
        assert whole[-1].threat >= 2
        for full, part in zip(whole, cut, strict=True):
            if part.ns <= START + self.GONE + 2 * DAY:
                assert part.threat >= full.threat

    def test_without_price_it_is_four_and_without_anything_too(self) -> None:
        senses = Senses(symbol=SYMBOL)
        nothing = judge.assess(senses, START, POLICY)
        assert (nothing.pulse, nothing.threat, nothing.pulse_word) == (None, 4, "Unknown")
        for event in tape()[:200]:
            tell(senses, event)
        last = senses.price.close_ns
        assert judge.assess(senses, last + 2 * H, POLICY).threat == 1
        late = judge.assess(senses, last + 3 * H + 1, POLICY)
        assert late.threat == 4
        assert "no live price" in late.floor_reasons


class TestFloorsAndFlags:
    def quiet(self) -> Senses:
        senses = Senses(symbol=SYMBOL)
        for event in tape()[:200]:
            tell(senses, event)
        return senses

    def test_a_flag_is_severe_while_it_stands_and_an_hour_longer(self) -> None:
        senses = self.quiet()
        now = senses.price.close_ns
        judge.raise_flag(senses, "withdrawals halted")
        found = judge.assess(senses, now, POLICY)
        assert (found.threat, found.threat_short, found.systemic) == (5, 5, ("withdrawals halted",))
        judge.take_back_flag(senses, "withdrawals halted")
        assert judge.assess(senses, now + 59 * MIN, POLICY).threat == 5
        assert judge.assess(senses, now + 60 * MIN, POLICY).threat == 4

    def test_a_flag_ends_by_itself(self) -> None:
        senses = self.quiet()
        now = senses.price.close_ns
        judge.raise_flag(senses, "thin book", now + MIN)
        assert judge.standing_flags(senses, now) == ("thin book",)
        assert judge.standing_flags(senses, now + MIN) == ()

    def test_mark_and_index_apart_for_half_a_minute(self) -> None:
        senses = self.quiet()
        now = senses.price.close_ns
        judge.on_mark(senses, now, 80_000.0, 81_000.0)
        assert judge.standing_flags(senses, now + 29 * S) == ()
        assert judge.standing_flags(senses, now + 30 * S) == ("mark and index apart",)
        judge.on_mark(senses, now + 31 * S, 80_000.0, None)
        judge.on_mark(senses, now + 31 * S, math.nan, 80_000.0)
        assert senses.dislocated_ns == now
        judge.on_mark(senses, now + 32 * S, 80_000.0, 80_100.0)
        assert judge.standing_flags(senses, now + 90 * S) == ()

    def test_an_event_window_is_a_floor(self) -> None:
        senses = self.quiet()
        now = senses.price.close_ns
        window = EventWindow("rate decision", now, now + H, 3)
        judge.on_calendar(senses, EventCalendar("calendar", now - H, now - H, (window,)))
        assert judge.assess(senses, now - MIN, POLICY).threat == 1
        found = judge.assess(senses, now, POLICY)
        words_of_it = ("announced event: rate decision (calendar)",)
        assert (found.threat, found.threat_short, found.floor_reasons) == (3, 3, words_of_it)
        assert any("rate decision" in line for line in words.evidence(found))
        assert judge.assess(senses, now + H, POLICY).threat == 1

    def test_windows_of_others_upside_down_or_taken_back_do_nothing(self) -> None:
        senses = self.quiet()
        now = senses.price.close_ns
        for window in (
            EventWindow("upside down", now + H, now, 3),
            EventWindow("empty", now, now, 5),
            EventWindow("no such threat", now, now + H, 6),
            EventWindow("of another", now, now + H, 4, "DOGE/USDT:USDT"),
        ):
            judge.on_calendar(senses, EventCalendar("calendar", now, now, (window,)))
            assert judge.assess(senses, now, POLICY).floor == 1
        ours = EventWindow("ours", now, now + H, 4, SYMBOL)
        judge.on_calendar(senses, EventCalendar("a", now, now, (ours,)))
        judge.on_calendar(senses, EventCalendar("b", now, now, ()))
        assert judge.assess(senses, now, POLICY).floor == 4
        judge.on_calendar(senses, EventCalendar("a", now, now, ()))
        assert judge.assess(senses, now, POLICY).floor == 1

    def test_a_judgement_is_due_once_a_minute_and_repeats_itself(self) -> None:
        senses = self.quiet()
        now = senses.price.close_ns
        first = judge.assess(senses, now, POLICY)
        assert not judge.due(senses, now + MIN - 1)
        assert judge.due(senses, now + MIN)
        assert judge.assess(senses, now, POLICY) == first


class TestWords:
    def test_headline_and_evidence(self) -> None:
        at = walk()[-1]
        assert words.headline(at).startswith("Pulse ")
        lines = words.evidence(at)
        assert any(line.startswith("funding -0.0900% per 8 h") for line in lines)
        assert any(line.startswith("fear and greed 18") for line in lines)
        assert len(lines) == sum(value >= words.NOTABLE for value in at.severities.values())

    def test_every_severity_has_its_words(self) -> None:
        at = walk()[-1]
        everything = msgspec.structs.replace(
            at, severities=dict.fromkeys(words.SAYINGS, 1.0), floor=3, floor_reasons=("x",),
            systemic=("y",),
        )  # fmt: skip
        assert set(severities(at.facts)) <= set(words.SAYINGS)
        assert len(words.evidence(everything)) == len(words.SAYINGS) + 2
        assert words.evidence(everything, -1) != words.evidence(everything)


class TestPriors:
    @pytest.mark.parametrize(
        ("symbol", "sd", "sd_cap", "span", "span_cap"),
        [
            ("BTC/USDT:USDT", 0.022, 0.03, 0.03, 0.045),
            ("ETH/USDT:USDT", 0.035, 0.05, 0.05, 0.075),
            ("DOGE/USDT:USDT", 0.045, 0.065, 0.065, 0.10),
        ],
    )
    def test_each_asset_has_its_own(self, symbol, sd, sd_cap, span, span_cap) -> None:
        priors = priors_of(POLICY, symbol)
        assert baselines.price_scales(PriceSense(), 0, priors, 10.0) == (sd, span)
        assert (priors.sd_cap_frac, priors.range_cap_frac) == (sd_cap, span_cap)

    def test_a_prior_fades_with_days_and_a_cap_holds(self) -> None:
        assert baselines.blended(None, 0.0, 0.022, 10.0) == 0.022
        assert baselines.blended(0.01, 10.0, 0.03, 10.0) == pytest.approx(0.02)
        assert baselines.blended(0.01, 30.0, 0.03, 10.0) == pytest.approx(0.015)
        senses = Senses(symbol=SYMBOL)
        for hour in range(20 * 24):
            price = 80_000.0 * (1.05 if hour % 2 else 1.0)
            bar = (price, price * 1.03, price * 0.97, price)
            tell(senses, Candle(SYMBOL, START + hour * H, START + hour * H, 3_600, *bar, 1.0))
        baselines.renew(senses, START + 20 * DAY, POLICY)
        assert (senses.baselines.sd, senses.baselines.range_med) == (0.03, 0.045)

    def test_the_last_day_teaches_nothing_yet(self) -> None:
        senses = Senses(symbol=SYMBOL)
        for event in tape():
            tell(senses, event)
        baselines.renew(senses, senses.price.close_ns, POLICY)
        before = senses.baselines.sd
        now, price = senses.price.close_ns, 80_000.0
        for hour in range(1, 24):
            price *= 0.99
            bar = (price / 0.99, price / 0.99, price, price)
            tell(senses, Candle(SYMBOL, now + hour * H, now + hour * H, 3_600, *bar, 1.0))
        baselines.renew(senses, now + 23 * H, POLICY)
        assert senses.baselines.sd == pytest.approx(before, rel=0.02)


class TestPath:
    def test_a_fall_is_from_a_peak_to_a_later_low(self) -> None:
        up_then_down = [block_of(0, 100, 110, 100, 110), block_of(1, 110, 110, 99, 99)]
        down_then_up = [block_of(0, 100, 100, 90, 90), block_of(1, 90, 120, 90, 120)]
        assert join(*up_then_down).drop == pytest.approx(0.1)
        assert join(*down_then_up).drop == pytest.approx(0.1)
        assert join(*down_then_up).rise == pytest.approx(1 / 3)

    def test_a_rising_bar_is_taken_to_have_fallen_first(self) -> None:
        rising, falling = block_of(0, 100, 110, 95, 108), block_of(0, 108, 110, 95, 100)
        assert (rising.drop, rising.rise) == (pytest.approx(0.05), pytest.approx(15 / 95))
        assert (falling.drop, falling.rise) == (pytest.approx(15 / 110), pytest.approx(5 / 95))

    @pytest.mark.parametrize("bar_min", [1, 5, 15])
    def test_the_last_hour_forgets(self, bar_min: int) -> None:
        price = PriceSense()
        closes = [100.0] * 200
        closes[60 // bar_min] = 90.0
        drops = []
        for at, close in enumerate(closes):
            ns = START + (at + 1) * bar_min * MIN
            assert path.fold(price, close, close, close, close, ns, 0.02)
            drops.append(path.last_hour(price)[0])
        seen = sum(drop > 0.0 for drop in drops)
        assert max(drops) == pytest.approx(0.1)
        assert 60 <= seen * bar_min <= 60 + 2 * 5

    def test_the_rsi_becomes_wilder_s_own(self) -> None:
        closes = [100.0 + 3.0 * math.sin(day * 1.7) + 0.2 * day for day in range(200)]
        price = PriceSense()
        for day, close in enumerate(closes):
            path.fold(price, close, close, close, close, START + (day + 1) * DAY, 0.02)
        gains = [max(b - a, 0.0) for a, b in pairwise(closes)]
        losses = [max(a - b, 0.0) for a, b in pairwise(closes)]
        gain, loss = sum(gains[:14]) / 14, sum(losses[:14]) / 14
        for up, down in zip(gains[14:], losses[14:], strict=True):
            gain, loss = (gain * 13 + up) / 14, (loss * 13 + down) / 14
        assert path.rsi_now(price) == pytest.approx(100 * gain / (gain + loss), abs=1e-3)
        assert path.rsi_of(0.0, 0.0) == 50.0

    def test_late_and_mad_bars_are_refused(self) -> None:
        price = PriceSense()
        assert path.fold(price, 100, 101, 99, 100, START, 0.02)
        assert not path.fold(price, 100, 101, 99, 100, START, 0.02)
        assert not path.fold(price, 100, 99, 101, 100, START + H, 0.02)
        assert not path.fold(price, 100, 101, 99, 102, START + H, 0.02)
        assert price.refused == 3


class TestReadings:
    def test_flows_of_five_trading_days_fade_when_nothing_new_comes(self) -> None:
        senses = Senses(symbol=SYMBOL)
        for day in range(30):
            if day % 7 < 5:
                ns = START + (day + 1) * DAY
                tell(senses, Reading("x", "btc_etf_net_flow_usd", ns, ns, -3.2e8))
        told = senses.readings.newest["btc_etf_net_flow_usd"].event_ns
        sense = senses.readings
        assert readings.etf_z(sense, 1.2e9, told + 2 * DAY) == pytest.approx(-1.6 / 1.2)
        assert readings.etf_z(sense, 1.2e9, told + 5 * DAY) > -1.6 / 1.2
        assert readings.etf_z(sense, 1.2e9, told + 5 * DAY + 1) is None

    def test_a_source_may_correct_its_newest_word_and_fill_days_nobody_told(self) -> None:
        senses, name = Senses(symbol=SYMBOL), "btc_etf_net_flow_usd"
        sense, day = senses.readings, START // DAY + 10

        def tell_day(age: int, value: float, source: str = "web", heard: int = 0) -> bool:
            ns = (day + 1 - age) * DAY
            return readings.on_reading(senses, Reading(source, name, ns, ns + heard, value))

        assert tell_day(0, -1e8)
        assert tell_day(0, -2e8, heard=H)
        assert not tell_day(0, -3e8, heard=H)
        assert not tell_day(0, -3e8, "somebody else", heard=2 * H)
        assert sense.newest[name].value == -2e8
        assert rings.get(sense.flows, day) == -2e8
        assert tell_day(3, 5e7)
        assert not tell_day(3, 6e7, heard=H)
        assert sense.newest[name].event_ns == (day + 1) * DAY
        assert rings.known(sense.flows, day - 5, day) == [5e7, -2e8]

    def test_a_told_half_life_is_used(self) -> None:
        senses, name = Senses(symbol=SYMBOL), "btc_etf_net_flow_usd"
        for day in range(5):
            ns = START + (day + 1) * DAY
            row = Reading("x", name, ns, ns, -2.4e8, origin="flows.csv", half_life_ns=DAY)
            tell(senses, row)
        told = senses.readings.newest[name]
        assert (told.origin, told.half_life_ns) == ("flows.csv", DAY)
        assert readings.etf_z(senses.readings, 1.2e9, told.event_ns + 4 * DAY) == pytest.approx(
            -0.5
        )

    def test_an_asset_s_own_readings_are_read_by_its_own_senses(self) -> None:
        bitcoin, ether = Senses(symbol=SYMBOL), Senses(symbol="ETH/USDT:USDT")
        event = Reading("deribit", "btc_skew_25d_vol_pts", START, START, 9.0)
        assert readings.on_reading(bitcoin, event)
        assert not readings.on_reading(ether, event)
        assert readings.fresh(bitcoin.readings, readings.SKEW, START) == 9.0
        assert readings.fresh(bitcoin.readings, readings.SKEW, START + 7 * H) is None

    def test_correlation(self) -> None:
        xs = [math.sin(n * 1.3) for n in range(30)]
        assert readings.correlation([(x, 2 * x + 1) for x in xs]) == pytest.approx(1.0)
        assert readings.correlation([(x, -x) for x in xs]) == pytest.approx(-1.0)
        assert readings.correlation([(x, 1.0) for x in xs]) is None
        assert readings.correlation([(x, x) for x in xs[:19]]) is None
