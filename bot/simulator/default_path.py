"""The authored default scenario: bitcoin's fall from 95k to 74.5k, after public figures.

AUTHORED, NOT RECORDED. The turning points are the prices and hours that were told in public
about January and 30 January - 2 February 2026 (80k lost on 31 January at 17:05 UTC, 76k reached
at 18:40, 78.2k on 1 February at 14:55, 75k lost on 2 February at 03:30); everything between them
is seeded noise. ETH and SOL follow bitcoin by a beta with noise of their own. The path begins on
1 February at 22:00 UTC just above 76,000: within 22 minutes it sweeps the level, comes back and
holds (again after 66 and 106 minutes). At the default speed of 60 those minutes are seconds: a
level bounce can be watched at once, and the fall of the night a few minutes later.
It bounces to 78k, falls through 76k and 75k in the night, and ends in an endless quiet range.
"""

from collections.abc import Iterator
from itertools import count
from typing import Final

import msgspec
import numpy as np

from bot.domain.market import Candle, FundingRate, OpenInterest
from bot.domain.units import NS_PER_H, NS_PER_MIN, NS_PER_S
from bot.simulator.noise import Floats, octave, rough
from bot.simulator.scenario import Scenario

NAME: Final = "default"
VENUE: Final = "embedded"
START_NS: Final = 1_769_983_200 * NS_PER_S
"""1 February 2026, 22:00 UTC: where the path begins."""
HISTORY_DAYS: Final = 30

# (minutes from the start, BTC price, roughness: 1 is an ordinary day)
WAYPOINTS: Final = (
    (-43_200.0, 88_600.0, 1.0),
    (-40_300.0, 91_200.0, 1.0),
    (-38_000.0, 93_900.0, 1.0),
    (-35_000.0, 90_600.0, 1.0),
    (-30_500.0, 91_800.0, 0.8),
    (-27_000.0, 94_900.0, 1.1),
    (-24_000.0, 94_400.0, 0.9),
    (-20_500.0, 92_700.0, 0.9),
    (-17_500.0, 89_300.0, 1.2),
    (-13_000.0, 89_600.0, 0.9),
    (-10_000.0, 86_600.0, 1.0),
    (-7_500.0, 88_900.0, 0.9),
    (-5_800.0, 89_200.0, 0.9),
    (-4_900.0, 84_800.0, 1.5),
    (-4_400.0, 83_100.0, 1.5),
    (-3_600.0, 84_000.0, 1.1),
    (-2_900.0, 83_300.0, 1.0),
    (-2_200.0, 82_600.0, 1.0),
    (-1_800.0, 81_400.0, 1.3),
    (-1_735.0, 80_000.0, 1.8),  # 31 January, 17:05
    (-1_690.0, 77_900.0, 1.8),
    (-1_640.0, 76_000.0, 1.3),  # 18:40
    (-1_600.0, 75_900.0, 1.0),
    (-1_500.0, 77_600.0, 1.3),
    (-1_200.0, 78_700.0, 0.9),
    (-425.0, 78_200.0, 0.8),  # 1 February, 14:55
    (-240.0, 77_300.0, 0.7),
    (-120.0, 76_800.0, 0.6),
    (-40.0, 76_460.0, 0.4),
    (-2.0, 76_370.0, 0.01),
    (0.0, 76_350.0, 0.01),
    (9.0, 76_230.0, 0.01),
    (11.5, 76_000.0, 0.01),
    (14.0, 75_882.0, 0.01),  # the sweep
    (16.0, 75_890.0, 0.01),
    (19.0, 76_000.0, 0.01),
    (22.0, 76_096.0, 0.01),  # reclaimed
    (30.0, 76_118.0, 0.01),
    (60.0, 76_128.0, 0.01),
    (63.0, 76_000.0, 0.01),
    (66.0, 75_898.0, 0.01),  # swept again, less deep
    (69.0, 76_000.0, 0.01),
    (72.0, 76_098.0, 0.01),
    (100.0, 76_126.0, 0.01),
    (103.0, 76_000.0, 0.01),
    (106.0, 75_905.0, 0.01),  # and once more
    (109.0, 76_000.0, 0.01),
    (112.0, 76_105.0, 0.01),
    (130.0, 76_330.0, 0.05),
    (145.0, 76_900.0, 0.3),
    (170.0, 78_080.0, 0.6),
    (180.0, 78_020.0, 0.8),
    (230.0, 77_150.0, 1.0),
    (280.0, 76_180.0, 1.2),
    (300.0, 75_650.0, 1.3),
    (330.0, 74_960.0, 1.3),  # 2 February, 03:30
    (346.0, 74_480.0, 1.0),
    (370.0, 75_000.0, 1.2),
    (400.0, 75_420.0, 1.3),
    (520.0, 76_600.0, 1.0),
    (720.0, 78_400.0, 1.0),
    (960.0, 78_900.0, 0.9),
    (1_440.0, 77_800.0, 0.8),
)
_MINUTES = np.array([w[0] for w in WAYPOINTS])
_PRICES = np.log(np.array([w[1] for w in WAYPOINTS]))
_ROUGHNESS = np.array([w[2] for w in WAYPOINTS])
END_MIN: Final = WAYPOINTS[-1][0]
"""From here on the price wanders within a few per cent of where it stands, for ever."""

