"""Reads liquidation totals: what, over which window, of which venues, from which source."""

import msgspec

from bot.domain.units import NS_PER_DAY, NS_PER_H, NS_PER_S
from bot.kernel.observe import rings
from bot.kernel.sensed import WINDOWS_S, LiqSense, LiqSeries, LiqVenue, Senses, asset_of

PRINTS = "prints"
VENDOR_GRACE = 2
"""A vendor's series is stale this many windows after its newest one closed."""
DAY_KNOWN_FRAC = 0.75
"""Least share of a day's windows for its total to be believed."""
CONCENTRATED_FRAC = 0.40
DOUBT_TIMES = 1.5
SATURATED_CONFIDENCE = 0.2


class LiqTotal(msgspec.Struct, frozen=True, kw_only=True):
    """USD liquidated within a window; `coverage` is the share of the window that was seen."""

    asset: str
    window_s: int
    long_usd: float
    short_usd: float
    estimated_usd: float
    """With what throttled venues hide; equals the observed sum where nothing is hidden."""
    confidence: float
    """In the estimate: 1.0 when all was seen."""
    venues: tuple[str, ...]
    source: str
    coverage: float = 1.0

    @property
    def usd(self) -> float:
        """Both sides, as observed."""
        return self.long_usd + self.short_usd

    @property
    def long_share(self) -> float | None:
        """Share of longs; None when nothing was liquidated."""
        return self.long_usd / self.usd if self.usd > 0.0 else None


class LiqNow(msgspec.Struct, frozen=True, kw_only=True):
    """The totals that judgement uses, all of one scope, USD; None is not known."""

    source: str
    venues: tuple[str, ...]
    known_ns: int
    long_24h: float
    short_24h: float
    last_1h: float | None
    last_5m: float | None
    base: float | None
    base_days: float
    coverage: float
    missing_venues: tuple[str, ...] = ()


def window_total(senses: Senses, window_s: int, now_ns: int) -> LiqTotal | None:
    """Return the total of a window over all live venues that print; None when none does.

    Call after `liquidations.roll`. Raises KeyError for a window that is not kept.
    """
    kept = WINDOWS_S.index(window_s) if window_s in WINDOWS_S else -1
    if kept < 0:
        raise KeyError(f"no rolling window of {window_s} s: {WINDOWS_S}")
    venues = [v for _, v in sorted(senses.liquidations.venues.items()) if v.live]
    return _sum(senses, venues, kept, now_ns) if venues else None


def by_venue(senses: Senses, window_s: int, now_ns: int) -> list[LiqTotal]:
    """Return the total of each live venue, by name."""
    kept = WINDOWS_S.index(window_s)
    venues = sorted(senses.liquidations.venues.items())
    return [_sum(senses, [venue], kept, now_ns) for _, venue in venues if venue.live]


def concentration(totals: list[LiqTotal]) -> tuple[float | None, float | None]:
    """Return (HHI, largest share) over venues; None when nothing was liquidated."""
    whole = sum(total.usd for total in totals)
    if whole <= 0.0:
        return None, None
    shares = [total.usd / whole for total in totals]
    return sum(share * share for share in shares), max(shares)


def acceleration(last_1h_usd: float | None, last_24h_usd: float) -> float | None:
    """Return the last hour against the mean hour of the day; None when unknown."""
    if last_1h_usd is None or last_24h_usd <= 0.0:
        return None
    return last_1h_usd / (last_24h_usd / 24.0)


def intensity(total: LiqTotal, open_interest_usd: float | None) -> float | None:
    """Return what was liquidated as a share of open interest; None: interest unknown."""
    if open_interest_usd is None or open_interest_usd <= 0.0:
        return None
    return total.usd / open_interest_usd


def doubted(total: LiqTotal, oi_drop_usd: float, opened_usd: float) -> LiqTotal:
    """Return a total with half the confidence where its estimate exceeds what can have closed.

    What closed is the drop of open interest and what was opened anew meanwhile.
    """
    if total.estimated_usd <= DOUBT_TIMES * (max(oi_drop_usd, 0.0) + max(opened_usd, 0.0)):
        return total
    return msgspec.structs.replace(total, confidence=0.5 * total.confidence)


