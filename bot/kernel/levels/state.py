"""What the levels remember: bars by timeframe, pivots, anchors and zones, all encodable."""

from typing import Protocol

import msgspec


class BarLike(Protocol):
    """A closed bar: prices in quote, volume in base."""

    open_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class ZoneLike(Protocol):
    """The part of a zone that its state machine moves."""

    low: float
    high: float
    side: int
    state: str
    bars_in_state: int
    holds: int
    extreme: float
    changed: bool
    note: str


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """A price, or a band of prices, that one generator holds to matter."""

    kind: str
    name: str
    low: float
    high: float
    strength: float
    """What its generator gives it within its kind, 0 to 1."""
    weight: float
    """What its kind counts for, 0 to 1."""
    timeframe_s: int = 0
    formed_ns: int = 0
    known_from_ns: int = 0
    half_life_ns: int = 0
    """After which its weight has halved; 0: it does not age."""
    said: int = 0
    """What a human called it: +1 support, -1 resistance, 0 nothing."""
    params: dict[str, float] = {}


class LevelZone(msgspec.Struct, kw_only=True):
    """Levels merged to one zone, with its life; side +1 support, -1 resistance."""

    name: str
    low: float
    high: float
    known_from_ns: int = 0
    side: int = 0
    state: str = "NEW"
    bars_in_state: int = 0
    holds: int = 0
    extreme: float = 0.0
    changed: bool = False
    note: str = ""
    strength: float = 0.0
    kinds: list[str] = []
    members: list[str] = []
    touches: int = 0
    """Times it held since it last broke."""
    manual: bool = False
    warning: str = ""
    bar_ns: int = 0
    """Open of the last bar it saw."""


class FrameBar(msgspec.Struct):
    """One bar of a timeframe, closed or being built."""

    open_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0


class Frame(msgspec.Struct, kw_only=True):
    """Closed bars of one timeframe as columns, oldest first, and the one being built."""

    timeframe_s: int
    kept: int
    part: FrameBar | None = None
    whole: bool = False
    """Whether the bar being built was seen from its beginning."""
    open_ns: list[int] = []
    open: list[float] = []
    high: list[float] = []
    low: list[float] = []
    close: list[float] = []
    volume: list[float] = []

    def __len__(self) -> int:
        return len(self.open_ns)

    @property
    def bar_ns(self) -> int:
        """Length of one bar."""
        return self.timeframe_s * 1_000_000_000

    def tail(self, count: int) -> "Frame":
        """Return the newest `count` closed bars as a frame of their own."""
        return Frame(
            timeframe_s=self.timeframe_s,
            kept=self.kept,
            open_ns=self.open_ns[-count:],
            open=self.open[-count:],
            high=self.high[-count:],
            low=self.low[-count:],
            close=self.close[-count:],
            volume=self.volume[-count:],
        )

    def close_ns(self, index: int) -> int:
        """Return the instant at which bar `index` was known."""
        return self.open_ns[index] + self.bar_ns


class Pivot(msgspec.Struct, frozen=True, kw_only=True):
    """A turn of the zigzag: `is_high` at the bar of `ns`, confirmed at `known_ns`."""

    is_high: bool
    price: float
    ns: int
    known_ns: int


class Zigzag(msgspec.Struct, kw_only=True):
    """Turns of at least a threshold; `direction` +1 seeks a high, -1 a low, 0 either."""

    direction: int = 0
    high: float = 0.0
    high_ns: int = 0
    low: float = 0.0
    low_ns: int = 0
    pivots: list[Pivot] = []


class VwapAnchor(msgspec.Struct, frozen=True, kw_only=True):
    """An instant from which an average price is kept; it was named at `known_ns`."""

    name: str
    ns: int
    known_ns: int


class LevelBook(msgspec.Struct, kw_only=True):
    """Everything remembered about the levels of one symbol."""

    frames: dict[int, Frame] = {}
    zigzags: dict[int, Zigzag] = {}
    anchors: list[VwapAnchor] = []
    zones: list[LevelZone] = []
    last_ns: int = 0
    """Open of the newest bar folded in."""
    refused: int = 0
    refusal: str = ""
    """Why the newest unusable bar was not taken."""
    warnings: list[str] = []
    stale: bool = False
    """Whether bars were folded in since the zones were last made."""


class Followed(msgspec.Struct, kw_only=True):
    """Where one declared scenario stands: WAITING, ARMED, RUNNING, DONE, INVALID or EXPIRED."""

    name: str
    status: str = "WAITING"
    stage: int = 0
    """Stages that have happened."""
    since_ns: int = 0
    running_ns: int = 0
    """When it began to run; 0: never yet."""
    targets_hit: int = 0
    zone: LevelZone | None = None
    """The zone of the next stage."""
    undoing: LevelZone | None = None
    """The zone whose event would end it."""
    note: str = ""


class ScenarioBook(msgspec.Struct, kw_only=True):
    """All followed scenarios of one symbol, and the bars they are judged on."""

    parts: dict[int, FrameBar] = {}
    followed: list[Followed] = []
    last_ns: int = 0
