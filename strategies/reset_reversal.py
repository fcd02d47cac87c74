"""Buy after longs were flushed out of their leverage, or sell after shorts were, once it is over.

Only after LEVERAGE_RESET and only while the cascade is SUBSIDING or in its AFTERMATH; an hour must
close beyond the range of the one before it. A reset is no bottom: the stop lies beyond the
extreme, and one try a day and side is all there is.
"""

from bot.sdk import (
    AFTERMATH,
    RESET,
    SUBSIDING,
    Assessment,
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
    override,
    stop_beyond,
    wish,
    worst_of,
    zones_ahead,
)

DAY_NS = 24 * 3_600 * 1_000_000_000
OVER = (SUBSIDING, AFTERMATH)


class Params(Leaving, frozen=True):
    """Distances in hourly ranges, gains in multiples of the risk."""

    strength_min: Share = 0.9
    extreme_h: Bars = 24
    stop_atr: Atr = 0.25
    memory_h: Hours = 12.0
    """How long a reset is remembered."""
    trail_atr: Atr = 3.0
    trail_from_r: Multiple = 2.0
    life_h: Hours = 48.0


class ResetReversal(Setup[Params]):
    """The other way after a leverage reset."""

    numbers = Params
    name = "reset_reversal"
    needs = ("contract", "range", "zones", "hours", "judgement")
    warmup_bars = 144

    @override
    def start(self) -> Memory:
        """Begin with no reset seen on either side (ns UTC)."""
        return {"LONG": 0, "SHORT": 0}

    def evaluate(self, view: View, memory: Memory) -> tuple[Memory, tuple[Intent, ...]]:
        """Remember a reset; wish the other way at the first hour that turns."""
        found = view.assessment
        wishes: tuple[Intent, ...] = ()
        if found is None:
            return memory, ()
        memory = _remembered(found, memory, view.close_ns)
        hours = view.hours(self.params.extreme_h)
        if not view.hour_closed or len(hours) < 2 or found.cascade not in OVER:
            return memory, ()
        for side in PositionSide:
            last, before = hours[-1], hours[-2]
            turned = last.close > before.high if side.sign > 0 else last.close < before.low
            if turned and self._is_fresh(memory, side, view.close_ns):
                wishes += self._wish(view, found, side)
        return memory, wishes

    def _is_fresh(self, memory: Memory, side: PositionSide, now_ns: int) -> bool:
        seen_ns = int(memory[side.value])
        return seen_ns > 0 and now_ns - seen_ns <= self.params.memory_h * 3_600e9

    def _wish(self, view: View, found: Assessment, side: PositionSide) -> tuple[Intent, ...]:
        params = self.params
        worst = worst_of(view.hours(params.extreme_h), side)
        flushed = "longs" if side.sign > 0 else "shorts"
        return wish(
            view,
            side,
            stop_beyond(view, worst, side, params.stop_atr),
            zones_ahead(view, side, params.strength_min, count=3),
            name=self.name,
            key=f"{side.value}|{view.close_ns // DAY_NS}",
            reason=f"leverage of {flushed} was reset, forced orders are {found.cascade}, "
            "and the hour turned",
            rules=params.exits,
        )


def _remembered(found: Assessment, memory: Memory, now_ns: int) -> Memory:
    """Return the memory with the resets that stand now: flushed longs speak for a long."""
    seen = dict(memory)
    for side, flush in ((PositionSide.LONG, found.flush), (PositionSide.SHORT, found.flush_short)):
        if flush.state == RESET:
            seen[side.value] = now_ns
    return seen
