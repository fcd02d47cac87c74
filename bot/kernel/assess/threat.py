"""Threat 1-5 from Stress: up at once, down a step after hours, 5 only while it still moves."""

from typing import Final

from bot.kernel.assess.facts import Facts
from bot.kernel.sensed import SensePolicy, ThreatMemory

WORDS: Final = ("Low", "Guarded", "Elevated", "High", "Severe")
STALE_FLOOR: Final = 3
BLIND_FLOOR: Final = 4
EVENT_FLOOR: Final = 3
SEVERE: Final = 5


def level_of(stress: float, policy: SensePolicy, *, moving: bool, systemic: bool) -> int:
    """Return the Threat of this instant alone."""
    if systemic or (stress >= policy.severe_stress and moving):
        return SEVERE
    level = 1
    for cut in policy.threat_cuts:
        level += stress >= cut
    return level


def moving(facts: Facts, side: int, policy: SensePolicy) -> bool:
    """Whether price still runs against the side: a deep fall this hour, or a rush of forced orders.

    Forced orders count for the side that most of them hit.
    """
    hour = facts.drop_1h if side > 0 else facts.rise_1h
    if hour is not None and facts.sd is not None and hour >= policy.fall_sd * facts.sd:
        return True
    if facts.liq_1h_usd is None or facts.liq_base_usd is None:
        return False
    share = 0.5 if facts.long_share is None else facts.long_share
    ours = share >= 0.5 if side > 0 else share <= 0.5
    return ours and 24.0 * facts.liq_1h_usd >= policy.fall_liq_ratio * facts.liq_base_usd


def advance(
    memory: ThreatMemory,
    now_ns: int,
    policy: SensePolicy,
    *,
    stress: float,
    held_stress: float,
    is_moving: bool,
    systemic: bool,
) -> int:
    """Fold one judgement into the memory and return its level, 1-5.

    `held_stress` is Stress as if no input had gone missing: only it lets the level down.
    """
    target = level_of(stress, policy, moving=is_moving, systemic=systemic)
    if is_moving or systemic:
        memory.active_ns = now_ns
    if target >= memory.level:
        if target > memory.level:
            memory.level, memory.since_ns = target, now_ns
            memory.below_ns = 0
    elif memory.level == SEVERE and now_ns - memory.active_ns >= policy.severe_hold_ns:
        memory.level, memory.since_ns = SEVERE - 1, now_ns
    _wait_below(memory, now_ns, policy, max(stress, held_stress))
    return memory.level


def _wait_below(memory: ThreatMemory, now_ns: int, policy: SensePolicy, stress: float) -> None:
    if not _below(memory.level, stress, policy):
        memory.below_ns = 0
        return
    if memory.below_ns == 0:
        memory.below_ns = now_ns
    if memory.level < SEVERE and now_ns - memory.below_ns > policy.down_wait_ns:
        memory.level, memory.since_ns = memory.level - 1, now_ns
        memory.below_ns = now_ns if _below(memory.level, stress, policy) else 0


def _below(level: int, stress: float, policy: SensePolicy) -> bool:
    """Whether Stress is low enough to leave a level; 5 is left by time and waits as 4 does."""
    step = min(level, SEVERE - 1)
    return step > 1 and stress < policy.threat_cuts[step - 2] - policy.down_margin


def floor_of(*, price_live: bool, stale: tuple[str, ...], event_floor: int) -> int:
    """Return the least Threat that what is missing or announced allows."""
    floor = max(event_floor, 1)
    if stale:
        floor = max(floor, STALE_FLOOR)
    return floor if price_live else max(floor, BLIND_FLOOR)


def threat_word(level: int) -> str:
    """Return the word of a Threat."""
    return WORDS[level - 1]
