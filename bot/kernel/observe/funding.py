"""Folds funding by venue into its weighted mean per eight hours, its history and its flips."""

import math
from bisect import bisect_right

import msgspec

from bot.domain.market import FundingRate
from bot.domain.sense import FUNDING_SPREAD_MIN_FRAC
from bot.domain.units import NS_PER_H, NS_PER_MIN, NS_PER_S
from bot.kernel.observe import open_interest, rings
from bot.kernel.sensed import FundingSense, FundingVenue, OiVenue, Peak, Senses

AHEAD_NS = NS_PER_MIN
RATE_MAX_FRAC = 0.5
SLOT_NS = 8 * NS_PER_H
PREDICTED_AGE_NS = 2 * NS_PER_H
SPREAD_MIN_FRAC = FUNDING_SPREAD_MIN_FRAC
"""Funding sticks to its default, so its spread can be nothing: 0.002 %."""
HISTORY_SLOTS = 270
"""Settlements of 90 days."""
BAND_FRAC = 2e-5
USUAL_WEIGHTS = {"binance": 1.0, "bybit": 0.6, "okx": 0.4, "hyperliquid": 0.3}
USUAL_OTHER = 0.1
"""How much of a market a venue usually holds, until its open interest is known."""
NEGATIVE_SHARE = 2.0 / 3.0
WINSOR_MADS = 5.0
VALLEY_MAX = 400


class FundingNow(msgspec.Struct, frozen=True, kw_only=True):
    """Funding over venues, per eight hours as a fraction; positive: longs pay."""

    mean_8h: float
    low_8h: float
    high_8h: float
    venues: tuple[str, ...]
    negative_share: float
    """Share of the weight at which shorts pay."""
    largest_weight: float
    source: str
    """"predicted", "settled" or "mixed"."""

    @property
    def apr(self) -> float:
        """Annual rate, a fraction."""
        return self.mean_8h * 3 * 365

    @property
    def negative_across_venues(self) -> bool:
        """Whether shorts pay at two thirds of the weight."""
        return self.negative_share >= NEGATIVE_SHARE


def on_funding(senses: Senses, event: FundingRate) -> bool:
    """Keep a venue's predicted or settled rate; False when it is nonsense, late or repeated."""
    sense = senses.funding
    sane = abs(event.rate_frac) <= RATE_MAX_FRAC and 0 < event.interval_s <= 86_400
    if not sane or event.event_ns > event.received_ns + AHEAD_NS:
        sense.refused += 1
        return False
    venue = sense.venues.get(event.venue)
    if venue is None:
        venue = sense.venues[event.venue] = FundingVenue(venue=event.venue)
    newest_ns = venue.settled_ns if event.settled else venue.predicted_ns
    if event.event_ns <= newest_ns:
        sense.refused += 1
        return False
    per_8h = event.rate_frac * 28_800 / event.interval_s
    if event.settled:
        venue.settled_8h = _smoothed(venue.settled_8h, per_8h, event.event_ns - venue.settled_ns)
        venue.settled_ns = event.event_ns
    else:
        venue.predicted_8h, venue.predicted_ns = per_8h, event.event_ns
    venue.interval_s = event.interval_s
    _remember(senses, event.event_ns)
    return True


def mean_8h(senses: Senses, now_ns: int, venues: list[OiVenue]) -> float | None:
    """Return the mean over fresh venues by open interest (of `venues`); None without any."""
    weights, values = _weighed(senses.funding, now_ns, venues)
    if not values:
        return None
    return math.fsum([w * f for w, f in zip(weights, values, strict=True)]) / math.fsum(weights)


def funding_now(senses: Senses, now_ns: int) -> FundingNow | None:
    """Return funding over venues that are fresh, in words and numbers; None without any."""
    sense = senses.funding
    venues = open_interest.present(senses.open_interest, now_ns)
    weights, values = _weighed(sense, now_ns, venues)
    mean = mean_8h(senses, now_ns, venues)
    if mean is None:
        return None
    fresh = {name: _venue_rate(v, now_ns) for name, v in sorted(sense.venues.items())}
    rates = {name: found for name, found in fresh.items() if found is not None}
    kinds = {predicted for _, predicted in rates.values()}
    whole = math.fsum(weights)
    return FundingNow(
        mean_8h=mean,
        low_8h=min(rate for rate, _ in rates.values()),
        high_8h=max(rate for rate, _ in rates.values()),
        venues=tuple(rates),
        negative_share=math.fsum(w for w, f in zip(weights, values, strict=True) if f < 0.0)
        / whole,
        largest_weight=max(weights) / whole,
        source="mixed" if len(kinds) > 1 else ("predicted" if kinds.pop() else "settled"),
    )


