"""Buy a zone that was reclaimed and holds for hours; sell one that was lost and stays lost.

Judged at hourly closes alone: some of them in a row beyond the zone, the one before them not. The
stop lies behind the whole zone, the targets at the next three, and the stop trails late.
"""

from bot.sdk import (
    Annotated,
    Atr,
    Bar,
    Hours,
    Intent,
    Leaving,
    Memory,
    Meta,
    Multiple,
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
    hold_hours: Annotated[int, Meta(ge=1, le=24)] = 3
    beyond_bps: Annotated[float, Meta(ge=0.0, le=500.0)] = 10.0
    stop_atr: Atr = 0.5
    chase_atr_max: Atr = 1.5
    trail_atr: Atr = 3.0
    trail_from_r: Multiple = 2.0
    life_h: Hours = 96.0


class ReclaimHold(Setup[Params]):
    """A level taken back, or lost, and kept so."""

    numbers = Params
    name = "reclaim_hold"
    needs = ("contract", "range", "zones", "hours")
    warmup_bars = 12

    def evaluate(self, view: View, memory: Memory) -> tuple[Memory, tuple[Intent, ...]]:
        """Wish a position when an hour closed that completes the hold of a zone."""
        wishes: tuple[Intent, ...] = ()
        hours = view.hours(self.params.hold_hours + 1)
        if not view.hour_closed or len(hours) <= self.params.hold_hours:
            return memory, wishes
        for zone in view.zones:
            for side in PositionSide:
                if zone.strength >= self.params.strength_min and self._holds(hours, zone, side):
                    wishes += self._wish(view, zone, side)
        return memory, wishes

    def _holds(self, hours: tuple[Bar, ...], zone: Zone, side: PositionSide) -> bool:
        """Whether every hour but the first closed beyond the zone, and the first did not."""
        near, _ = edges(zone, side)
        least = near * (1.0 + side.sign * self.params.beyond_bps * 1e-4)
        over = [side.sign * (hour.close - least) > 0.0 for hour in hours]
        return not over[0] and all(over[1:])

    def _wish(self, view: View, zone: Zone, side: PositionSide) -> tuple[Intent, ...]:
        params, atr = self.params, view.atr_1h
        near, far = edges(zone, side)
        if atr is None or side.sign * (view.close - near) > params.chase_atr_max * atr:
            return ()
        what = "reclaimed" if side.sign > 0 else "lost"
        return wish(
            view,
            side,
            stop_beyond(view, far, side, params.stop_atr),
            zones_ahead(view, side, params.strength_min, count=3),
            name=self.name,
            key=f"{zone.name}|{view.close_ns}",
            reason=f"{zone.name} {what}, held for {params.hold_hours} hourly closes",
            rules=params.exits,
        )
