"""Tells a flush of leverage from selling that leverage does not explain, with the evidence."""

import math
from typing import Final

import msgspec

from bot.domain.sense import RESET as RESET
from bot.domain.sense import Flush as Flush
from bot.kernel.assess.facts import Facts
from bot.kernel.assess.severities import ramp, times

NONE: Final = "NONE"
IN_PROGRESS: Final = "FLUSH_IN_PROGRESS"
STRUCTURAL: Final = "STRUCTURAL_SELLING"
ATTACK: Final = "SHORT_ATTACK"
INTEREST_MIN: Final = 0.05
INTEREST_SD: Final = 2.0
PARTIAL_INTEREST_MIN: Final = 0.10
PARTIAL_INTEREST_SD: Final = 3.0
LIQ_TIMES: Final = 4.0
ONE_SIDED: Final = 0.75
FALL_SD: Final = 1.5
QUIET_SHARE: Final = 0.08
DRAIN_PER_HOUR: Final = 0.01


class Clues(msgspec.Struct, frozen=True, kw_only=True):
    """What a flush is judged by, beside the facts; None is not known."""

    oi_1h_change: float | None = None
    funding_move_sd: float | None = None
    """Change of funding within a day, in robust deviations."""
    spot_cvd_usd: float | None = None
    netflow_z: float | None = None


def judge(facts: Facts, clues: Clues, side: int = 1) -> Flush:
    """Return the verdict. A reset is no bottom and releases nothing."""
    partial = facts.liq_24h_usd is None or facts.liq_base_usd is None
    if not has_moved(facts, side):
        return Flush(state=NONE, side=side, partial=partial, completeness=0.0, evidence=())
    ratio = None if partial else 2.0 ** times(facts.liq_24h_usd or 0.0, facts.liq_base_usd or 0.0)
    left = _interest_left(facts, partial=partial)
    forced = _forced(facts, ratio, side)
    quiet = _quiet(facts, clues, side)
    state = NONE
    if left and quiet and (forced or partial):
        state = RESET
    elif (left or forced) and not quiet:
        state = IN_PROGRESS
    elif not left and _spot_driven(clues):
        state = STRUCTURAL
    elif side > 0 and facts.oi_z is not None and facts.oi_z > 1.0:
        state = ATTACK
    return Flush(
        state=state,
        side=side,
        partial=partial,
        completeness=_completeness(facts, clues, ratio, quiet=quiet, side=side),
        evidence=_evidence(facts, clues, ratio, quiet=quiet) if state != NONE else (),
    )


def has_moved(facts: Facts, side: int) -> bool:
    """Whether price has run far enough for a verdict: before it has, clues are not looked at."""
    if facts.ret_24h is None or facts.sd is None or facts.sd <= 0.0:
        return False
    return side * facts.ret_24h <= -FALL_SD * facts.sd


def _interest_left(facts: Facts, *, partial: bool) -> bool:
    if facts.oi_change is None or facts.oi_sd is None:
        return False
    least, sds = (
        (PARTIAL_INTEREST_MIN, PARTIAL_INTEREST_SD) if partial else (INTEREST_MIN, INTEREST_SD)
    )
    return facts.oi_change <= -max(least, sds * facts.oi_sd)


def _forced(facts: Facts, ratio: float | None, side: int) -> bool:
    if ratio is None or facts.long_share is None:
        return False
    share = facts.long_share if side > 0 else 1.0 - facts.long_share
    return ratio >= LIQ_TIMES and share >= ONE_SIDED


def _quiet(facts: Facts, clues: Clues, side: int) -> bool:
    """Whether it is over: little forced in the last hour, and open interest no longer drains."""
    draining = clues.oi_1h_change is not None and clues.oi_1h_change < -DRAIN_PER_HOUR
    if facts.liq_1h_usd is not None and facts.liq_24h_usd:
        return not draining and facts.liq_1h_usd / facts.liq_24h_usd < QUIET_SHARE
    hour = facts.drop_1h if side > 0 else facts.rise_1h
    still = hour is not None and facts.sd is not None and hour < 0.5 * facts.sd
    return still and clues.oi_1h_change is not None and not draining


def _spot_driven(clues: Clues) -> bool:
    if clues.spot_cvd_usd is None or clues.netflow_z is None:
        return False
    return clues.spot_cvd_usd < 0.0 and clues.netflow_z > 1.0


def _completeness(
    facts: Facts, clues: Clues, ratio: float | None, *, quiet: bool, side: int
) -> float:
    parts = [1.0 if quiet else 0.0]
    if facts.oi_change is not None:
        parts.append(ramp(-facts.oi_change, 0.0, 0.15))
    if ratio is not None:
        parts.append(ramp(times(ratio, 1.0), 0.0, 4.0))
    if clues.funding_move_sd is not None:
        parts.append(ramp(-side * clues.funding_move_sd, 0.0, 4.0))
    return sum(parts) / len(parts)


def _evidence(facts: Facts, clues: Clues, ratio: float | None, *, quiet: bool) -> tuple[str, ...]:
    lines = []
    if facts.oi_change is not None and facts.oi_sd is not None:
        moved = math.expm1(facts.oi_change)
        lines.append(f"open interest {moved:+.1%} in 24 h (usual day {facts.oi_sd:.1%})")
    if ratio is None or facts.liq_24h_usd is None:
        lines.append("no liquidation feed: partial")
    else:
        lines.append(
            f"liquidations {facts.liq_24h_usd / 1e6:.0f}M USD in 24 h, {ratio:.1f}x an ordinary "
            f"day, {facts.long_share or 0.0:.0%} longs"
        )
    if facts.ret_24h is not None and facts.sd is not None:
        lines.append(f"price {facts.ret_24h:+.1%} in 24 h ({facts.ret_24h / facts.sd:+.1f} sd)")
    if clues.funding_move_sd is not None and facts.funding_8h is not None:
        lines.append(
            f"funding {facts.funding_8h:+.4%} per 8 h, "
            f"moved {clues.funding_move_sd:+.1f} sd in a day"
        )
    if facts.liq_1h_usd is not None and facts.liq_24h_usd:
        share = facts.liq_1h_usd / facts.liq_24h_usd
        lines.append(f"last hour {share:.0%} of the day's: {'quiet' if quiet else 'still running'}")
    return tuple(lines)
