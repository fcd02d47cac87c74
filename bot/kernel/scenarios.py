"""Follows declared scenarios bar by bar and says what holds while they run."""

import math

import msgspec

from bot.domain.orders import PositionSide
from bot.domain.policy import LevelPolicy
from bot.domain.scenario import ScenarioSpec, Watch, ZoneEvent
from bot.domain.units import NS_PER_DAY, NS_PER_S
from bot.kernel.levels.history import flaw, grow
from bot.kernel.levels.state import BarLike, Followed, FrameBar, LevelZone, ScenarioBook
from bot.kernel.levels.zone_machine import SWEEP_HELD, advance

OVER = ("DONE", "EXPIRED")
REST_NS = NS_PER_DAY
"""How long a scenario that is over stays in sight before it is watched for again."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the running scenarios of one symbol allow, taken together."""

    allowed_sides: tuple[PositionSide, ...]
    size_factor: float
    threat_add: int
    tighten_stops: bool
    reasons: tuple[str, ...]


def follow(
    book: ScenarioBook,
    specs: tuple[ScenarioSpec, ...],
    bar: BarLike,
    bar_s: int,
    policy: LevelPolicy,
    atr_1h: float,
) -> list[tuple[str, str]]:
    """Take one closed bar of `bar_s` seconds; return (scenario, what happened) in order.

    `specs` are those of the book's symbol; `atr_1h` in quote. An unusable bar changes nothing.
    """
    if flaw(bar, book.last_ns) is not None:
        return []
    book.last_ns = bar.open_ns
    close_ns = bar.open_ns + bar_s * NS_PER_S
    closed = _closed(book, specs, bar, bar_s)
    told: list[tuple[str, str]] = []
    for spec in specs:
        if spec.known_from_ns > close_ns:
            continue
        state = _state(book, spec)
        before = state.status, state.stage, state.targets_hit
        _follow(state, spec, bar, closed, (policy, atr_1h), close_ns)
        _reach(state, spec, bar, close_ns)
        if (state.status, state.stage, state.targets_hit) != before:
            told.append((spec.name, f"{state.status}: {state.note}"))
    return told


def standing(book: ScenarioBook, specs: tuple[ScenarioSpec, ...], now_ns: int) -> Standing:
    """Return what the running scenarios allow: the sides all allow, the smallest size."""
    sides = set(PositionSide)
    factor, threat, tighten = 1.0, 0, False
    reasons: list[str] = []
    by_name = {spec.name: spec for spec in specs}
    for state in book.followed:
        spec = by_name.get(state.name)
        if spec is None or state.status != "RUNNING":
            continue
        if spec.sides_for_ns == 0 or now_ns < state.running_ns + spec.sides_for_ns:
            sides &= set(spec.allowed_sides)
        factor = min(factor, spec.size_factor)
        threat = max(threat, spec.threat_add)
        tighten = tighten or spec.tighten_stops
        reasons.append(f"{spec.name}: {spec.says}")
    return Standing(
        allowed_sides=tuple(side for side in PositionSide if side in sides),
        size_factor=factor,
        threat_add=threat,
        tighten_stops=tighten,
        reasons=tuple(reasons),
    )


def _closed(
    book: ScenarioBook, specs: tuple[ScenarioSpec, ...], bar: BarLike, bar_s: int
) -> dict[int, FrameBar]:
    """Return the bars that this one ends, by timeframe; the scenarios' timeframes only."""
    watches = [watch for spec in specs for watch in (*spec.stages, spec.invalid) if watch]
    closed: dict[int, FrameBar] = {}
    for timeframe_s in sorted({watch.timeframe_s for watch in watches}):
        length_ns = timeframe_s * NS_PER_S
        start_ns = bar.open_ns - bar.open_ns % length_ns
        part = book.parts.get(timeframe_s)
        if part is not None and part.open_ns != start_ns:
            closed[timeframe_s] = part
        part = grow(part, bar, start_ns)
        book.parts[timeframe_s] = part
        if bar.open_ns + bar_s * NS_PER_S >= start_ns + length_ns:
            closed[timeframe_s] = part
            del book.parts[timeframe_s]
    return closed


