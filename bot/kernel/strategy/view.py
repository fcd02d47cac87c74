"""What a strategy sees of one symbol when a bar has closed; nothing of it can be written."""

from collections.abc import Callable, Sequence

import msgspec

from bot.domain.policy import Policy
from bot.domain.sense import Assessment
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.kernel.levels import worn_strength
from bot.kernel.levels.generators import fair_value_gaps
from bot.kernel.levels.generators.manual import NAME as MANUAL
from bot.kernel.levels.state import Frame, LevelZone
from bot.kernel.snapshot import Bar, Market, Sensed, Zone

HOUR_S = NS_PER_H // NS_PER_S
GAPS_LOOKED_AT = 240


class SeenZone(msgspec.Struct, frozen=True, kw_only=True):
    """A price zone; side +1 support, -1 resistance. `strength` is 1 for what people named."""

    name: str
    low: float
    high: float
    side: int
    state: str
    bars_in_state: int
    extreme: float
    changed: bool
    """Whether this bar brought the state."""
    note: str
    strength: float
    kinds: tuple[str, ...]


class SeenBar(msgspec.Struct, frozen=True):
    """A closed bar; prices in quote, volume in base."""

    open_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class SeenGap(msgspec.Struct, frozen=True, kw_only=True):
    """An hourly fair value gap; `filled_frac` of it was traded since, from its near edge."""

    low: float
    high: float
    is_up: bool
    filled_frac: float


class StrategyView:
    """One symbol at the close of a bar: bars, hours, zones, and the judgement of the senses."""

    __slots__ = ("_market", "_policy", "_sensed", "_zones", "now_ns")

    def __init__(
        self, market: Market, policy: Policy, now_ns: int, sensed: Sensed | None = None
    ) -> None:
        self._market = market
        self._policy = policy
        self._sensed = sensed
        self._zones: tuple[SeenZone, ...] | None = None
        self.now_ns = now_ns

    def has(self, need: str) -> bool:
        """Whether what a strategy said it needs is known now."""
        return NEEDS[need](self)

    # ------------------------------------------------------------------ prices

    @property
    def symbol(self) -> str:
        """Unified symbol."""
        return self._market.symbol

    @property
    def close(self) -> float:
        """Close of the newest bar."""
        return self._market.bars[-1].close

    @property
    def close_ns(self) -> int:
        """When the newest bar closed: the same however late the view was made."""
        return self._market.bars[-1].open_ns + self.bar_s * NS_PER_S

    @property
    def bar_s(self) -> int:
        """Length of a bar, seconds."""
        return self._policy.bar_s

    @property
    def bars(self) -> int:
        """Closed bars of the decision timeframe that are still kept."""
        return len(self._market.bars)

    def bar(self, back: int) -> SeenBar:
        """Return the bar `back` bars ago; 0 is the newest."""
        return _seen_bar(self._market.bars[-1 - back])

    def hours(self, count: int) -> tuple[SeenBar, ...]:
        """Return up to `count` closed hours, oldest first."""
        frame = self._hours()
        if frame is None:
            return ()
        first = max(len(frame) - count, 0)
        return tuple(_hour(frame, index) for index in range(first, len(frame)))

    @property
    def hour_closed(self) -> bool:
        """Whether the newest bar closed an hour."""
        frame = self._hours()
        return (
            frame is not None and len(frame) > 0 and frame.close_ns(len(frame) - 1) == self.close_ns
        )

    @property
    def atr_1h(self) -> float | None:
        """Hourly ATR (Wilder, 14); None until known."""
        return self._market.atr_1h if self._market.atr_1h_count else None

    @property
    def tick(self) -> float:
        """Smallest price step; 0.0 while the contract is unknown."""
        instrument = self._market.instrument
        return float(instrument.tick) if instrument is not None else 0.0

    @property
    def cost_frac(self) -> float:
        """Round-trip fees and planned slippage as a share of price."""
        instrument = self._market.instrument
        fee = instrument.taker_fee_frac if instrument is not None else 0.0005
        sizing = self._policy.sizing
        return 2.0 * fee + (sizing.entry_slip_bps + sizing.stop_slip_bps) * 1e-4

    # ------------------------------------------------------------------ senses

    @property
    def assessment(self) -> Assessment | None:
        """What the senses make of the market; None while they have not judged."""
        return self._sensed.assessment if self._sensed is not None else None

    @property
    def funding_frac(self) -> float | None:
        """Newest funding rate of the traded venue, per its own interval."""
        return self._market.funding_frac

    @property
    def zones(self) -> tuple[SeenZone, ...]:
        """Known zones, lowest first: those that people named, and those found by generators."""
        if self._zones is None:
            named = [_named(zone) for zone in self._market.zones if zone.state != "NEW"]
            book = self._sensed.book.zones if self._sensed is not None else []
            newest_ns = self._market.bars[-1].open_ns if self._market.bars else 0
            found = [_found(zone, newest_ns) for zone in book if _is_found(zone)]
            self._zones = tuple(sorted([*named, *found], key=lambda z: (z.low, z.high, z.name)))
        return self._zones

    def gaps(self) -> tuple[SeenGap, ...]:
        """Return the hourly fair value gaps that are not filled, oldest first."""
        frame = self._hours()
        if frame is None:
            return ()
        newest = frame.tail(GAPS_LOOKED_AT)
        seen = [(gap, fair_value_gaps.filled_frac(gap, newest)) for gap in
                fair_value_gaps.gaps(newest)]  # fmt: skip
        return tuple(
            SeenGap(low=gap.low, high=gap.high, is_up=gap.is_up, filled_frac=filled)
            for gap, filled in seen
            if filled < 1.0
        )

    def _hours(self) -> Frame | None:
        return self._sensed.book.frames.get(HOUR_S) if self._sensed is not None else None


