"""Buy a support zone (or sell a resistance) that was swept and held, or touched and held.

The stop lies beyond the zone and beyond the sweep, never on a round number; the target is the next
zone. A trade that does not pay its costs and the wanted multiple of its risk is not wished at all.
"""

from bot.sdk import Intent, Memory, PositionSide, View, Zone

ROUND_STEP_FRAC = 0.0125
"""Round numbers are multiples of the power of ten nearest to this share of price, e.g. 1,000."""


class LevelBounce:
    """Level bounce with a tight stop."""

    name = "level_bounce"
    warmup_bars = 3

    def __init__(
        self,
        stop_atr_frac: float = 0.25,
        stop_ticks_min: float = 3.0,
        round_bps: float = 5.0,
        chase_atr_max: float = 1.0,
    ) -> None:
        self.stop_atr_frac = stop_atr_frac
        self.stop_ticks_min = stop_ticks_min
        self.round_bps = round_bps
        self.chase_atr_max = chase_atr_max

    def start(self) -> Memory:
        """Begin without memory: the zones carry theirs."""
        return {}

    def evaluate(self, view: View, memory: Memory) -> tuple[Memory, tuple[Intent, ...]]:
        """Wish a position for each zone that has just held."""
        atr = view.atr_1h
        if atr is None or view.tick <= 0.0:
            return memory, ()
        intents = []
        for zone in view.zones:
            if zone.changed and zone.state == "HELD":
                intent = self._intent(view, zone, atr)
                if intent is not None:
                    intents.append(intent)
        return memory, tuple(intents)

    def _intent(self, view: View, zone: Zone, atr: float) -> Intent | None:
        side = PositionSide.LONG if zone.side > 0 else PositionSide.SHORT
        sign = side.sign
        near_edge = zone.high if sign > 0 else zone.low
        if sign * (view.close - near_edge) > self.chase_atr_max * atr:
            return None
        target = next_zone_edge(view, zone, sign)
        if target is None:
            return None
        stop = self._stop(view, zone, atr, sign)
        reason = f"{zone.name} {zone.note}; extreme {zone.extreme:.8g}"
        return Intent(
            symbol=view.symbol,
            side=side,
            stop_price=stop,
            target_price=target,
            reason=reason,
            signal_id=f"{self.name}|{view.symbol}|{zone.name}|{view.now_ns}",
        )

    def _stop(self, view: View, zone: Zone, atr: float, sign: int) -> float:
        far_edge = zone.low if sign > 0 else zone.high
        worst = min(far_edge, zone.extreme) if sign > 0 else max(far_edge, zone.extreme)
        room = max(self.stop_atr_frac * atr, self.stop_ticks_min * view.tick)
        return off_round(worst - sign * room, sign, self.round_bps)


def next_zone_edge(view: View, zone: Zone, sign: int) -> float | None:
    """Return the nearest edge of the next zone in the trade's direction; None: there is none."""
    if sign > 0:
        edges = [z.low for z in view.zones if z.low > max(zone.high, view.close)]
        return min(edges, default=None)
    edges = [z.high for z in view.zones if z.high < min(zone.low, view.close)]
    return max(edges, default=None)


def off_round(price: float, sign: int, band_bps: float) -> float:
    """Return `price`, moved away from the market when it lies within the band of a round number."""
    step = round_step(price)
    nearest = round(price / step) * step
    band = band_bps * 1e-4 * price
    if abs(price - nearest) >= band:
        return price
    return nearest - sign * band


def round_step(price: float) -> float:
    """Return the spacing of round numbers at a price: a power of ten near 1.25 % of it."""
    step = 1e-8
    while step * 10.0 <= price * ROUND_STEP_FRAC * 1.25:
        step *= 10.0
    return step
