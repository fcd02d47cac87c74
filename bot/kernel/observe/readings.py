"""Folds readings that no venue gives: mood, flows, equities, skew; each with source and age."""

import math

from bot.domain.market import Reading
from bot.domain.units import NS_PER_DAY, NS_PER_H, NS_PER_MIN
from bot.kernel.observe import rings
from bot.kernel.sensed import ReadingSense, Ring, Senses, Told, asset_of

FEAR_GREED = "fear_greed"
ETF_FLOW = "btc_etf_net_flow_usd"
EQUITY = "spx_return"
RHO = "spx_rho_60d"
SKEW = "skew_25d_vol_pts"
NETFLOW = "exchange_netflow_usd"
SPOT_CVD = "spot_cvd_usd"
OF_ASSET = (RHO, SKEW, NETFLOW, SPOT_CVD)
"""Told with the asset before the name: btc_skew_25d_vol_pts."""
LIMITS: dict[str, tuple[float, float, int]] = {
    FEAR_GREED: (0.0, 100.0, 3 * NS_PER_DAY),
    ETF_FLOW: (-1e11, 1e11, 5 * NS_PER_DAY),
    EQUITY: (-0.5, 0.5, 5 * NS_PER_DAY),
    SKEW: (-200.0, 200.0, 6 * NS_PER_H),
    RHO: (-1.0, 1.0, 5 * NS_PER_DAY),
    NETFLOW: (-1e12, 1e12, 3 * NS_PER_DAY),
    SPOT_CVD: (-1e13, 1e13, 2 * NS_PER_H),
}
"""name -> (least, most, how long it stands for the present)"""
AT_STRIKE = ("put_oi_at_", "call_oi_at_", "put_skew_at_")
"""How readings of one option strike begin, behind the asset."""
STRIKE_MOST, STRIKES_MAX = 1e9, 40
STRIKE_STANDS_NS = 6 * NS_PER_H
AHEAD_NS = NS_PER_MIN
ETF_DAYS = 5
ETF_SPAN_DAYS = 9
ETF_WAIT_NS = 3 * NS_PER_DAY
"""A flow of Friday is the newest until Monday's is known."""
ETF_HALF_LIFE_NS = 3 * NS_PER_DAY
ETF_HISTORY_DAYS = 120
ETF_PRIOR_SUMS = 20
RHO_DAYS = 60
RHO_PAIRS_MIN = 20


def on_reading(senses: Senses, event: Reading) -> bool:
    """Keep a reading that the senses use; False when it is unknown, nonsense, late or repeated."""
    sense = senses.readings
    name = event.name.removeprefix(asset_of(senses.symbol).lower() + "_")
    if name.startswith(AT_STRIKE) and name != event.name:
        return _at_strike(sense, name, event)
    name = name if name in OF_ASSET else event.name
    limits = LIMITS.get(name)
    if limits is None:
        return False
    least, most, _ = limits
    if not least <= event.value <= most or event.event_ns > event.received_ns + AHEAD_NS:
        sense.refused += 1
        return False
    told = sense.newest.get(name)
    if told is not None and event.event_ns <= told.event_ns and not _revises(told, event):
        return _fills_hole(sense, name, event)
    sense.newest[name] = _told(event)
    days = _days(sense, name)
    if days is not None:
        rings.put(days, _day(event), event.value)
    return True


def _at_strike(sense: ReadingSense, name: str, event: Reading) -> bool:
    """Keep what is told of one strike: shown, never weighed. Strikes come and go."""
    told = sense.strikes.get(name)
    sound = abs(event.value) <= STRIKE_MOST and event.event_ns <= event.received_ns + AHEAD_NS
    if not sound or (told is not None and event.event_ns <= told.event_ns):
        sense.refused += 1
        return False
    sense.strikes[name] = _told(event)
    stands = event.event_ns - STRIKE_STANDS_NS
    sense.strikes = {n: t for n, t in sense.strikes.items() if t.event_ns > stands}
    while len(sense.strikes) > STRIKES_MAX:
        del sense.strikes[min(sense.strikes, key=lambda n: (sense.strikes[n].event_ns, n))]
    return True


def _told(event: Reading) -> Told:
    return Told(
        event.source, event.value, event.event_ns, event.received_ns, event.origin,
        event.half_life_ns,
    )  # fmt: skip


def _day(event: Reading) -> int:
    """Return the day a reading speaks of: it became known when that day closed, or in it."""
    return (event.event_ns - 1) // NS_PER_DAY


