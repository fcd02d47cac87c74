"""Buy when shorts are crowded after a flush and price turns; sell crowded longs after a run-up.

Crowded: funding lies deviations under (over) its median of 90 days. Flushed: the fall (rise) of 48
hours was some daily deviations, and open interest does not grow. The turn: an hour that closes
beyond the range of the hour before it. One try a side and funding window of eight hours.
"""

from bot.sdk import (
    Assessment,
    Atr,
    Bars,
    Deviations,
    Intent,
    Leaving,
    Memory,
    PositionSide,
    Setup,
    Share,
    View,
    stop_beyond,
    wish,
    worst_of,
    zones_ahead,
)

FUNDING_WINDOW_NS = 8 * 3_600 * 1_000_000_000


class Params(Leaving, frozen=True):
    """Deviations are robust ones of funding, or daily ones of price and open interest."""

    crowded_sd: Deviations = 2.0
    flushed_sd: Deviations = 2.0
    interest_sd_max: Deviations = 1.0
    """Open interest that grew by more than this in a day is a new crowd, no flush."""
    strength_min: Share = 0.9
    extreme_h: Bars = 12
    stop_atr: Atr = 0.25


class FundingSqueeze(Setup[Params]):
    """The crowded side pays, and then has to leave."""

    numbers = Params
    name = "funding_squeeze"
    needs = ("contract", "range", "zones", "hours", "funding", "open_interest")
    warmup_bars = 12

    def evaluate(self, view: View, memory: Memory) -> tuple[Memory, tuple[Intent, ...]]:
        """Wish a position against the crowd at an hour that turns."""
        found, hours = view.assessment, view.hours(self.params.extreme_h)
        wishes: tuple[Intent, ...] = ()
        if found is None or not view.hour_closed or len(hours) < 2:
            return memory, wishes
        for side in PositionSide:
            last, before = hours[-1], hours[-2]
            turned = last.close > before.high if side.sign > 0 else last.close < before.low
            if turned and self._crowded(found, side):
                wishes += self._wish(view, found, side)
        return memory, wishes

    def _crowded(self, found: Assessment, side: PositionSide) -> bool:
        params, facts = self.params, found.facts
        move = facts.drop_48h if side.sign > 0 else facts.rise_48h
        if facts.funding_z is None or facts.oi_z is None or move is None or not facts.sd:
            return False
        crowd = side.sign * facts.funding_z <= -params.crowded_sd
        flushed = move >= params.flushed_sd * facts.sd and facts.oi_z <= params.interest_sd_max
        return crowd and flushed

    def _wish(self, view: View, found: Assessment, side: PositionSide) -> tuple[Intent, ...]:
        params = self.params
        worst = worst_of(view.hours(params.extreme_h), side)
        crowd = "shorts" if side.sign > 0 else "longs"
        return wish(
            view,
            side,
            stop_beyond(view, worst, side, params.stop_atr),
            zones_ahead(view, side, params.strength_min, count=3),
            name=self.name,
            key=f"{side.value}|{view.close_ns // FUNDING_WINDOW_NS}",
            reason=f"{crowd} are crowded: funding {found.facts.funding_z or 0.0:+.1f} sd after a "
            "flush, and the hour turned",
            rules=params.exits,
        )
