"""The authored default scenario: bitcoin after the fall of the first weekend of February 2026.

AUTHORED, NOT RECORDED. The turning points of the history are the prices and hours that were told
in public about January and 30 January - 2 February 2026 (80k lost on 31 January at 17:05 UTC, 76k
reached at 18:40, 78.2k on 1 February at 14:55, 75k lost on 2 February at 03:30); everything
between them is seeded noise, and all that follows is invented. ETH and SOL follow bitcoin by a
beta with noise of their own. The path begins on 3 February at 14:00 UTC, when the market has
calmed down enough for new risk, just above 78,000: within 22 minutes it sweeps the level, comes
back and holds (again after 66 and 106 minutes). At the default speed of 60 those minutes are
seconds: a level bounce can be watched at once, and a fall a few minutes later. It bounces to 80k,
falls through 78k, 76k and 75k, comes back, and ends in an endless quiet range.
"""

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Final, TypeVar

import msgspec
import numpy as np

from bot.domain.market import Candle, FundingRate, OpenInterest
from bot.domain.units import NS_PER_H, NS_PER_MIN, NS_PER_S
from bot.simulator.noise import Floats, octave, rough
from bot.simulator.scenario import Scenario

Dated = TypeVar("Dated", FundingRate, OpenInterest)

NAME: Final = "default"
VENUE: Final = "embedded"
START_NS: Final = 1_770_127_200 * NS_PER_S
"""3 February 2026, 14:00 UTC: where the path begins."""
HISTORY_DAYS: Final = 30

# (minutes from the start, BTC price, roughness: 1 is an ordinary day)
WAYPOINTS: Final = (
    (-45_600.0, 88_600.0, 1.0),
    (-42_700.0, 91_200.0, 1.0),
    (-40_400.0, 93_900.0, 1.0),
    (-37_400.0, 90_600.0, 1.0),
    (-32_900.0, 91_800.0, 0.8),
    (-29_400.0, 94_900.0, 1.1),
    (-26_400.0, 94_400.0, 0.9),
    (-22_900.0, 92_700.0, 0.9),
    (-19_900.0, 89_300.0, 1.2),
    (-15_400.0, 89_600.0, 0.9),
    (-12_400.0, 86_600.0, 1.0),
    (-9_900.0, 88_900.0, 0.9),
    (-8_200.0, 89_200.0, 0.9),
    (-7_300.0, 84_800.0, 1.5),
    (-6_800.0, 83_100.0, 1.5),
    (-6_000.0, 84_000.0, 1.1),
    (-5_300.0, 83_300.0, 1.0),
    (-4_600.0, 82_600.0, 1.0),
    (-4_200.0, 81_400.0, 1.3),
    (-4_135.0, 80_000.0, 1.8),  # 31 January, 17:05
    (-4_090.0, 77_900.0, 1.8),
    (-4_040.0, 76_000.0, 1.3),  # 18:40
    (-4_000.0, 75_900.0, 1.0),
    (-3_900.0, 77_600.0, 1.3),
    (-3_600.0, 78_700.0, 0.9),
    (-2_825.0, 78_200.0, 0.8),  # 1 February, 14:55
    (-2_640.0, 77_300.0, 0.7),
    (-2_520.0, 76_800.0, 0.6),
    (-2_220.0, 78_020.0, 0.8),  # 2 February, 01:00
    (-2_120.0, 76_180.0, 1.2),
    (-2_070.0, 74_960.0, 1.3),  # 03:30
    (-2_054.0, 74_480.0, 1.0),
    (-2_000.0, 75_420.0, 1.3),
    (-1_880.0, 76_600.0, 1.0),
    (-1_680.0, 78_400.0, 1.0),
    (-1_440.0, 78_900.0, 0.9),
    (-900.0, 78_600.0, 0.8),
    (-420.0, 78_750.0, 0.7),
    (-120.0, 78_480.0, 0.5),
    (-40.0, 78_430.0, 0.3),
    (-2.0, 78_370.0, 0.01),
    (0.0, 78_350.0, 0.01),
    (9.0, 78_230.0, 0.01),
    (11.5, 78_000.0, 0.01),
    (14.0, 77_882.0, 0.01),  # the sweep
    (16.0, 77_890.0, 0.01),
    (19.0, 78_000.0, 0.01),
    (22.0, 78_096.0, 0.01),  # reclaimed
    (30.0, 78_118.0, 0.01),
    (60.0, 78_128.0, 0.01),
    (63.0, 78_000.0, 0.01),
    (66.0, 77_898.0, 0.01),  # swept again, less deep
    (69.0, 78_000.0, 0.01),
    (72.0, 78_098.0, 0.01),
    (100.0, 78_126.0, 0.01),
    (103.0, 78_000.0, 0.01),
    (106.0, 77_905.0, 0.01),  # and once more
    (109.0, 78_000.0, 0.01),
    (112.0, 78_105.0, 0.01),
    (130.0, 78_330.0, 0.05),
    (145.0, 78_900.0, 0.3),
    (170.0, 80_080.0, 0.6),
    (180.0, 80_020.0, 0.8),
    (215.0, 78_400.0, 1.0),
    (245.0, 77_150.0, 1.0),
    (280.0, 76_180.0, 1.2),
    (300.0, 75_650.0, 1.3),
    (330.0, 74_960.0, 1.3),
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
        start_price=78_350.0,
        beta=1.0,
        own=0.0,
        qty_per_min=110.0,
        open_interest_qty=92_000.0,
        decimals=1,
        salt=1,
    ),
    Coin(
        symbol="ETH/USDT:USDT",
        start_price=2_370.0,
        beta=1.3,
        own=0.35,
        qty_per_min=2_900.0,
        open_interest_qty=2_050_000.0,
        decimals=2,
        salt=2,
    ),
    Coin(
        symbol="SOL/USDT:USDT",
        start_price=103.9,
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


WAYPOINTS_START: Final = 78_350.0
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
    (-45_600.0, 0.00008, 1.08),
    (-22_400.0, 0.00010, 1.12),
    (-7_400.0, 0.00006, 1.06),
    (-4_140.0, 0.00004, 1.05),
    (-4_000.0, -0.00006, 0.97),
    (-2_825.0, -0.00003, 0.98),
    (-2_050.0, -0.00008, 0.93),
    (-1_440.0, 0.00002, 0.95),
    (0.0, 0.00003, 0.955),
    (170.0, 0.00006, 0.975),
    (290.0, 0.00002, 0.965),
    (350.0, -0.00009, 0.93),
    (720.0, -0.00002, 0.94),
    (1_440.0, 0.00005, 0.96),
)
RATE_NOISE: Final = 0.00003
INTEREST_NOISE_FRAC: Final = 0.008
"""Both wander as they do on ordinary days: beside a ruler's line every change is enormous."""


