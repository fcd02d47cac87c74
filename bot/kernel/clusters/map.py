"""The estimated map: opened by volume and open interest, decayed, eaten by price and by force.

Every contract has a long and a short, so both sides gain the same coins. Five per cent of the
traded volume opens positions with leverage; open interest that grows by more than that opens
more, open interest that falls by more than was eaten closes the rest in proportion.
"""

import math
from collections.abc import Iterable, Sequence

import msgspec

from bot.kernel.clusters.grid import cell
from bot.kernel.clusters.state import ClusterMap, PointMass

HALF_LIFE_NS = 168 * 3_600 * 1_000_000_000
VOLUME_SHARE = 0.05
LEVERAGE_WEIGHTS = {3: 0.12, 5: 0.18, 10: 0.26, 20: 0.16, 25: 0.14, 50: 0.10, 100: 0.04}
MAINTENANCE_FRAC = 0.004
SCALE_MIN = 1e-6
MASS_MIN_FRAC = 1e-9
REBASE_FRAC, REBASE_PRICE_FRAC = 0.20, 0.01
LEVERAGED_SHARE = 0.5
POINTS_MAX = 2_000
FADED_FRAC = 0.01
"""A watched position that nobody saw for so long is forgotten."""
FORCED_REACH_CELLS = 20
"""A real liquidation takes mass from this many cells around its price: one per cent."""


class Eaten(msgspec.Struct, frozen=True, kw_only=True):
    """Coins whose liquidation price a bar reached, on each side."""

    long_qty: float
    short_qty: float


NOTHING = Eaten(long_qty=0.0, short_qty=0.0)


def fold(
    state: ClusterMap, *, close_ns: int, high: float, low: float, close: float, volume: float
) -> Eaten:
    """Take one closed bar (mark prices where there are any); return what it ate.

    A bar that is not believable, old or repeated changes nothing but `state.refused`.
    """
    sound = math.isfinite(high) and 0.0 < low <= close <= high
    sound = sound and math.isfinite(volume) and volume >= 0.0
    if not sound or close_ns <= state.bar_ns:
        state.refused += 1
        return NOTHING
    if state.bar_ns > 0:
        _decay(state, close_ns - state.bar_ns)
    else:
        state.from_ns = close_ns
    eaten = _consume(state, cell(low), cell(high), close_ns)
    state.eaten_qty += eaten.long_qty + eaten.short_qty
    _open(state, VOLUME_SHARE * volume, (high + low + close) / 3.0, cell(low), cell(high))
    state.bar_ns, state.close = close_ns, close
    state.bars += 1
    return eaten


def on_open_interest(state: ClusterMap, qty: float, ns: int, traded_qty: float) -> None:
    """Take open interest in coins, with the volume traded since the one before.

    Growth beyond what that volume has opened already is opened at the newest price; a fall beyond
    what was eaten closes both sides in proportion. A jump without a move of price is a change of
    unit or contract: nothing is opened or closed by it.
    """
    if not (math.isfinite(qty) and qty > 0.0) or ns <= state.open_interest_ns or state.bars == 0:
        return
    before, eaten = state.open_interest_qty, state.eaten_qty
    jumped = before > 0.0 and abs(qty / before - 1.0) > REBASE_FRAC
    still = abs(state.close / state.interest_close - 1.0) < REBASE_PRICE_FRAC if before else True
    if before > 0.0 and not (jumped and still):
        change = qty - before
        if change > VOLUME_SHARE * traded_qty:
            here = cell(state.close)
            _open(state, change - VOLUME_SHARE * traded_qty, state.close, here, here)
        elif -change > eaten:
            state.scale *= max(1.0 - (-change - eaten) / before, SCALE_MIN)
    state.open_interest_qty, state.open_interest_ns = qty, ns
    state.interest_close, state.eaten_qty = state.close, 0.0
    _cap(state, qty)


def on_liquidation(state: ClusterMap, *, is_long: bool, price: float, qty: float) -> float:
    """Take one real forced order; return the coins of the map that it explains.

    Price may be reached elsewhere first: mass within one per cent of it goes, nearest first.
    """
    if not (math.isfinite(price) and price > 0.0 and math.isfinite(qty) and qty > 0.0):
        state.refused += 1
        return 0.0
    cells = state.longs if is_long else state.shorts
    here, left = cell(price), qty
    for offset in range(FORCED_REACH_CELLS + 1):
        for index in dict.fromkeys((here - offset, here + offset)):
            mass = cells.get(index, 0.0) * state.scale
            if mass <= 0.0:
                continue
            taken = min(mass, left)
            cells[index] = (mass - taken) / state.scale
            left -= taken
            if left <= 0.0:
                return qty
    return qty - left