def now_of(sense: LiqSense, now_ns: int) -> LiqNow | None:
    """Return the totals of the best live scope; scopes are never mixed. None: no live source.

    Prints that cover the whole day come first, then a vendor's finest fresh series, then prints
    that cover less. Call after `liquidations.roll`.
    """
    prints = _prints(sense, now_ns)
    if prints is not None and prints.coverage >= 1.0:
        return prints
    fresh = [s for _, s in sorted(sense.series.items()) if _fresh(s, now_ns)]
    for series in sorted(fresh, key=lambda each: each.window_s):
        vendor = _vendor(series, now_ns)
        if vendor is not None:
            return vendor
    return prints


def highest_since_ns(sense: LiqSense, now: LiqNow) -> int | None:
    """Return when a day as large was last seen in the same scope; None: never seen."""
    total = now.long_24h + now.short_24h
    if now.source == PRINTS:
        return rings.highest_since(sense.peaks, total)
    return rings.highest_since(sense.series[now.source].peaks, total)


def _sum(senses: Senses, venues: list[LiqVenue], kept: int, now_ns: int) -> LiqTotal:
    longs = shorts = hidden = 0
    saturated = False
    window_ns = WINDOWS_S[kept] * NS_PER_S
    for venue in venues:
        wheel, at = venue.wheels[kept // 2], kept % 2
        longs += wheel.long_totals[at]
        shorts += wheel.short_totals[at]
        excess, at = (venue.excess[0], kept) if kept < 4 else (venue.excess[1], kept - 4)
        hidden += excess.long_totals[at] + excess.short_totals[at]
        saturated = saturated or venue.saturated_ns > now_ns - window_ns
    seen = longs + shorts
    confidence = seen / (seen + hidden) if hidden else 1.0
    first_ns = min(venue.first_ns for venue in venues)
    return LiqTotal(
        asset=asset_of(senses.symbol),
        window_s=WINDOWS_S[kept],
        long_usd=longs / 100.0,
        short_usd=shorts / 100.0,
        estimated_usd=(seen + hidden) / 100.0,
        confidence=min(confidence, SATURATED_CONFIDENCE) if saturated else confidence,
        venues=tuple(venue.venue for venue in venues),
        source=PRINTS,
        coverage=min(max((now_ns - first_ns) / window_ns, 0.0), 1.0),
    )


def _prints(sense: LiqSense, now_ns: int) -> LiqNow | None:
    live = [v for _, v in sorted(sense.venues.items()) if v.live]
    if not live:
        return None
    longs = shorts = hour = five = 0
    first_ns = live[0].first_ns
    for venue in live:
        minutes, hours, days = venue.wheels[0], venue.wheels[1], venue.wheels[2]
        longs += days.long_totals[0]
        shorts += days.short_totals[0]
        hour += hours.long_totals[0] + hours.short_totals[0]
        five += minutes.long_totals[1] + minutes.short_totals[1]
        first_ns = min(first_ns, venue.first_ns)
    return LiqNow(
        source=PRINTS,
        venues=tuple([v.venue for v in live]),
        known_ns=now_ns,
        long_24h=longs / 100.0,
        short_24h=shorts / 100.0,
        last_1h=hour / 100.0,
        last_5m=five / 100.0,
        base=sense.base_usd,
        base_days=sense.base_days,
        coverage=min((now_ns - first_ns) / NS_PER_DAY, 1.0),
        missing_venues=tuple(sorted([n for n, v in sense.venues.items() if not v.live])),
    )


def _fresh(series: LiqSeries, now_ns: int) -> bool:
    return now_ns - series.newest_ns <= VENDOR_GRACE * series.window_s * NS_PER_S


def _vendor(series: LiqSeries, now_ns: int) -> LiqNow | None:
    rows = max(86_400 // series.window_s, 1)
    if series.rows < DAY_KNOWN_FRAC * rows:
        return None
    return LiqNow(
        source=f"{series.venue}/{series.window_s}",
        venues=tuple(series.venue.split("+")),
        known_ns=min(series.newest_ns, now_ns),
        long_24h=series.long_24h,
        short_24h=series.short_24h,
        last_1h=series.last_1h if series.newest_ns > now_ns - 2 * NS_PER_H else None,
        last_5m=None,
        base=series.base_usd,
        base_days=series.base_days,
        coverage=series.rows / rows,
    )
