"""Trade the break of a zone, up or down, after its retest was rejected.

A zone that took several closes to break changes side. When price comes back to it and closes on
the new side again, the position goes with the break: the stop beyond the whole zone and the
retest, the targets at the next zones, the stop trailing once the trade has paid.
"""

from bot.sdk import (
    Atr,
    Bars,
    Hours,
    Intent,
    Leaving,
    Memory,
    Multiple,
    PositionSide,
    Setup,
    Share,
    View,
    Zone,
    edges,
    state_since_ns,
    stop_beyond,
    wish,
    worst_of,
    zones_ahead,
)


class Params(Leaving, frozen=True):
    """Distances in hourly ranges, gains in multiples of the risk."""

    strength_min: Share = 0.9
    late_bars_max: Bars = 3
    """Closes after the retest within which the rejection must be seen."""
    stop_atr: Atr = 0.25
    chase_atr_max: Atr = 1.0
    trail_atr: Atr = 3.0
    trail_from_r: Multiple = 2.0
    life_h: Hours = 48.0


class LevelBreak(Setup[Params]):
    """Break and retest, both ways."""

    numbers = Params
    name = "level_break"
    needs = ("contract", "range", "zones")
    warmup_bars = 12

    def evaluate(self, view: View, memory: Memory) -> tuple[Memory, tuple[Intent, ...]]:
        """Wish a position for each broken zone whose retest was just rejected."""
        wishes: tuple[Intent, ...] = ()
        for zone in view.zones:
            fresh = zone.bars_in_state <= self.params.late_bars_max
            strong = zone.strength >= self.params.strength_min
            if zone.state == "RETEST_REJECTED" and fresh and strong:
                wishes += self._wish(view, zone)
        return memory, wishes

    def _wish(self, view: View, zone: Zone) -> tuple[Intent, ...]:
        params, atr = self.params, view.atr_1h
        side = PositionSide.LONG if zone.side > 0 else PositionSide.SHORT
        near, far = edges(zone, side)
        away = side.sign * (view.close - near)
        if atr is None or not 0.0 < away <= params.chase_atr_max * atr:
            return ()
        retest = worst_of(tuple(view.bar(back) for back in range(zone.bars_in_state + 1)), side)
        worst = min(far, retest) if side.sign > 0 else max(far, retest)
        return wish(
            view,
            side,
            stop_beyond(view, worst, side, params.stop_atr),
            zones_ahead(view, side, params.strength_min),
            name=self.name,
            key=f"{zone.name}|{state_since_ns(view, zone)}",
            reason=f"{zone.name} broken, retested and held from the other side",
            rules=params.exits,
        )