NEEDS: dict[str, Callable[[StrategyView], bool]] = {
    "contract": lambda view: view.tick > 0.0,
    "range": lambda view: view.atr_1h is not None,
    "hours": lambda view: len(view.hours(1)) > 0,
    "zones": lambda view: len(view.zones) > 0,
    "judgement": lambda view: view.assessment is not None,
    "funding": lambda view: (
        view.assessment is not None and view.assessment.facts.funding_z is not None
    ),
    "open_interest": lambda view: (
        view.assessment is not None and view.assessment.facts.oi_z is not None
    ),
}
"""What a strategy may say it needs, and when that is known."""


def unknown_needs(needs: Sequence[str]) -> tuple[str, ...]:
    """Return the words that name nothing a strategy can need."""
    return tuple(need for need in needs if need not in NEEDS)


def _seen_bar(bar: Bar) -> SeenBar:
    return SeenBar(bar.open_ns, bar.open, bar.high, bar.low, bar.close, bar.volume)


def _hour(frame: Frame, index: int) -> SeenBar:
    return SeenBar(
        frame.open_ns[index], frame.open[index], frame.high[index], frame.low[index],
        frame.close[index], frame.volume[index],
    )  # fmt: skip


def _is_found(zone: LevelZone) -> bool:
    """Whether generators alone found a zone: what people named has a life of its own."""
    return not zone.manual and zone.state != "NEW" and zone.bar_ns > 0


def _named(zone: Zone) -> SeenZone:
    return SeenZone(
        name=zone.name, low=zone.low, high=zone.high, side=zone.side, state=zone.state,
        bars_in_state=zone.bars_in_state, extreme=zone.extreme, changed=zone.changed,
        note=zone.note, strength=1.0, kinds=(MANUAL,),
    )  # fmt: skip


def _found(zone: LevelZone, newest_ns: int) -> SeenZone:
    return SeenZone(
        name=zone.name, low=zone.low, high=zone.high, side=zone.side, state=zone.state,
        bars_in_state=zone.bars_in_state, extreme=zone.extreme,
        changed=zone.changed and zone.bar_ns == newest_ns, note=zone.note,
        strength=worn_strength(zone), kinds=tuple(zone.kinds),
    )  # fmt: skip
