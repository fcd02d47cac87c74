"""Estimates what a venue hides when it shows one liquidation a second at most."""

import math

from bot.kernel.sensed import Sizes

BINS = 48
"""Powers of two of USD: the last bin holds everything from 2^47."""
LEARNED_MIN = 200
"""Sizes needed before their distribution is believed."""
CROWDED_FRAC = 0.5
"""Share of seconds with a print above which something is probably hidden."""
WEEK_NS = 7 * 86_400 * 1_000_000_000


def learn(sizes: Sizes, usd: float, ns: int) -> None:
    """Add a liquidation of an unthrottled venue; what is older than two weeks is forgotten."""
    week = ns // WEEK_NS
    if week > sizes.week:
        kept = week == sizes.week + 1
        sizes.past_counts = sizes.counts if kept else []
        sizes.past_usd = sizes.usd if kept else 0.0
        sizes.past_number = sizes.number if kept else 0
        sizes.counts, sizes.usd, sizes.number, sizes.week = [0] * BINS, 0.0, 0, week
    sizes.counts[_bin(usd)] += 1
    sizes.usd += usd
    sizes.number += 1


def above(sizes: Sizes, usd: float) -> float:
    """Return the share of liquidations larger than `usd`, straight inside a bin (log scale)."""
    number = sizes.number + sizes.past_number
    if number == 0:
        return 0.0
    at = _bin(usd)
    total = 0.0
    for counts in (sizes.counts, sizes.past_counts):
        if counts:
            inside = math.log2(max(usd, 1.0)) - at if at < BINS - 1 else 0.5
            total += sum(counts[at + 1 :]) + counts[at] * (1.0 - min(max(inside, 0.0), 1.0))
    return total / number


def mean_usd(sizes: Sizes) -> float | None:
    """Return the mean size in USD; None until enough were seen."""
    number = sizes.number + sizes.past_number
    return (sizes.usd + sizes.past_usd) / number if number >= LEARNED_MIN else None


def rate_largest(tails: list[float], seconds: int) -> float:
    """Return arrivals per second when each second shows its largest print.

    `tails` has, for every second with a print, the share of sizes above it. The maximum
    likelihood of Poisson arrivals.
    """
    return len(tails) / (sum(tails) + seconds - len(tails)) if tails else 0.0


def rate_latest(prints: int, seconds: int) -> float:
    """Return arrivals per second when each second shows its latest print; a floor when full."""
    if prints >= seconds:
        return math.log(2.0 * seconds)
    return -math.log(1.0 - prints / seconds)


def estimate_usd(
    mode: str, prints_usd: list[float], sizes: Sizes | None, seconds: int
) -> tuple[float, bool]:
    """Return (USD liquidated in a block of seconds, whether the throttle was full).

    `prints_usd` has one print for each second that showed any. Never less than what was seen.
    """
    seen = sum(prints_usd)
    if len(prints_usd) <= CROWDED_FRAC * seconds:
        return seen, False
    if mode == "latest":
        mean = seen / len(prints_usd)
        guess = seconds * rate_latest(len(prints_usd), seconds) * mean
        return max(seen, guess), len(prints_usd) >= seconds
    mean_size = mean_usd(sizes) if sizes is not None else None
    if sizes is None or mean_size is None:
        return seen, True
    tails = [above(sizes, usd) for usd in prints_usd]
    rate = rate_largest(tails, seconds)
    return max(seen, seconds * rate * mean_size), False


def _bin(usd: float) -> int:
    return min(max(int(math.log2(max(usd, 1.0))), 0), BINS - 1)