def _days(sense: ReadingSense, name: str) -> Ring | None:
    """Return the history of a daily reading; None where none is kept."""
    return {ETF_FLOW: sense.flows, EQUITY: sense.equity, NETFLOW: sense.netflow}.get(name)


def _revises(told: Told, event: Reading) -> bool:
    """Whether a source corrects its own newest word: a day's flow is told in parts."""
    return (
        event.source == told.source
        and event.event_ns == told.event_ns
        and event.received_ns > told.received_ns
        and event.value != told.value
    )


def _fills_hole(sense: ReadingSense, name: str, event: Reading) -> bool:
    """Keep a late reading of a day of which nothing is known; it never becomes the newest."""
    days = _days(sense, name)
    if days is None or rings.get(days, _day(event)) is not None:
        sense.refused += 1
        return False
    return rings.put(days, _day(event), event.value)


def fresh(sense: ReadingSense, name: str, now_ns: int) -> float | None:
    """Return a reading while it still stands for the present."""
    told = sense.newest.get(name)
    if told is None or now_ns - told.event_ns > LIMITS[name][2]:
        return None
    return told.value


def etf_z(sense: ReadingSense, sd_usd: float | None, now_ns: int) -> float | None:
    """Return the flow of five trading days in deviations, fading when nothing new is told."""
    if sd_usd is None or fresh(sense, ETF_FLOW, now_ns) is None:
        return None
    newest = sense.flows.newest
    last = rings.known(sense.flows, newest - ETF_SPAN_DAYS + 1, newest)[-ETF_DAYS:]
    if len(last) < ETF_DAYS:
        return None
    told = sense.newest[ETF_FLOW]
    age_ns = max(now_ns - told.event_ns - ETF_WAIT_NS, 0)
    return (
        math.fsum(last) / sd_usd * math.pow(0.5, age_ns / (told.half_life_ns or ETF_HALF_LIFE_NS))
    )


def etf_sd_usd(sense: ReadingSense, prior_usd: float) -> float:
    """Return the usual spread of a five-day flow (robust), blended with its prior."""
    newest = sense.flows.newest
    flows = rings.known(sense.flows, newest - ETF_HISTORY_DAYS, newest)
    sums = [math.fsum(flows[i : i + ETF_DAYS]) for i in range(len(flows) - ETF_DAYS + 1)]
    seen = rings.deviation(sums) or 0.0
    return (seen * len(sums) + prior_usd * ETF_PRIOR_SUMS) / (len(sums) + ETF_PRIOR_SUMS)


def netflow_z(sense: ReadingSense, now_ns: int) -> float | None:
    """Return the week's exchange inflow in deviations of past weeks; None: unknown."""
    if fresh(sense, NETFLOW, now_ns) is None:
        return None
    flows = rings.known(sense.netflow, sense.netflow.newest - 100, sense.netflow.newest)
    weeks = [math.fsum(flows[i : i + 7]) for i in range(len(flows) - 6)]
    centre, spread = rings.median(weeks), rings.deviation(weeks)
    if len(weeks) < RHO_PAIRS_MIN or not spread or centre is None:
        return None
    return (weeks[-1] - centre) / spread


def correlation(pairs: list[tuple[float, float]]) -> float | None:
    """Return Pearson's correlation; None for fewer than 20 pairs or where one never moves."""
    count = len(pairs)
    if count < RHO_PAIRS_MIN:
        return None
    mean_x = math.fsum(x for x, _ in pairs) / count
    mean_y = math.fsum(y for _, y in pairs) / count
    xy = math.fsum((x - mean_x) * (y - mean_y) for x, y in pairs)
    xx = math.fsum((x - mean_x) ** 2 for x, _ in pairs)
    yy = math.fsum((y - mean_y) ** 2 for _, y in pairs)
    if xx <= 0.0 or yy <= 0.0:
        return None
    return min(max(xy / math.sqrt(xx * yy), -1.0), 1.0)


def equity_rho(senses: Senses) -> float | None:
    """Return the correlation of daily returns with equities over the last 60 trading days."""
    equity, days = senses.readings.equity, senses.price.days
    pairs: list[tuple[float, float]] = []
    for day in range(equity.newest, equity.newest - 100, -1):
        stock, close, before = (
            rings.get(equity, day),
            rings.get(days, day),
            rings.get(days, day - 1),
        )
        if stock is not None and close is not None and before is not None and day < days.newest:
            pairs.append((stock, math.log(close / before)))
        if len(pairs) == RHO_DAYS:
            break
    return correlation(pairs)
