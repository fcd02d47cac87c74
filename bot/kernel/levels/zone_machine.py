"""The life of a price zone, bar by bar.

FAR -> APPROACH -> TOUCHED -> SWEPT | BREAKING; BREAKING held for `hold_bars` closes -> BROKEN, and
the zone changes side; SWEPT or BREAKING closed back -> RECLAIMED; RECLAIMED held for `hold_bars`
closes -> HELD (the failed break). A touch that holds `hold_bars` closes is HELD as well.
Everything is computed in mirrored prices (side * price), so support and resistance share one path.
"""

from bot.domain.policy import LevelPolicy
from bot.kernel.levels.state import BarLike, ZoneLike

SWEEPING = ("SWEPT", "BREAKING")
FINISHED = ("HELD", "BROKEN", "RETEST_REJECTED")
TOUCH_HELD = "touched and held"
SWEEP_HELD = "swept, reclaimed and held"
BREAK_HELD = "broken and held"


def tolerances(policy: LevelPolicy, atr: float, price: float) -> tuple[float, float, float]:
    """Return (band, break, near) in price units for an ATR of the decision timeframe."""
    band = max(policy.band_atr_frac * atr, policy.band_bps * 1e-4 * price)
    brk = max(policy.break_atr_frac * atr, policy.break_bps * 1e-4 * price)
    return band, brk, max(policy.near_atr * atr, 2.0 * brk)


def advance(zone: ZoneLike, bar: BarLike, policy: LevelPolicy, atr: float) -> None:
    """Move `zone` one closed bar on; `zone.changed` tells whether its state is new."""
    if zone.side == 0:
        _place(zone, bar)
    band, brk, near = tolerances(policy, atr, bar.close)
    before = zone.state
    zone.bars_in_state += 1
    side = zone.side
    near_edge = zone.high if side > 0 else -zone.low
    far_edge = zone.low if side > 0 else -zone.high
    wick = bar.low if side > 0 else -bar.high
    close = side * bar.close
    if zone.state in SWEEPING:
        _sweeping(zone, close, wick, far_edge, brk, policy)
    elif zone.state == "RECLAIMED":
        _reclaimed(zone, close, wick, far_edge, brk, policy)
    else:
        _resting(zone, close, wick, (near_edge, far_edge), (band, brk, near), policy)
    zone.changed = zone.state != before
    if zone.changed:
        zone.bars_in_state = 0


def _place(zone: ZoneLike, bar: BarLike) -> None:
    """Give a zone its side on the first bar; a price inside counts as above."""
    zone.side = 1 if bar.close >= zone.low else -1
    zone.state = "FAR"


def _enter_sweep(zone: ZoneLike, state: str, wick: float) -> None:
    zone.state = state
    zone.extreme = zone.side * wick
    zone.holds = 1 if state == "BREAKING" else 0


def _resting(
    zone: ZoneLike,
    close: float,
    wick: float,
    edges: tuple[float, float],
    reach: tuple[float, float, float],
    policy: LevelPolicy,
) -> None:
    near_edge, far_edge = edges
    band, brk, near = reach
    if close < far_edge - brk:
        _enter_sweep(zone, "BREAKING", wick)
    elif wick < far_edge - band:
        _enter_sweep(zone, "SWEPT", wick)
    elif wick <= near_edge + band:
        if zone.state in ("BROKEN", "RETEST_REJECTED"):
            zone.state = "RETEST_REJECTED"
            return
        if zone.state != "TOUCHED" and not _settled(zone, policy):
            zone.state, zone.holds, zone.extreme = "TOUCHED", 0, zone.side * wick
        _count_hold(zone, close, near_edge, wick, policy)
    elif zone.state == "TOUCHED":
        _count_hold(zone, close, near_edge, wick, policy)
    elif not _settled(zone, policy):
        zone.state = "APPROACH" if close <= near_edge + near else "FAR"


def _settled(zone: ZoneLike, policy: LevelPolicy) -> bool:
    """Whether a finished state still stands: it is forgotten after `expire_bars`."""
    finished = zone.state in FINISHED
    return finished and zone.bars_in_state < policy.expire_bars


def _count_hold(
    zone: ZoneLike, close: float, near_edge: float, wick: float, policy: LevelPolicy
) -> None:
    if zone.state != "TOUCHED":
        return
    zone.extreme = zone.side * min(zone.side * zone.extreme, wick)
    zone.holds = zone.holds + 1 if close > near_edge else 0
    if zone.holds >= policy.hold_bars:
        zone.state, zone.note = "HELD", TOUCH_HELD


def _sweeping(
    zone: ZoneLike, close: float, wick: float, far_edge: float, brk: float, policy: LevelPolicy
) -> None:
    zone.extreme = zone.side * min(zone.side * zone.extreme, wick)
    if close >= far_edge:
        zone.state, zone.holds = "RECLAIMED", 1
        return
    if zone.state == "SWEPT":
        if close < far_edge - brk or zone.bars_in_state > policy.sweep_bars_max:
            zone.state, zone.holds = "BREAKING", 1
        return
    zone.holds += 1
    if zone.holds >= policy.hold_bars:
        zone.state, zone.holds, zone.note = "BROKEN", 0, BREAK_HELD
        zone.side = -zone.side


def _reclaimed(
    zone: ZoneLike, close: float, wick: float, far_edge: float, brk: float, policy: LevelPolicy
) -> None:
    zone.extreme = zone.side * min(zone.side * zone.extreme, wick)
    if close < far_edge - brk:
        zone.state, zone.holds = "BREAKING", 1
    elif close < far_edge:
        zone.state, zone.holds = "SWEPT", 0
    else:
        zone.holds += 1
        if zone.holds >= policy.hold_bars:
            zone.state, zone.note = "HELD", SWEEP_HELD