def _state(book: ScenarioBook, spec: ScenarioSpec) -> Followed:
    for state in book.followed:
        if state.name == spec.name:
            return state
    state = Followed(name=spec.name, zone=_zone(spec.stages[0]))
    book.followed.append(state)
    return state


def _zone(watch: Watch) -> LevelZone:
    """Return the zone of a watch: a price already beyond it counts as on its way through."""
    return LevelZone(
        name=watch.event.value,
        low=watch.low,
        high=watch.high,
        side=watch.event.from_side,
        state="FAR",
    )


def _follow(
    state: Followed,
    spec: ScenarioSpec,
    bar: BarLike,
    closed: dict[int, FrameBar],
    measure: tuple[LevelPolicy, float],
    now_ns: int,
) -> None:
    if state.status in OVER:
        if now_ns >= state.since_ns + REST_NS:
            _restart(state, spec, bar.close)
            _enter(state, "WAITING", "watched for again", now_ns)
        return
    undone = (
        state.undoing is not None
        and spec.invalid is not None
        and _happened(state.undoing, spec.invalid, closed, *measure)
    )
    if undone and spec.invalid is not None:
        _restart(state, spec, bar.close)
        _enter(state, "INVALID", _words(spec.invalid), now_ns)
        return
    if state.zone is not None:
        watch = spec.stages[state.stage]
        if _happened(state.zone, watch, closed, *measure):
            _next_stage(state, spec, watch, now_ns)
    elif now_ns >= state.running_ns + spec.life_ns:
        _enter(state, "EXPIRED", "its time is over", now_ns)


def _restart(state: Followed, spec: ScenarioSpec, close: float) -> None:
    """Watch for the first stage again from where price now is: what was undone may yet happen."""
    state.zone, state.undoing = _zone(spec.stages[0]), None
    state.zone.side = 1 if close >= state.zone.low else -1
    state.stage = state.targets_hit = state.running_ns = 0


def _next_stage(state: Followed, spec: ScenarioSpec, watch: Watch, now_ns: int) -> None:
    state.stage += 1
    if state.undoing is None and spec.invalid is not None:
        state.undoing = _zone(spec.invalid)
    if state.stage < len(spec.stages):
        state.zone = _zone(spec.stages[state.stage])
        _enter(state, "ARMED", _words(watch), now_ns)
    else:
        state.zone, state.running_ns = None, now_ns
        _enter(state, "RUNNING", _words(watch), now_ns)


def _reach(state: Followed, spec: ScenarioSpec, bar: BarLike, now_ns: int) -> None:
    """Count the targets that a bar reached after the scenario began to run."""
    if state.status != "RUNNING" or now_ns == state.running_ns:
        return
    while state.targets_hit < len(spec.targets):
        target = spec.targets[state.targets_hit]
        if (bar.high < target) if spec.way > 0 else (bar.low > target):
            return
        state.targets_hit += 1
        state.note = f"reached {target:,.8g}"
        if state.targets_hit == len(spec.targets):
            _enter(state, "DONE", f"reached its last target {target:,.8g}", now_ns)


def _happened(
    zone: LevelZone,
    watch: Watch,
    closed: dict[int, FrameBar],
    policy: LevelPolicy,
    atr_1h: float,
) -> bool:
    """Whether the watched event is complete with the bar that closed now."""
    bar = closed.get(watch.timeframe_s)
    if bar is None:
        return False
    advance(zone, bar, policy, atr_1h * math.sqrt(watch.timeframe_s / 3_600.0))
    if not zone.changed:
        return False
    if watch.event in (ZoneEvent.BROKEN_UP, ZoneEvent.BROKEN_DOWN):
        return zone.state == "BROKEN" and zone.side == -watch.event.from_side
    held = zone.state == "HELD" and zone.note == SWEEP_HELD
    return held and zone.side == watch.event.from_side


def _words(watch: Watch) -> str:
    edges = f"{watch.low:,.8g}"
    if watch.high != watch.low:
        edges += f"-{watch.high:,.8g}"
    return f"{edges} {watch.event.value.replace('_', ' ')} on {watch.timeframe_s} s bars"


def _enter(state: Followed, status: str, note: str, now_ns: int) -> None:
    state.status, state.note, state.since_ns = status, note, now_ns
