"""Folds liquidations: rolling sums by side and venue, hidden share, baseline, burst alarm."""

import math

from bot.domain.market import Liquidation, LiquidationSum, TradeBucket
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_DAY, NS_PER_MIN, NS_PER_S
from bot.kernel.observe import rings, throttle
from bot.kernel.sensed import (
    LiqSense,
    LiqSeries,
    LiqVenue,
    Ring,
    SensePolicy,
    Senses,
    Sizes,
)

WHEELS = ((5 * NS_PER_S, (12, 60)), (NS_PER_MIN, (60, 240)), (15 * NS_PER_MIN, (96, 192)))
"""(bucket, window lengths in buckets) of observed liquidations; together they are WINDOWS_S."""
EXCESS_WHEELS = ((NS_PER_MIN, (1, 5, 60, 240)), (15 * NS_PER_MIN, (96, 192)))
USD_MAX = 1e13
AHEAD_NS = NS_PER_MIN
"""A venue's clock may run this far ahead of ours."""
LATE_NS = 2 * NS_PER_DAY
GRACE_NS = 5 * NS_PER_S
"""A minute is judged this long after its end, so that the order of venues does not matter."""
SEEN_MAX = 1_024
NANO = 1e9
ALARM_HALF_LIFE_MIN = 360.0
ALARM_SPREAD_MIN = 1.0
ALARM_WARM_MIN = 120
ALARM_WATCH, ALARM_CASCADE = 3.0, 5.0
SERIES_ROWS = 60


def on_liquidation(senses: Senses, event: Liquidation, policy: SensePolicy) -> bool:
    """Add one public forced order; False when it is nonsense, repeated, or too late to count."""
    sense = senses.liquidations
    usd = event.qty * event.price
    late_ns = event.received_ns - event.event_ns
    sane = event.qty > 0.0 and event.price > 0.0 and usd < USD_MAX
    if not sane or not -AHEAD_NS <= late_ns <= LATE_NS:
        sense.refused += 1
        return False
    venue = sense.venues.get(event.venue)
    if venue is None:
        venue = sense.venues[event.venue] = new_venue(event.venue, event.event_ns)
    if _repeated(venue, event):
        venue.repeated += 1
        return False
    roll_alarm(sense, event.event_ns)
    close_minutes(sense, venue, event.event_ns, policy)
    is_long = event.side is PositionSide.LONG
    cents = round(usd * 100.0)
    longs, shorts = (cents, 0) if is_long else (0, cents)
    counted = False
    for wheel in venue.wheels:
        counted = rings.add(wheel, event.event_ns, longs, shorts) or counted
    if not counted:
        venue.refused += 1
        return False
    venue.first_ns = min(venue.first_ns, event.event_ns)
    venue.last_ns = max(venue.last_ns, event.event_ns)
    _note_print(venue, event, usd, policy)
    return True


def on_liquidation_sum(senses: Senses, event: LiquidationSum) -> bool:
    """Take a vendor's total of one closed window; the same window again replaces it."""
    sense = senses.liquidations
    window_ns = event.window_s * NS_PER_S
    sane = (
        window_ns >= NS_PER_MIN
        and 0.0 <= event.long_usd < USD_MAX
        and 0.0 <= event.short_usd < USD_MAX
        and event.event_ns <= event.received_ns + AHEAD_NS
    )
    if not sane:
        sense.refused += 1
        return False
    key = f"{event.venue}/{event.window_s}"
    series = sense.series.get(key)
    if series is None:
        series = sense.series[key] = new_series(event.venue, event.window_s)
    slot = event.event_ns // window_ns - 1
    fresh = rings.put(series.longs, slot, event.long_usd)
    fresh = rings.put(series.shorts, slot, event.short_usd) and fresh
    if not fresh:
        sense.refused += 1
        return False
    series.newest_ns = max(series.newest_ns, event.event_ns)
    _renew_day_sums(series, slot)
    _renew_last_day(series)
    return True