VOL_FRAC: Final = 0.0003
"""Height of the noise per root minute on an ordinary day."""
SHORTEST_S: Final = 10.0
LONGEST_S: Final = 3_600.0
DRIFT_FRAC: Final = 0.03
DRIFT_PERIOD_S: Final = 86_400.0
COARSE_S: Final = 60
_BATCH: Final = 120
_SAMPLES: Final = 6


class Coin(msgspec.Struct, frozen=True, kw_only=True):
    """How one contract follows bitcoin, and how much of it is traded and held."""

    symbol: str
    start_price: float
    beta: float
    own: float
    qty_per_min: float
    open_interest_qty: float
    decimals: int
    salt: int


COINS: Final = (
    Coin(
        symbol="BTC/USDT:USDT",
        start_price=76_350.0,
        beta=1.0,
        own=0.0,
        qty_per_min=110.0,
        open_interest_qty=92_000.0,
        decimals=1,
        salt=1,
    ),
    Coin(
        symbol="ETH/USDT:USDT",
        start_price=2_290.0,
        beta=1.3,
        own=0.35,
        qty_per_min=2_900.0,
        open_interest_qty=2_050_000.0,
        decimals=2,
        salt=2,
    ),
    Coin(
        symbol="SOL/USDT:USDT",
        start_price=100.4,
        beta=1.4,
        own=0.45,
        qty_per_min=21_000.0,
        open_interest_qty=9_400_000.0,
        decimals=2,
        salt=3,
    ),
)


def bitcoin(seed: int, minutes: Floats) -> Floats:
    """Return the authored BTC price at `minutes` from the start."""
    base = np.interp(minutes, _MINUTES, _PRICES)
    height = np.interp(minutes, _MINUTES, _ROUGHNESS) * VOL_FRAC
    seconds = minutes * 60.0
    noise = height * rough(seed * 31 + 1, seconds, SHORTEST_S, LONGEST_S)
    late = np.clip((minutes - END_MIN) / 1_440.0, 0.0, 1.0)
    drift = late * DRIFT_FRAC * octave(seed * 31 + 2, seconds, DRIFT_PERIOD_S)
    price: Floats = np.exp(base + noise + drift)
    return price


def price_of(coin: Coin, seed: int, minutes: Floats) -> Floats:
    """Return a coin's authored price at `minutes` from the start."""
    leader = bitcoin(seed, minutes)
    if coin.beta == 1.0 and not coin.own:
        return leader
    height = np.interp(minutes, _MINUTES, _ROUGHNESS) * VOL_FRAC * coin.own
    own = height * rough(seed * 31 + 10 + coin.salt, minutes * 60.0, SHORTEST_S, LONGEST_S)
    price: Floats = coin.start_price * (leader / WAYPOINTS_START) ** coin.beta * np.exp(own)
    return price


WAYPOINTS_START: Final = 76_350.0
"""BTC price at the start, to which the betas refer."""


