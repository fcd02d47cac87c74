"""Margin tiers of bitcoin at three venues, built by the recursion all of them publish."""

from bot.domain.instrument import MarginTier


def tiers_of(rows: list[tuple[float, float, float]]) -> tuple[MarginTier, ...]:
    """Return tiers from (cap in USD, maintenance share, highest leverage)."""
    out: list[MarginTier] = []
    floor = deduction = before = 0.0
    for cap, maint, leverage in rows:
        deduction += floor * (maint - before) if out else 0.0
        out.append(MarginTier(floor, cap, maint, deduction, leverage))
        floor, before = cap, maint
    return tuple(out)


BINANCE = tiers_of(
    [(3e5, .004, 150), (8e5, .005, 100), (3e6, .0065, 75), (12e6, .01, 50), (70e6, .02, 25),
     (100e6, .025, 20), (230e6, .05, 10), (480e6, .1, 5), (600e6, .125, 4), (800e6, .15, 3),
     (1.2e9, .25, 2), (1.8e9, .5, 1)]
)  # fmt: skip
BYBIT = tiers_of(
    [(2e6, .005, 100), (2.6e6, .0056, 90), (3.2e6, .0063, 80), (3.8e6, .0067, 75),
     (4.4e6, .0071, 70), (5e6, .0077, 65), (5.6e6, .0091, 55), (8.5e6, .01, 50), (10e6, .013, 38),
     (14e6, .015, 33), (20e6, .016, 31), (28e6, .02, 25), (38e6, .025, 25), (50e6, .029, 20),
     (55e6, .03, 18), (60e6, .035, 16), (65e6, .036, 16), (70e6, .038, 15), (75e6, .04, 15),
     (80e6, .045, 14)]
)  # fmt: skip
HYPERLIQUID = tiers_of([(150e6, .0125, 40), (float("inf"), .025, 20)])  # fmt: skip
VENUES = {"binance": BINANCE, "bybit": BYBIT, "hyperliquid": HYPERLIQUID}
