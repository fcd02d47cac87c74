"""The house's words for a setup: what blocks it, where its stop and targets lie, how it is wished.

Numbers are floats in quote; `sign` is +1 for a long, -1 for a short.
"""

from bot.domain.orders import PositionSide
from bot.domain.strategy import Exits, Intent
from bot.domain.units import NS_PER_S
from bot.kernel.assess.cascade import ACTIVE
from bot.kernel.indicators.averages import Ema, fold
from bot.kernel.stops.placement import beyond
from bot.kernel.strategy.view import SeenBar, SeenZone, StrategyView

THREAT_BLOCKS = 4
BAND_FRAC = 5e-4
TICKS_MIN = 3.0
NEAR_ATR = 0.5
"""A zone nearer than this share of the hourly range is no target."""


def threat_to(view: StrategyView, side: PositionSide) -> int | None:
    """Return the threat (1 to 5) to a side; None while it is not judged."""
    found = view.assessment
    if found is None:
        return None
    return found.threat if side is PositionSide.LONG else found.threat_short


def blocked(view: StrategyView, side: PositionSide) -> str:
    """Return why nothing new may be wished on a side now; "" when nothing speaks against it.

    Unjudged is blocked; so is a threat of four or more, and any cascade that is running: nobody
    catches a falling knife, and nobody sells into it (domain 7 and 8.2).
    """
    threat, found = threat_to(view, side), view.assessment
    if threat is None or found is None:
        return "the market is not judged yet"
    if threat >= THREAT_BLOCKS:
        return f"threat {threat} to {side.value.lower()}s"
    if found.cascade == ACTIVE:
        return "forced orders are running"
    return ""


def stop_beyond(
    view: StrategyView, price: float, side: PositionSide, room_atr: float
) -> float | None:
    """Return a stop `room_atr` hourly ranges beyond a price, in no zone and on no round number.

    None while the range is not known, or when it would not lie on the loss side of the close.
    """
    atr = view.atr_1h
    if atr is None:
        return None
    sign = side.sign
    raw = price - sign * max(room_atr * atr, TICKS_MIN * view.tick)
    spans = [(zone.low, zone.high) for zone in view.zones if zone.strength >= 1.0]
    stop = beyond(raw, sign, spans, BAND_FRAC)
    return stop if stop > 0.0 and sign * (view.close - stop) > 0.0 else None


def edges(zone: SeenZone, side: PositionSide) -> tuple[float, float]:
    """Return (near, far) edge of a zone that carries a position of a side from behind."""
    return (zone.high, zone.low) if side is PositionSide.LONG else (zone.low, zone.high)


def zones_ahead(
    view: StrategyView, side: PositionSide, strength_min: float, count: int = 2
) -> tuple[float, ...]:
    """Return the near edges of the next zones on a position's way, nearest first."""
    atr, sign = view.atr_1h, side.sign
    if atr is None:
        return ()
    least = view.close + sign * NEAR_ATR * atr
    found = {
        zone.low if sign > 0 else zone.high for zone in view.zones if zone.strength >= strength_min
    }
    ahead = sorted((p for p in found if sign * (p - least) > 0.0), key=lambda p: sign * p)
    return tuple(ahead[:count])


def trend(view: StrategyView, fast: int = 20, slow: int = 50) -> int:
    """Return +1 or -1, which way the hourly averages (EMA) lie; 0 while hours are too few."""
    hours = view.hours(3 * slow)
    if len(hours) < slow:
        return 0
    averages = [Ema(length) for length in (fast, slow)]
    for hour in hours:
        for average in averages:
            fold(average, hour.close)
    quick, lazy = (average.value for average in averages)
    return (quick > lazy) - (quick < lazy)


def worst_of(bars: tuple[SeenBar, ...], side: PositionSide) -> float:
    """Return the price of some bars that lies furthest against a side."""
    if side is PositionSide.LONG:
        return min(bar.low for bar in bars)
    return max(bar.high for bar in bars)


def state_since_ns(view: StrategyView, zone: SeenZone) -> int:
    """Return when a zone came into its state: the same instant at each of the bars it stays."""
    return view.close_ns - zone.bars_in_state * view.bar_s * NS_PER_S


def wish(
    view: StrategyView,
    side: PositionSide,
    stop: float | None,
    targets: tuple[float, ...],
    *,
    name: str,
    key: str,
    reason: str,
    rules: Exits,
) -> tuple[Intent, ...]:
    """Return the wish for a position whose last target is the last of `targets`.

    Nothing is wished without stop or target, or on a side that is blocked. `key` names the signal
    within strategy and symbol: it trades once.
    """
    if stop is None or not targets or blocked(view, side):
        return ()
    exits = Exits(
        partials=targets[:-1],
        break_even_r=rules.break_even_r,
        trail_atr=rules.trail_atr,
        trail_from_r=rules.trail_from_r,
        life_s=rules.life_s,
    )
    return (
        Intent(
            symbol=view.symbol,
            side=side,
            stop_price=stop,
            target_price=targets[-1],
            reason=reason,
            signal_id=f"{name}|{view.symbol}|{key}",
            exits=exits,
        ),
    )
