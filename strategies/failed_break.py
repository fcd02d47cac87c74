"""Fade a failed break: a zone was swept, reclaimed and has held; price often fills the gap it left.

The stop lies beyond the sweep. The first target is the far edge of the nearest fair value gap on
the way, where there is one; the next zones follow. Falling open interest and crowded funding make
the case stronger and are told; they are no condition.
"""

from bot.sdk import (
    SWEEP_HELD,
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
    chase_atr_max: Atr = 1.5
    gap_atr_min: Atr = 0.5
    """A gap whose far edge is nearer than this is no target."""


class FailedBreak(Setup[Params]):
    """Sweep and reclaim, with the gap as the target."""

    numbers = Params
    name = "failed_break"
    needs = ("contract", "range", "zones", "judgement")
    warmup_bars = 12

    def evaluate(self, view: View, memory: Memory) -> tuple[Memory, tuple[Intent, ...]]:
        """Wish a position for each zone that was swept and has just held."""
        wishes: tuple[Intent, ...] = ()
        for zone in view.zones:
            held = zone.changed and zone.state == "HELD" and zone.note == SWEEP_HELD
            if held and zone.strength >= self.params.strength_min:
                wishes += self._wish(view, zone)
        return memory, wishes

    def _wish(self, view: View, zone: Zone) -> tuple[Intent, ...]:
        params, atr = self.params, view.atr_1h
        side = PositionSide.LONG if zone.side > 0 else PositionSide.SHORT
        near, far = edges(zone, side)
        if atr is None or side.sign * (view.close - near) > params.chase_atr_max * atr:
            return ()
        worst = min(far, zone.extreme) if side.sign > 0 else max(far, zone.extreme)
        ahead = {*self._gap_fill(view, side, atr), *zones_ahead(view, side, params.strength_min)}
        return wish(
            view,
            side,
            stop_beyond(view, worst, side, params.stop_atr),
            tuple(sorted(ahead, key=lambda price: side.sign * price)[:2]),
            name=self.name,
            key=f"{zone.name}|{view.close_ns}",
            reason=f"{zone.name} {zone.note}; extreme {zone.extreme:.8g}{_evidence(view, side)}",
            rules=params.exits,
        )

    def _gap_fill(self, view: View, side: PositionSide, atr: float) -> tuple[float, ...]:
        """Return the far edge of the nearest open gap that a move against the position left."""
        least = self.params.gap_atr_min * atr
        fills = [
            gap.low if gap.is_up else gap.high
            for gap in view.gaps()
            if gap.is_up == (side is PositionSide.SHORT)
        ]
        ahead = [price for price in fills if side.sign * (price - view.close) >= least]
        return tuple(sorted(ahead, key=lambda price: side.sign * price)[:1])


def _evidence(view: View, side: PositionSide) -> str:
    """Return what strengthens the case, in words."""
    found = view.assessment
    words = []
    if found is not None and found.facts.oi_z is not None and found.facts.oi_z < 0.0:
        words.append("open interest fell")
    z = found.facts.funding_z if found is not None else None
    if z is not None and side.sign * z < 0.0:
        words.append(f"funding {z:+.1f} sd")
    return "".join(f"; {word}" for word in words)
