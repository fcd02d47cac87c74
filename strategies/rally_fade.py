"""Sell rallies into resistance while the trend is down; buy dips into support while it is up.

The trend is that of the hourly averages. A move against it must have run some hourly ranges from
the day's extreme, reach a zone, and be turned away by a close; the stop lies beyond the zone and
the rejected bars.
"""

from bot.sdk import (
    Atr,
    Bars,
    Intent,
    Leaving,
    Memory,
    PositionSide,
    Setup,
    Share,
    View,
    Zone,
    edges,
    state_since_ns,
    stop_beyond,
    trend,
    wish,
    worst_of,
    zones_ahead,
)

AT_THE_ZONE = ("TOUCHED", "RECLAIMED")


class Params(Leaving, frozen=True):
    """Distances in hourly ranges, gains in multiples of the risk."""

    strength_min: Share = 0.9
    rally_atr: Atr = 3.0
    rally_h: Bars = 24
    """Hours over which the move against the trend is measured."""
    rejected_bars: Bars = 3
    stop_atr: Atr = 0.25
    chase_atr_max: Atr = 0.5


class RallyFade(Setup[Params]):
    """Rejections of counter-moves at zones, with the trend."""

    numbers = Params
    name = "rally_fade"
    needs = ("contract", "range", "zones", "hours")
    warmup_bars = 12

    def evaluate(self, view: View, memory: Memory) -> tuple[Memory, tuple[Intent, ...]]:
        """Wish a position with the trend for each zone that has just turned price away."""
        strong = [
            zone
            for zone in view.zones
            if zone.state in AT_THE_ZONE and zone.strength >= self.params.strength_min
        ]
        way = trend(view) if strong else 0
        wishes: tuple[Intent, ...] = ()
        for zone in strong:
            if way != 0 and zone.side == way:
                wishes += self._wish(view, zone)
        return memory, wishes

    def _wish(self, view: View, zone: Zone) -> tuple[Intent, ...]:
        params, atr, bar = self.params, view.atr_1h, view.bar(0)
        side = PositionSide.LONG if zone.side > 0 else PositionSide.SHORT
        near, far = edges(zone, side)
        away = side.sign * (bar.close - near)
        turned = side.sign * (bar.close - bar.open) > 0.0
        if atr is None or not turned or not 0.0 < away <= params.chase_atr_max * atr:
            return ()
        hours = view.hours(params.rally_h)
        start = max(h.high for h in hours) if side.sign > 0 else min(h.low for h in hours)
        if side.sign * (start - near) < params.rally_atr * atr:
            return ()
        rejected = worst_of(tuple(view.bar(back) for back in range(params.rejected_bars)), side)
        worst = min(far, rejected) if side.sign > 0 else max(far, rejected)
        return wish(
            view,
            side,
            stop_beyond(view, worst, side, params.stop_atr),
            zones_ahead(view, side, params.strength_min),
            name=self.name,
            key=f"{zone.name}|{state_since_ns(view, zone)}",
            reason=f"{'dip' if side.sign > 0 else 'rally'} of {abs(start - near) / atr:.1f} hourly "
            f"ranges turned away at {zone.name}, with the trend",
            rules=params.exits,
        )
