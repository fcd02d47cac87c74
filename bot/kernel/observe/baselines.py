"""What is ordinary: robust medians of thirty days, a day behind, blended with the priors."""

import numpy as np

from bot.domain.units import NS_PER_H
from bot.kernel.observe import liquidations, open_interest, readings, rings
from bot.kernel.observe.funding import (
    HISTORY_SLOTS,
    SLOT_NS,
    SPREAD_MIN_FRAC,
    mean_8h,
    percentile,
)
from bot.kernel.sensed import HORIZONS_S, AssetPriors, PriceSense, SensePolicy, Senses, priors_of

DAYS = 30
LAG_H = 24
FUNDING_SLOTS_MIN = 21
FUNDING_LAG_SLOTS = 3
MOVE_SD_MIN = 0.001
OI_MOVE_SD_MIN = 0.002
MOVES_MIN = 72


def renew(senses: Senses, now_ns: int, policy: SensePolicy) -> None:
    """Renew every baseline once an hour; the same hour again changes nothing."""
    hour = now_ns // NS_PER_H
    known = senses.baselines
    if hour <= known.hour:
        return
    liquidations.renew_base(senses.liquidations, hour, now_ns)
    priors = priors_of(policy, senses.symbol)
    last = hour - LAG_H
    known.hour = hour
    known.sd, known.range_med = price_scales(senses.price, last, priors, policy.prior_days)
    past = open_interest.history(senses.open_interest, now_ns, last, DAYS * 24 + 24)
    _renew_interest(senses, past, now_ns, policy)
    _renew_funding(senses, now_ns)
    _renew_moves(senses, past, last)
    known.froth = froth(senses, past, now_ns)
    if senses.readings.newest:
        known.rho = readings.equity_rho(senses)
        known.etf_sd_usd = readings.etf_sd_usd(senses.readings, policy.etf_prior_usd)


def price_scales(
    price: PriceSense, last: int, priors: AssetPriors, prior_days: float
) -> tuple[float, float]:
    """Return (daily deviation, 24 h range) that are ordinary by hour `last`, as fractions."""
    first = last - DAYS * 24 + 1
    vols = rings.known(price.vols, first, last)
    ranges = rings.known(price.ranges, first, last)
    sd = blended(rings.median(vols), len(vols) / 24.0, priors.sd_frac, prior_days)
    span = blended(rings.median(ranges), len(ranges) / 24.0, priors.range_frac, prior_days)
    return min(sd, priors.sd_cap_frac), min(span, priors.range_cap_frac)


def blended(seen: float | None, seen_days: float, prior: float, prior_days: float) -> float:
    """Return a median and a prior weighed by their days."""
    if seen is None or seen_days <= 0.0:
        return prior
    return (seen * seen_days + prior * prior_days) / (seen_days + prior_days)


def _renew_interest(senses: Senses, past: rings.Floats, now_ns: int, policy: SensePolicy) -> None:
    known, sense = senses.baselines, senses.open_interest
    if not sense.venues:
        known.oi_sd = None
        return
    priors = priors_of(policy, senses.symbol)
    names = [venue.venue for venue in open_interest.present(sense, now_ns)]
    whole = any(open_interest.is_aggregate(n) or n in policy.major_venues for n in names)
    moves = open_interest.past_changes(past, 24)
    known.oi_days = len(moves) / 24.0
    prior = priors.oi_sd if whole or not names else priors.oi_sd_minor
    sd = blended(rings.deviation(moves), known.oi_days, prior, policy.prior_days)
    known.oi_sd = max(sd, priors.oi_sd_floor)


def _renew_funding(senses: Senses, now_ns: int) -> None:
    known, slots = senses.baselines, senses.funding.slots
    last = now_ns // SLOT_NS - FUNDING_LAG_SLOTS
    past = rings.known(slots, last - HISTORY_SLOTS + 1, last)
    spread = rings.deviation(past)
    if len(past) < FUNDING_SLOTS_MIN or spread is None:
        known.funding_med = known.funding_sd = None
        return
    known.funding_med = rings.median(past)
    known.funding_sd = max(spread, SPREAD_MIN_FRAC)


def _renew_moves(senses: Senses, past: rings.Floats, last: int) -> None:
    """Scales of price and interest changes by horizon; a quarter hour is half of an hour's."""
    known = senses.baselines
    closes = np.log(rings.row(senses.price.closes, last - DAYS * 24 - 23, last))
    prices: list[float | None] = []
    interests: list[float | None] = []
    for horizon_s in HORIZONS_S[1:]:
        hours = horizon_s // 3_600
        moves = closes[hours:] - closes[:-hours]
        prices.append(_scale(moves[~np.isnan(moves)], MOVE_SD_MIN))
        interests.append(_scale(open_interest.past_changes(past, hours), OI_MOVE_SD_MIN))
    half = [None if each is None else each / 2.0 for each in (prices[0], interests[0])]
    known.move_sd = [half[0], *prices]
    known.oi_move_sd = [half[1], *interests]


def _scale(moves: rings.Floats, least: float) -> float | None:
    if len(moves) < MOVES_MIN:
        return None
    spread = rings.deviation(moves)
    return None if spread is None else max(spread, least)


def froth(senses: Senses, past: rings.Floats, now_ns: int) -> float | None:
    """Return the mean of three ranks: open interest in its month, its week's growth, funding."""
    week = open_interest.change(senses.open_interest, now_ns, 7 * 86_400)
    weeks = open_interest.past_changes(past, 7 * 24)
    ranks: list[float] = []
    if week is not None and len(weeks) >= MOVES_MIN:
        ranks.append(float(np.mean(weeks <= week.log_change)))
    now = open_interest.present(senses.open_interest, now_ns)
    largest = max(range(len(now)), key=lambda at: now[at].qty, default=None)
    if largest is not None:
        month = past[largest][~np.isnan(past[largest])]
        if len(month) >= MOVES_MIN:
            ranks.append(float(np.mean(month <= now[largest].qty)))
    paid = mean_8h(senses, now_ns, now)
    rank = percentile(senses.funding, paid) if paid is not None else None
    if rank is not None:
        ranks.append(rank)
    return sum(ranks) / len(ranks) if len(ranks) >= 2 else None


def liq_base_usd(
    base: float | None,
    base_days: float,
    oi_usd: float | None,
    priors: AssetPriors,
    days_min: float = 3.0,
) -> tuple[float | None, bool]:
    """Return (what is ordinary in 24 h in USD, whether it is only a prior); None: unknown."""
    floor = 1e-4 * oi_usd if oi_usd is not None else 0.0
    if base is not None and base_days >= days_min:
        return max(base, floor, 1.0), False
    if oi_usd is None:
        return None, True
    return max(priors.liq_day_of_oi * oi_usd, floor, 1.0), True
