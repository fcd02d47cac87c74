"""Price against open interest over four horizons: who is building, who is leaving."""

import math
from typing import Final

import msgspec

from bot.domain.units import NS_PER_H, NS_PER_S
from bot.kernel.observe import open_interest, rings
from bot.kernel.observe.path import FINE_NS
from bot.kernel.sensed import HORIZONS_S, Senses

NEUTRAL: Final = "neutral"
NAMES: Final = {
    (1, 1): "long build-up",
    (-1, 1): "short build-up",
    (-1, -1): "long unwinding",
    (1, -1): "short covering",
}
DEAD_ZONE: Final = 0.5


class Quadrant(msgspec.Struct, frozen=True, kw_only=True):
    """One horizon: log changes of price and of open interest in coins, in deviations too."""

    horizon_s: int
    name: str
    confidence: float
    price_change: float
    oi_change: float
    price_z: float
    oi_z: float


def quadrant_name(price_z: float, oi_z: float) -> str:
    """Return the name of a quadrant; inside the dead zone it is neutral."""
    if abs(price_z) < DEAD_ZONE or abs(oi_z) < DEAD_ZONE:
        return NEUTRAL
    return NAMES[(1 if price_z > 0.0 else -1), (1 if oi_z > 0.0 else -1)]


def quadrants(senses: Senses, now_ns: int) -> tuple[Quadrant, ...]:
    """Return every horizon at which price, interest and their usual size are known."""
    known = senses.baselines
    if len(known.move_sd) != len(HORIZONS_S) or not senses.open_interest.venues:
        return ()
    out = []
    venues = open_interest.present(senses.open_interest, now_ns)
    known_qty = open_interest.known_qty(senses.open_interest, now_ns)
    for kind, horizon_s in enumerate(HORIZONS_S):
        price_sd, oi_sd = known.move_sd[kind], known.oi_move_sd[kind]
        then = _price_then(senses, horizon_s)
        if price_sd is None or oi_sd is None or then is None:
            continue
        change = open_interest.log_change(venues, known_qty, now_ns, horizon_s)
        if change is None:
            continue
        move = math.log(senses.price.close / then)
        price_z, oi_z = move / price_sd, change / oi_sd
        name = quadrant_name(price_z, oi_z)
        out.append(
            Quadrant(
                horizon_s=horizon_s,
                name=name,
                confidence=min(min(abs(price_z), abs(oi_z)) / 2.0, 1.0) * (name != NEUTRAL),
                price_change=move,
                oi_change=change,
                price_z=price_z,
                oi_z=oi_z,
            )
        )
    return tuple(out)


def _price_then(senses: Senses, horizon_s: int) -> float | None:
    """Return the price a horizon ago: five-minute closes for short ones, of hours for long."""
    price = senses.price
    then_ns = price.close_ns - horizon_s * NS_PER_S
    if horizon_s <= 3_600:
        number = (then_ns - 1) // FINE_NS
        before = [block for block in price.fine if block.number <= number]
        if before:
            return before[-1].close
    return rings.last_known(price.closes, (then_ns - 1) // NS_PER_H, 1)
