"""How the sources are doing, for status and doctor: what was switched on, and what is wrong."""

from collections.abc import Mapping

from bot.answers.question import Answered, age_s, iso
from bot.app.telling.checkup import Check
from bot.runtime.sources import SourceHealth

QUIET = ("declared", "drop_in")
"""Always there; worth a line once they have told something, or something is wrong with them."""


def source_rows(health: Mapping[str, object], now_ns: int) -> list[Answered]:
    """Return a row for each source in use; ages in seconds, None: never."""
    return [
        {
            "name": one.name,
            "origin": one.origin,
            "live": None if one.asked_ns == 0 else not one.error,
            "read_age_s": age_s(now_ns, one.ok_ns),
            "newest_at": iso(one.newest_ns),
            "newest_age_s": age_s(now_ns, one.newest_ns),
            "told": one.told,
            "error": one.error or None,
            "failures": one.failures,
            "left_out": one.fault_count,
            "first_left_out": one.faults[0] if one.faults else None,
        }
        for one in _in_use(health)
    ]


def source_checks(health: Mapping[str, object], now_ns: int) -> list[Check]:
    """Return a check for each source in use."""
    return [_check(one, now_ns) for one in _in_use(health)]


def _in_use(health: Mapping[str, object]) -> list[SourceHealth]:
    found = health.get("sources", ())
    known = [one for one in _all(found) if isinstance(one, SourceHealth)]
    return [one for one in known if one.name not in QUIET or _has_spoken(one)]


def _all(found: object) -> tuple[object, ...]:
    return found if isinstance(found, tuple) else ()


def _has_spoken(one: SourceHealth) -> bool:
    return bool(one.error or one.fault_count or (one.name != "declared" and one.told))


def _check(one: SourceHealth, now_ns: int) -> Check:
    name = f"source {one.name}"
    if one.asked_ns == 0:
        return Check(name=name, ok=None, found=f"{one.origin}: not asked yet")
    read_s = age_s(now_ns, one.ok_ns)
    last = "never read" if read_s is None else f"read {read_s:.0f} s ago"
    if one.error:
        return Check(
            name=name,
            ok=False,
            found=f"{last}; {one.error}",
            remedy="drop a CSV file in its place or switch it off: docs/sources.md",
        )
    if one.fault_count:
        found = f"{last}; {one.fault_count} rows left out: {one.faults[0]}"
        return Check(name=name, ok=False, found=found, remedy="correct these rows")
    return Check(name=name, ok=True, found=f"{one.origin}, {last}, told {one.told}")
