"""Keeps the zones of one symbol: made anew from its levels, each keeping the life it has had."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from bot.domain.policy import LevelPolicy
from bot.kernel.levels.generators import GENERATORS
from bot.kernel.levels.merge import Draft, flaw, gap_tolerance, merge, placed
from bot.kernel.levels.scene import Scene
from bot.kernel.levels.state import BarLike, Level, LevelBook, LevelZone, VwapAnchor
from bot.kernel.levels.zone_machine import FINISHED, advance, tolerances

IDLE = ("NEW", "FAR", "APPROACH")
TOUCH_STEP, TOUCHES_GOOD = 0.1, 3
ANCHORS_KEPT = 4


def levels_of(scene: Scene) -> tuple[list[Level], list[str]]:
    """Return every usable level known at the scene's instant, and why others were refused."""
    found = [level for generator in GENERATORS for level in generator.levels(scene)]
    usable: list[Level] = []
    refused: list[str] = []
    for level in [*found, *scene.given]:
        wrong = flaw(level)
        if wrong is not None:
            refused.append(wrong)
        elif level.known_from_ns <= scene.now_ns:
            usable.append(level)
    return usable, refused


def refresh(scene: Scene) -> None:
    """Make the zones of the scene's book anew; do so whenever a bar of an hour or more closed."""
    book = scene.book
    levels, warnings = levels_of(scene)
    drafts = merge(levels, scene.price, scene.atr_1h, scene.now_ns)
    heirs = _heirs(book.zones, drafts, gap_tolerance(scene.price, scene.atr_1h))
    inherited = set(heirs.values())
    zones = [z for j, z in enumerate(book.zones) if z.state not in IDLE and j not in inherited]
    for i, draft in enumerate(drafts):
        heir = book.zones[heirs[i]] if i in heirs else None
        zones.append(_zone(draft, heir, scene.price))
    zones.sort(key=lambda zone: (zone.low, zone.high, zone.name))
    book.zones = zones
    book.warnings = warnings + [zone.warning for zone in zones if zone.warning]


def follow(book: LevelBook, bar: BarLike, bar_s: int, policy: LevelPolicy, atr: float) -> None:
    """Move every zone one closed decision bar on; `atr` in quote is that of the bar's timeframe.

    Bars that are missing age a zone as if they had been there.
    """
    bar_ns = bar_s * 1_000_000_000
    close_ns = bar.open_ns + bar_ns
    reach = max(tolerances(policy, atr, bar.close))
    for zone in book.zones:
        if zone.known_from_ns > close_ns or bar.open_ns <= zone.bar_ns:
            continue
        if zone.bar_ns > 0:
            zone.bars_in_state += (bar.open_ns - zone.bar_ns) // bar_ns - 1
        zone.bar_ns = bar.open_ns
        if zone.state == "FAR" and not _reached(zone, bar, reach):
            zone.bars_in_state += 1
            zone.changed = False
            continue
        advance(zone, bar, policy, atr)
        if zone.changed and zone.state == "HELD":
            zone.touches += 1
        elif zone.changed and zone.state == "BROKEN":
            zone.touches = 0


def _reached(zone: LevelZone, bar: BarLike, reach: float) -> bool:
    """Whether a bar came so near to a far zone that its state machine has something to judge."""
    if zone.side > 0:
        return bar.low <= zone.high + reach
    return bar.high >= zone.low - reach


def worn_strength(zone: LevelZone) -> float:
    """Return a zone's strength after its touches: three make it stronger, further ones wear it."""
    good = min(zone.touches, TOUCHES_GOOD)
    change = TOUCH_STEP * (good - max(zone.touches - TOUCHES_GOOD, 0))
    return min(max(zone.strength + change, 0.0), 1.0)


def anchor(book: LevelBook, name: str, ns: int, known_ns: int) -> None:
    """Keep an average price from `ns` on; a known name is anchored anew, the oldest goes."""
    kept = [each for each in book.anchors if each.name != name]
    book.anchors = [*kept, VwapAnchor(name=name, ns=ns, known_ns=known_ns)][-ANCHORS_KEPT:]


def _heirs(zones: Sequence[LevelZone], drafts: Sequence[Draft], tolerance: float) -> dict[int, int]:
    """Return draft -> zone whose life it takes on, by position: the nearest by its edges.

    `zones` lie lowest first.
    """
    lows = [zone.low for zone in zones]
    pairs = sorted(
        (abs(lows[j] - draft.low) + abs(zones[j].high - draft.high), i, j)
        for i, draft in enumerate(drafts)
        for j in range(
            bisect_left(lows, draft.low - tolerance), bisect_right(lows, draft.low + tolerance)
        )
        if abs(zones[j].high - draft.high) <= tolerance
    )
    heirs: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in pairs:
        if i not in heirs and j not in taken:
            heirs[i] = j
            taken.add(j)
    return heirs


def _zone(draft: Draft, zone: LevelZone | None, price: float) -> LevelZone:
    """Return the zone of a draft; one that is being fought over keeps its edges meanwhile."""
    side, warning = placed(draft, price)
    if zone is None:
        zone = LevelZone(name=draft.name, low=draft.low, high=draft.high, side=side)
        zone.state = "FAR"
    elif zone.state in IDLE or zone.state in FINISHED:
        zone.low, zone.high = draft.low, draft.high
    if zone.state in IDLE:
        zone.side = side
    zone.name = draft.name
    zone.known_from_ns = draft.known_from_ns
    zone.strength = draft.strength
    zone.kinds = draft.kinds
    zone.members = [level.name for level in draft.levels]
    zone.manual = draft.manual
    zone.warning = warning
    return zone