def bars(
    coin: Coin, seed: int, first_min: float, number: int, span_s: int, *, history: bool = False
) -> list[Candle]:
    """Return `number` bars of `span_s` seconds beginning `first_min` minutes from the start."""
    steps = np.arange(number * _SAMPLES + 1, dtype=np.float64)
    places: Floats = steps * (span_s / 60.0 / _SAMPLES) + first_min
    prices = price_of(coin, seed, places)
    grid = np.lib.stride_tricks.sliding_window_view(prices, _SAMPLES + 1)[::_SAMPLES]
    begins: Floats = places[:-1:_SAMPLES]
    high, low = grid.max(axis=1), grid.min(axis=1)
    move_bps = (high - low) / low * 1e4
    busy = (0.35 + move_bps / 9.0 * np.sqrt(60.0 / span_s)) * coin.qty_per_min * span_s / 60.0
    hum = 1.0 + 0.25 * octave(seed * 31 + 50 + coin.salt, begins * 60.0, 180.0)
    volume = np.maximum(busy * hum, 0.01 * coin.qty_per_min)
    begin_ns = START_NS + round(first_min * 60.0) * NS_PER_S
    table = np.stack([grid[:, 0], high, low, grid[:, -1]]).round(coin.decimals).tolist()
    ends = [begin_ns + (i + 1) * span_s * NS_PER_S for i in range(number)]
    return [
        Candle(coin.symbol, end, end, span_s, o, h, lo, c, v, history)
        for end, o, h, lo, c, v in zip(ends, *table, volume.round(3).tolist(), strict=True)
    ]


def history(
    *, seed: int = 1, days: int = HISTORY_DAYS, timeframe_s: int = COARSE_S
) -> tuple[Candle, ...]:
    """Return the authored bars of all coins before the start, coin by coin, oldest first."""
    number = days * 86_400 // timeframe_s
    return tuple(
        bar
        for coin in COINS
        for bar in bars(coin, seed, -days * 1_440.0, number, timeframe_s, history=True)
    )


def path(*, seed: int = 1) -> Iterator[Candle]:
    """Yield the bars of the path for ever, minute by minute, by open time."""
    for batch in count():
        yield from _together(seed, batch * _BATCH * COARSE_S / 60.0, _BATCH, COARSE_S)


def _together(seed: int, first_min: float, number: int, span_s: int) -> Iterator[Candle]:
    columns = [bars(coin, seed, first_min, number, span_s) for coin in COINS]
    for row in zip(*columns, strict=True):
        yield from row


# (minutes from the start, predicted funding per 8 h, share of the open interest still there)
_MOOD: Final = (
    (-43_200.0, 0.00008, 1.08),
    (-20_000.0, 0.00010, 1.12),
    (-5_000.0, 0.00006, 1.06),
    (-1_740.0, 0.00004, 1.05),
    (-1_600.0, -0.00006, 0.97),
    (-425.0, -0.00003, 0.98),
    (0.0, 0.00003, 1.0),
    (120.0, 0.00006, 1.02),
    (290.0, 0.00002, 1.01),
    (350.0, -0.00009, 0.93),
    (720.0, -0.00002, 0.94),
    (1_440.0, 0.00005, 0.96),
)


def mood(*, days_ahead: int = 30) -> tuple[tuple[FundingRate, ...], tuple[OpenInterest, ...]]:
    """Return authored funding (8-hourly settled, hourly predicted) and hourly open interest."""
    funding: list[FundingRate] = []
    held: list[OpenInterest] = []
    minutes, rates, shares = (np.array(column) for column in zip(*_MOOD, strict=True))
    for hour in range(-HISTORY_DAYS * 24, days_ahead * 24):
        at_ns = START_NS + hour * NS_PER_H
        rate = round(float(np.interp(hour * 60.0, minutes, rates)), 8)
        share = float(np.interp(hour * 60.0, minutes, shares))
        settled = at_ns // NS_PER_H % 8 == 0
        for coin in COINS:
            funding.append(FundingRate(coin.symbol, at_ns, at_ns, VENUE, rate, 28_800, settled))
            qty = round(coin.open_interest_qty * share, 3)
            held.append(OpenInterest(coin.symbol, at_ns, at_ns, VENUE, qty))
    return tuple(funding), tuple(held)


def default_scenario(*, seed: int = 1) -> Scenario:
    """Return the authored scenario: history, the endless path, funding and open interest."""
    funding, held = mood()
    return Scenario(
        name=NAME,
        recorded=False,
        start_ns=START_NS,
        symbols=tuple(coin.symbol for coin in COINS),
        history=history(seed=seed),
        path=lambda: path(seed=seed),
        funding=funding,
        open_interest=held,
    )


def minute_ns(minutes: float) -> int:
    """Return the instant (ns UTC) that lies `minutes` after the path's start."""
    return START_NS + round(minutes * NS_PER_MIN)
