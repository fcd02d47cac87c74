"""Buy a support zone (or sell a resistance) that was touched or swept and held, with a tight stop.

The stop lies beyond the zone and beyond the worst price of the touch; the targets are the next
zones.
"""

from bot.sdk import (
    Atr,
    Intent,
    Leaving,
    Memory,
    PositionSide,
    Setup,
    Share,
    View,
    Zone,
    edges,
    stop_beyond,
    wish,
    zones_ahead,
)


class Params(Leaving, frozen=True):
    """Distances in hourly ranges, gains in multiples of the risk."""

    strength_min: Share = 0.9
    stop_atr: Atr = 0.25
    chase_atr_max: Atr = 1.0


class LevelBounce(Setup[Params]):
    """Level bounce with a tight stop."""

    numbers = Params
    name = "level_bounce"
    needs = ("contract", "range", "zones")
    warmup_bars = 3

    def evaluate(self, view: View, memory: Memory) -> tuple[Memory, tuple[Intent, ...]]:
        """Wish a position for each zone that has just held."""
        wishes: tuple[Intent, ...] = ()
        for zone in view.zones:
            if zone.changed and zone.state == "HELD" and zone.strength >= self.params.strength_min:
                wishes += self._wish(view, zone)
        return memory, wishes

    def _wish(self, view: View, zone: Zone) -> tuple[Intent, ...]:
        params, atr = self.params, view.atr_1h
        side = PositionSide.LONG if zone.side > 0 else PositionSide.SHORT
        near, far = edges(zone, side)
        if atr is None or side.sign * (view.close - near) > params.chase_atr_max * atr:
            return ()
        worst = min(far, zone.extreme) if side.sign > 0 else max(far, zone.extreme)
        return wish(
            view,
            side,
            stop_beyond(view, worst, side, params.stop_atr),
            zones_ahead(view, side, params.strength_min),
            name=self.name,
            key=f"{zone.name}|{view.close_ns}",
            reason=f"{zone.name} {zone.note}; extreme {zone.extreme:.8g}",
            rules=params.exits,
        )