def mood(
    *, seed: int = 1, days_ahead: int = 30
) -> tuple[tuple[FundingRate, ...], tuple[OpenInterest, ...]]:
    """Return authored funding (8-hourly settled, hourly predicted) and hourly open interest."""
    funding: list[FundingRate] = []
    held: list[OpenInterest] = []
    hours = np.arange(-HISTORY_DAYS * 24, days_ahead * 24, dtype=np.float64)
    minutes, rates, shares = (np.array(column) for column in zip(*_MOOD, strict=True))
    seconds = hours * 3_600.0
    for coin in COINS:
        dice = seed * 31 + 70 + coin.salt
        rate = np.interp(hours * 60.0, minutes, rates) + RATE_NOISE * octave(
            dice, seconds, 43_200.0
        )
        share = np.interp(hours * 60.0, minutes, shares)
        share *= 1.0 + INTEREST_NOISE_FRAC * octave(dice + 10, seconds, 64_800.0)
        for hour, paid, left in zip(hours.tolist(), rate.tolist(), share.tolist(), strict=True):
            at_ns = START_NS + round(hour) * NS_PER_H
            settled = at_ns // NS_PER_H % 8 == 0
            funding.append(
                FundingRate(coin.symbol, at_ns, at_ns, VENUE, round(paid, 8), 28_800, settled)
            )
            qty = round(coin.open_interest_qty * left, 3)
            held.append(OpenInterest(coin.symbol, at_ns, at_ns, VENUE, qty))
    return _by_time(funding), _by_time(held)


def _by_time(events: Iterable[Dated]) -> tuple[Dated, ...]:
    return tuple(sorted(events, key=lambda event: event.event_ns))


def default_scenario(*, seed: int = 1) -> Scenario:
    """Return the authored scenario: history, the endless path, funding and open interest."""
    funding, held = mood(seed=seed)
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