def cold_start(
    state: ClusterMap, profile: Iterable[tuple[float, float]], price: float, interest_qty: float
) -> None:
    """Fill an empty map from (price, volume) rows, by half of the open interest in coins.

    A guess to begin with: `warmth` says so until real bars have replaced it.
    """
    rows = [(at, volume) for at, volume in profile if at > 0.0 and volume > 0.0]
    total = sum(volume for _, volume in rows)
    if state.bars or not total > 0.0 or not (math.isfinite(total) and interest_qty > 0.0):
        state.refused += 1
        return
    for at, volume in rows:
        _open(state, LEVERAGED_SHARE * interest_qty * volume / total, at, cell(price), cell(price))


def warmth(state: ClusterMap, now_ns: int) -> float:
    """Return how much of the map comes from bars it saw itself, 0 to 1."""
    if state.bars == 0:
        return 0.0
    left: float = 0.5 ** (2.0 * (now_ns - state.from_ns) / HALF_LIFE_NS)
    return 1.0 - left


def watch(state: ClusterMap, points: Sequence[PointMass], source: str = "") -> None:
    """Replace the positions that `source` knows of.

    What is no position, or lies where price already is, is left out and counted. A position that
    price has passed stays out until somebody has seen it later than that.
    """
    ours = {point.key: point for point in points[:POINTS_MAX] if _is_position(point, state.close)}
    state.refused += len(points) - len(ours)
    here = f"{source}|"
    state.gone = {k: ns for k, ns in state.gone.items() if k in ours or not k.startswith(here)}
    live = [p for key, p in ours.items() if p.known_ns > state.gone.get(key, -1)]
    others = [point for point in state.points if point.source != source]
    state.points = others + live


def live_qty(point: PointMass, now_ns: int) -> float:
    """Return the coins of a watched position that still count: it fades as the map does."""
    age_ns = now_ns - point.known_ns
    if point.known_ns <= 0 or age_ns <= 0:
        return point.qty
    fading: float = 0.5 ** (age_ns / HALF_LIFE_NS)
    return point.qty * fading


def _is_position(point: PointMass, close: float) -> bool:
    if not all(math.isfinite(number) and number > 0.0 for number in (point.price, point.qty)):
        return False
    return close <= 0.0 or (point.price < close if point.is_long else point.price > close)


def totals(state: ClusterMap) -> tuple[float, float]:
    """Return the estimated coins (long, short) that are still live."""
    return sum(state.longs.values()) * state.scale, sum(state.shorts.values()) * state.scale


def _decay(state: ClusterMap, elapsed_ns: int) -> None:
    state.scale *= 0.5 ** (elapsed_ns / HALF_LIFE_NS)
    if state.scale < SCALE_MIN:
        for cells in (state.longs, state.shorts):
            least = MASS_MIN_FRAC * sum(cells.values())
            for index in list(cells):
                mass = cells.pop(index)
                if mass > least:
                    cells[index] = mass * state.scale
        state.scale = 1.0


def _consume(state: ClusterMap, low: int, high: int, close_ns: int) -> Eaten:
    longs = shorts = 0.0
    for index in range(state.long_top, low - 1, -1):
        longs += state.longs.pop(index, 0.0)
    for index in range(state.short_bottom, high + 1):
        shorts += state.shorts.pop(index, 0.0)
    state.long_top = min(state.long_top, low - 1)
    state.short_bottom = max(state.short_bottom, high + 1)
    _pass(state, low, high, close_ns)
    return Eaten(long_qty=longs * state.scale, short_qty=shorts * state.scale)


def _pass(state: ClusterMap, low: int, high: int, close_ns: int) -> None:
    """Take out the watched positions that price reached or jumped over."""
    left = []
    for point in state.points:
        at = cell(point.price)
        if at >= low if point.is_long else at <= high:
            state.gone[point.key] = close_ns
        elif live_qty(point, close_ns) > FADED_FRAC * point.qty:
            left.append(point)
    state.points = left


def _open(state: ClusterMap, qty: float, price: float, low: int, high: int) -> None:
    """Open `qty` coins on both sides; what price has passed in the same bar is already gone."""
    if qty <= 0.0:
        return
    for leverage, weight in LEVERAGE_WEIGHTS.items():
        mass = qty * weight / state.scale
        long_at = cell(price * (1.0 - 1.0 / leverage) / (1.0 - MAINTENANCE_FRAC))
        short_at = cell(price * (1.0 + 1.0 / leverage) / (1.0 + MAINTENANCE_FRAC))
        if long_at < low:
            state.longs[long_at] = state.longs.get(long_at, 0.0) + mass
            state.long_top = max(state.long_top, long_at)
        if short_at > high:
            state.shorts[short_at] = state.shorts.get(short_at, 0.0) + mass
            state.short_bottom = min(state.short_bottom, short_at)


def _cap(state: ClusterMap, open_interest_qty: float) -> None:
    """Hold each side at no more than all open interest."""
    for cells, total in zip((state.longs, state.shorts), totals(state), strict=True):
        if total > open_interest_qty:
            for index in cells:
                cells[index] *= open_interest_qty / total
