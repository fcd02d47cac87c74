"""Sums outcomes of many seeds into the one document that `simulate` prints."""

import hashlib
from collections.abc import Iterable, Sequence

from bot.lab.simulation.bars import missed, seldom
from bot.lab.simulation.campaign import Outcome

Numbers = dict[str, float | int | None]
SAMPLED = {
    "unprotected": "unprotected_s",
    "deleverage": "deleverage_s",
    "belief": "belief_differs_s",
    "external": "external_s",
    "restart": "restart_s",
    "guard_period": "guard_period_s",
    "risk": "risk_share",
    "heat": "heat_share",
}
"""monitor's name -> key of the document; the last two are shares of what sizing allows."""


def summed(outcomes: Iterable[Outcome]) -> dict[str, object]:
    """Return what a campaign came to; times in simulated seconds, `hours` over all seeds."""
    hours, intents, kills, lives, seeds = 0.0, 0, 0, 0, 0
    faults: dict[str, int] = {}
    marks: dict[str, int] = {}
    samples: dict[str, list[float]] = {name: [] for name in SAMPLED}
    violations: list[dict[str, object]] = []
    trace = hashlib.sha256()
    for one in outcomes:
        seeds += 1
        hours += one.hours
        intents += one.intents
        kills += one.kills
        lives += one.lives
        _add(faults, one.faults)
        _add(marks, one.marks)
        for name in SAMPLED:
            samples[name] += one.samples.get(name, [])
        violations += _violations(one)
        trace.update(one.trace_hash.encode())
    measured = {key: percentiles(samples[name]) for name, key in SAMPLED.items()}
    return {
        "seeds": seeds,
        "hours": round(hours, 3),
        "intents": intents,
        "kills": kills,
        "lives": lives,
        "faults": dict(sorted(faults.items())),
        "violations": violations,
        **measured,
        "bars_missed": missed(measured),
        "marks_seldom": seldom(marks, faults, hours),
        "marks": dict(sorted(marks.items())),
        "trace_hash": trace.hexdigest(),
    }


def percentiles(values: Sequence[float]) -> Numbers:
    """Return count, p50, p99 and max; None where nothing was measured."""
    if not values:
        return {"count": 0, "p50": None, "p99": None, "max": None}
    ordered = sorted(values)
    count = len(ordered)
    return {
        "count": count,
        "p50": round(ordered[count // 2], 3),
        "p99": round(ordered[min(count - 1, int(count * 0.99))], 3),
        "max": round(ordered[-1], 3),
    }


def _violations(one: Outcome) -> list[dict[str, object]]:
    found: list[dict[str, object]] = [
        {"seed": one.seed, "invariant": v.invariant, "at_s": v.at_s, "text": v.text}
        for v in one.violations
    ]
    if one.crash:
        text = f"the simulation itself ended: {one.crash}"
        found.append({"seed": one.seed, "invariant": 33, "at_s": one.hours * 3_600.0, "text": text})
    return found


def _add(total: dict[str, int], more: dict[str, int]) -> None:
    for name, count in more.items():
        total[name] = total.get(name, 0) + count