def on_trade(senses: Senses, venue: str, event: TradeBucket) -> None:
    """Add market orders of a venue: no more can have been forced than was traded."""
    known = senses.liquidations.venues.get(venue)
    if known is None or not (
        0.0 <= event.buy_qty <= event.qty and event.qty * event.last < USD_MAX
    ):
        return
    if known.taker is None:
        known.taker = rings.new_wheel(NS_PER_MIN, (5,))
        known.taker_from_ns = (event.event_ns // NS_PER_MIN + 1) * NS_PER_MIN
    known.taker_price = event.last
    sold_qty = event.qty - event.buy_qty
    rings.add(known.taker, event.event_ns, round(sold_qty * NANO), round(event.buy_qty * NANO))


def on_venue(senses: Senses, venue: str, *, live: bool) -> None:
    """Learn that a venue's stream of liquidations came up or went down."""
    known = senses.liquidations.venues.get(venue)
    if known is not None:
        known.live = live


def new_venue(name: str, ns: int) -> LiqVenue:
    """Return empty sums of a venue first heard at `ns`."""
    return LiqVenue(
        venue=name,
        first_ns=ns,
        wheels=[rings.new_wheel(*each) for each in WHEELS],
        excess=[rings.new_wheel(*each) for each in EXCESS_WHEELS],
    )


def new_series(name: str, window_s: int) -> LiqSeries:
    """Return an empty series of a vendor's windows."""
    rows = max(SERIES_ROWS, 2 * 86_400 // window_s)
    sums = 33 * max(86_400 // window_s, 1)
    return LiqSeries(
        venue=name, window_s=window_s, longs=Ring(rows), shorts=Ring(rows), day_sums=Ring(sums)
    )


def roll(sense: LiqSense, now_ns: int, policy: SensePolicy) -> None:
    """Let time pass: buckets leave their windows, finished minutes are judged."""
    roll_alarm(sense, now_ns)
    for venue in sense.venues.values():
        close_minutes(sense, venue, now_ns, policy)
        for wheel in venue.wheels:
            if now_ns // wheel.grain_ns > wheel.newest:
                rings.roll(wheel, now_ns)
        for wheel in venue.excess:
            if now_ns // wheel.grain_ns > wheel.newest:
                rings.roll(wheel, now_ns)


# ------------------------------------------------------------------ what the throttle hides


def close_minutes(sense: LiqSense, venue: LiqVenue, ns: int, policy: SensePolicy) -> None:
    """Judge the minute that is over: what did the venue's throttle hide?"""
    minute = (ns - GRACE_NS) // NS_PER_MIN
    if minute <= venue.minute:
        return
    mode = policy.throttled.get(venue.venue)
    if mode is not None and venue.second_usd:
        teacher = sense.venues.get(policy.size_teacher)
        rest = {k: v for k, v in venue.second_usd.items() if int(k[:-2]) >= minute * 60}
        for side in ("L", "S"):
            prints = [v[0] for k, v in venue.second_usd.items() if k[-1] == side and k not in rest]
            sizes = teacher.sizes.get(side) if teacher is not None else None
            guess, full = throttle.estimate_usd(mode, prints, sizes, 60)
            traded = _taker_usd(venue, minute - 1, side)
            hidden = round((min(guess, traded) - sum(prints)) * 100.0)
            if full:
                venue.saturated_ns = ns
            if hidden > 0:
                at_ns = max(venue.minute, minute - 1) * NS_PER_MIN
                longs, shorts = (hidden, 0) if side == "L" else (0, hidden)
                for wheel in venue.excess:
                    rings.add(wheel, at_ns, longs, shorts)
        venue.second_usd = rest
    venue.minute = minute


def _taker_usd(venue: LiqVenue, minute: int, side: str) -> float:
    """Return what was traded in a minute on the side of the forced orders; infinity: not told."""
    wheel = venue.taker
    if wheel is None or not wheel.newest - wheel.spans[-1] < minute <= wheel.newest:
        return math.inf
    if minute * NS_PER_MIN < venue.taker_from_ns:
        return math.inf
    traded = wheel.long_cents if side == "L" else wheel.short_cents
    return traded[minute % wheel.spans[-1]] / NANO * venue.taker_price


def _note_print(venue: LiqVenue, event: Liquidation, usd: float, policy: SensePolicy) -> None:
    side = "L" if event.side is PositionSide.LONG else "S"
    mode = policy.throttled.get(venue.venue)
    if mode is None:
        if venue.venue == policy.size_teacher:
            sizes = venue.sizes.setdefault(side, Sizes())
            throttle.learn(sizes, usd, event.event_ns)
    elif event.event_ns // NS_PER_MIN >= venue.minute:
        key = f"{event.event_ns // NS_PER_S}|{side}"
        kept = venue.second_usd.setdefault(key, [usd])
        kept[0] = usd if mode == "latest" else max(kept[0], usd)


def _repeated(venue: LiqVenue, event: Liquidation) -> bool:
    key = f"{event.event_ns // 1_000_000}|{event.side.value}|{event.price!r}|{event.qty!r}"
    if key in venue.seen or key in venue.seen_before:
        return True
    if len(venue.seen) >= SEEN_MAX:
        venue.seen_before, venue.seen = venue.seen, {}
    venue.seen[key] = 1
    return False


# ------------------------------------------------------------------ baseline and alarm


def renew_base(sense: LiqSense, hour: int, now_ns: int) -> None:
    """Once an hour: remember the last day's sum of prints and renew every median, lagged a day."""
    live = [venue for venue in sense.venues.values() if venue.live]
    if live and min(venue.first_ns for venue in live) <= now_ns - NS_PER_DAY:
        cents = sum(v.wheels[2].long_totals[0] + v.wheels[2].short_totals[0] for v in live)
        rings.put(sense.day_sums, hour, cents / 100.0)
        if hour % 24 == 0:
            rings.note_high(sense.peaks, now_ns - NS_PER_DAY, cents / 100.0)
    past = rings.known(sense.day_sums, hour - 31 * 24, hour - 24)
    sense.base_usd, sense.base_days = rings.median(past), len(past) / 24.0
    for series in sense.series.values():
        window_ns = series.window_s * NS_PER_S
        last = (now_ns - NS_PER_DAY) // window_ns - 1
        per_day = NS_PER_DAY / window_ns
        past = rings.known(series.day_sums, last - round(30 * per_day) + 1, last)
        series.base_usd, series.base_days = rings.median(past), len(past) / per_day


def _renew_day_sums(series: LiqSeries, slot: int) -> None:
    """Renew the sums of a day that the window of `slot` belongs to; holes are not zeros."""
    rows = max(86_400 // series.window_s, 1)
    for end in range(slot, min(slot + rows, series.longs.newest + 1)):
        longs = rings.known(series.longs, end - rows + 1, end)
        if len(longs) >= 0.75 * rows:
            shorts = rings.known(series.shorts, end - rows + 1, end)
            rings.put(series.day_sums, end, (sum(longs) + sum(shorts)) * rows / len(longs))
    end_ns = (slot + 1) * series.window_s * NS_PER_S
    total = rings.get(series.day_sums, slot)
    if total is not None and slot == series.longs.newest and end_ns % NS_PER_DAY == 0:
        rings.note_high(series.peaks, end_ns - NS_PER_DAY, total)


def _renew_last_day(series: LiqSeries) -> None:
    """Renew what is known of the newest day and hour; a day with holes is scaled up."""
    rows = max(86_400 // series.window_s, 1)
    last = series.longs.newest
    longs = rings.known(series.longs, last - rows + 1, last)
    shorts = rings.known(series.shorts, last - rows + 1, last)
    scale = rows / len(longs)
    series.rows = len(longs)
    series.long_24h = math.fsum(longs) * scale
    series.short_24h = math.fsum(shorts) * scale
    if series.window_s <= 3_600:
        slots = 3_600 // series.window_s
        series.last_1h = math.fsum(longs[-slots:]) + math.fsum(shorts[-slots:])


def roll_alarm(sense: LiqSense, now_ns: int) -> None:
    """Fold every finished minute of prints into the burst alarm; surprises are cut at 3 sd."""
    minute = (now_ns - GRACE_NS) // NS_PER_MIN
    if sense.minute < 0 or minute - sense.minute > 1_440:
        sense.minute = minute
    while sense.minute < minute and sense.venues:
        usd = _minute_usd(sense, sense.minute)
        _fold_alarm(sense, math.log1p(usd))
        sense.minute += 1
        if sense.alarm_z >= ALARM_CASCADE:
            sense.alarm_ns = sense.minute * NS_PER_MIN
    sense.minute = max(sense.minute, minute)


def _minute_usd(sense: LiqSense, minute: int) -> float:
    cents = 0
    for venue in sense.venues.values():
        wheel = venue.wheels[1]
        if wheel.newest - 240 < minute <= wheel.newest:
            cents += wheel.long_cents[minute % 240] + wheel.short_cents[minute % 240]
    return cents / 100.0


def _fold_alarm(sense: LiqSense, x: float) -> None:
    spread = max(math.sqrt(sense.alarm_var), ALARM_SPREAD_MIN)
    warm = sense.alarm_count >= ALARM_WARM_MIN
    sense.alarm_z = (x - sense.alarm_mean) / spread if warm else 0.0
    sense.alarm_count += 1
    keep = max(0.5 ** (1.0 / ALARM_HALF_LIFE_MIN), 1.0 - 1.0 / sense.alarm_count)
    if not warm:
        keep = 1.0 - 1.0 / sense.alarm_count
    gap = x - sense.alarm_mean
    if warm:
        gap = min(max(gap, -3.0 * spread), 3.0 * spread)
    sense.alarm_mean += (1.0 - keep) * gap
    sense.alarm_var = keep * (sense.alarm_var + (1.0 - keep) * gap * gap)
