"""The bars a campaign is held to: how long things may take, and what must be reached how often."""

from collections.abc import Mapping
from typing import Final

import msgspec

from bot.lab.simulation.mix import BORDERS, KINDS

Measured = Mapping[str, Mapping[str, float | int | None]]


class Bar(msgspec.Struct, frozen=True):
    """Most that a figure of something measured may be, in simulated seconds."""

    what: str
    figure: str
    most_s: float


BARS: Final = (
    Bar("unprotected_s", "p50", 0.3),
    Bar("unprotected_s", "p99", 5.0),
    Bar("unprotected_s", "max", 20.0),
    Bar("deleverage_s", "p99", 2.0),
    Bar("external_s", "p99", 5.0),
    Bar("restart_s", "p99", 5.0),
)
"""Of the mixed faults. That a leg is covered within 15 s or flat by 20 s is judged at each leg."""
SAMPLES_MIN: Final = 100
"""A percentile of fewer says little."""
OFTEN: Final = 10
OFTEN_H: Final = 500.0
MARKS: Final = (
    *(f"kill_{border}" for border in BORDERS if border != "any"),
    "adl", "command_flatten", "command_pause", "command_reduce", "command_rearm",
    "command_resume", "command_twice", "contract_changed", "contract_read_again",
    "empty_account", "entry_not_journaled", "foreign_order", "funding_jump", "gap_in_flight",
    "hand_cancel",
    "hand_close", "hand_open", "hand_part", "late_accept", "leverage_changed", "loop_blocked",
    "clock_step", "mode_ACTIVE_REDUCING", "mode_REDUCING_ACTIVE", "order_LOST_WORKING",
    "order_PENDING_REJECTED", "order_PENDING_UNKNOWN", "order_TRIGGERING_FILLED",
    "order_TRIGGERING_REJECTED", "order_UNKNOWN_LOST", "order_UNKNOWN_WORKING",
    "order_WORKING_EXPIRED", "order_end_compared", "ordered_stop", "position_mode_changed",
    "price_silent", "refused-2011", "refused-2021", "refused-4118", "refused-4120",
    "rejected_after_trigger", "replayed", "start_judged", "stop_vanished", "through_the_stop",
    "transfer",
)  # fmt: skip
"""Rare places by name; every kind of fault must strike as well."""
INSTANT: Final = ("rearm",)
"""Kinds that are counted by what they become."""


def missed(measured: Measured) -> list[dict[str, object]]:
    """Return every bar that is broken by a figure which has enough behind it."""
    found: list[dict[str, object]] = []
    for bar in BARS:
        figures = measured.get(bar.what, {})
        value, count = figures.get(bar.figure), figures.get("count") or 0
        if value is not None and count >= SAMPLES_MIN and value > bar.most_s:
            found.append(
                {"what": bar.what, "figure": bar.figure, "is_s": value, "most_s": bar.most_s}
            )
    return found


def seldom(marks: Mapping[str, int], faults: Mapping[str, int], hours: float) -> dict[str, int]:
    """Return what was reached less often than ten times in 500 hours, and how often it was."""
    least = OFTEN * hours / OFTEN_H
    kinds = (kind.name for kind in KINDS if kind.name not in INSTANT)
    reached = {name: marks.get(name, 0) for name in MARKS}
    reached |= {name: marks.get(name, 0) + faults.get(name, 0) for name in kinds}
    return {name: count for name, count in sorted(reached.items()) if count < least}