def percentile(sense: FundingSense, rate_8h: float) -> float | None:
    """Return the share of the remembered year that was at or below a rate; None: too short."""
    past = rings.known(sense.slots, sense.slots.newest - sense.slots.size, sense.slots.newest)
    if len(past) < HISTORY_SLOTS:
        return None
    return sum(1 for each in past if each <= rate_8h) / len(past)


def lowest_since_ns(sense: FundingSense, rate_8h: float) -> int | None:
    """Return when the mean was last at or below a rate; None: never in memory."""
    at = bisect_right(sense.valley, rate_8h, key=lambda peak: peak.value)
    return sense.valley[at - 1].ns if at > 0 else None


def carry_frac(rate_8h: float, side: int, horizon_h: float) -> float:
    """Return what a position pays over a horizon as a share of notional; positive is a cost."""
    return side * rate_8h * horizon_h / 8.0


def squeeze_risk(funding_z: float | None, price_z: float | None, oi_z: float | None) -> bool:
    """Whether shorts are crowded into a rising price: they pay, and nobody has closed."""
    if funding_z is None or price_z is None or oi_z is None:
        return False
    return funding_z <= -2.0 and price_z > 0.0 and abs(oi_z) < 0.5


def winsorised(values: list[float]) -> list[float]:
    """Return values drawn in to 5 median deviations; fewer than three stay as they are."""
    if len(values) < 3 or max(values) - min(values) <= WINSOR_MADS * SPREAD_MIN_FRAC:
        return values
    centre = rings.median(values) or 0.0
    spread = rings.median(abs(value - centre) for value in values) or 0.0
    reach = WINSOR_MADS * max(spread, SPREAD_MIN_FRAC)
    return [min(max(value, centre - reach), centre + reach) for value in values]


def _smoothed(before: float, now: float, gap_ns: int) -> float:
    """Return settlements as a mean of about eight hours: an hour's rate is no eight hours' one."""
    if gap_ns >= SLOT_NS:
        return now
    return before + (now - before) * gap_ns / SLOT_NS


def _venue_rate(venue: FundingVenue, now_ns: int) -> tuple[float, bool] | None:
    if venue.predicted_ns and now_ns - venue.predicted_ns <= PREDICTED_AGE_NS:
        return venue.predicted_8h, True
    limit_ns = venue.interval_s * NS_PER_S * 3 // 2 + PREDICTED_AGE_NS
    if venue.settled_ns and now_ns - venue.settled_ns <= limit_ns:
        return venue.settled_8h, False
    return None


def _weighed(
    sense: FundingSense, now_ns: int, venues: list[OiVenue]
) -> tuple[list[float], list[float]]:
    """Return weights and rates of fresh venues; one of unknown open interest weighs as usual."""
    known = {v.venue: v.qty for v in venues if v.venue in sense.venues}
    scale = 0.0  # worked out when a venue needs it: as a rule all are known
    weights: list[float] = []
    rates: list[float] = []
    for name in sorted(sense.venues):
        found = _venue_rate(sense.venues[name], now_ns)
        if found is None:
            continue
        rates.append(found[0])
        weight = known.get(name)
        if weight is None:
            scale = scale or _coins_a_weight(known)
            weight = scale * USUAL_WEIGHTS.get(name, USUAL_OTHER)
        weights.append(weight)
    return weights, winsorised(rates)


def _coins_a_weight(known: dict[str, float]) -> float:
    """Return the coins that a usual weight of 1 stands for; 1.0 where no open interest is known."""
    if not known:
        return 1.0
    usual = math.fsum([USUAL_WEIGHTS.get(name, USUAL_OTHER) for name in known])
    return math.fsum(known.values()) / usual


def _remember(senses: Senses, ns: int) -> None:
    """Keep the mean of this slot of eight hours; a finished slot enters record and flip."""
    sense = senses.funding
    now = mean_8h(senses, ns, open_interest.present(senses.open_interest, ns))
    slot = ns // SLOT_NS
    if now is None or slot < sense.slots.newest:
        return
    ended = sense.slots.newest
    if 0 <= ended < slot:
        value = rings.get(sense.slots, ended)
        if value is not None:
            _close_slot(sense, (ended + 1) * SLOT_NS, value)
    rings.put(sense.slots, slot, now)


def _close_slot(sense: FundingSense, end_ns: int, value: float) -> None:
    valley = sense.valley
    while valley and valley[-1].value >= value:
        valley.pop()
    valley.append(Peak(end_ns, value))
    del valley[:-VALLEY_MAX]
    sign = (value > BAND_FRAC) - (value < -BAND_FRAC)
    if sign in {0, sense.sign}:
        sense.new_sign, sense.new_sign_slots = 0, 0
        return
    sense.new_sign_slots = sense.new_sign_slots + 1 if sign == sense.new_sign else 1
    sense.new_sign = sign
    if sense.new_sign_slots >= 2:
        if sense.sign:
            sense.flipped_ns = end_ns
        sense.sign, sense.new_sign, sense.new_sign_slots = sign, 0, 0
