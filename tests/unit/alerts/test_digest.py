"""The message of the day comes once a day, in the user's zone, whatever is restarted or fails."""

import asyncio

from bot.alerts.digest import Digest
from bot.domain.errors import JournalBroken
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_H, NS_PER_S
from tests.fakes.ports import LoopClock, virtually
from tests.fakes.receivers import MemoryKeep
from tests.unit.alerts.test_desk import Said

DOC = {
    "mode": "ACTIVE", "mode_reason": "account proven", "latched": False, "latch_reason": None,
    "equity_usd": 10_000.0, "change_usd": None, "change_frac": None, "drawdown_frac": 0.0,
    "trades": 0, "by_exit": [], "held": [], "unprotected": [], "threat": None,
}  # fmt: skip
SEVEN = 7 * 60


class Answers:
    """Answers `digest`, and fails so often first."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.asked = 0

    async def __call__(self, name: str, _args: dict[str, str]) -> dict[str, object]:
        assert name == "digest"
        self.asked += 1
        if self.asked <= self.failures:
            raise JournalBroken("the disk is full")
        return DOC


def told_within(
    hours: float, digest: Digest, clock: LoopClock, says: str = "Equity 10,000.00 USD"
) -> list[int]:
    """Return when (ns) the message was told while the door ran for `hours` of virtual time."""
    instants: list[int] = []

    class House(Said):
        def say(self, severity: Severity, kind: str, text: str, symbol: str = "") -> None:
            assert (severity, kind) == (Severity.INFO, "digest")
            assert says in text
            instants.append(clock.now_ns())

    async def main() -> None:
        door = asyncio.ensure_future(digest.run(House()))
        await clock.sleep_s(hours * 3_600.0)
        door.cancel()

    virtually(main())
    return instants


def hour_of(ns: int) -> float:
    return ns / NS_PER_H % 24.0


def test_it_is_told_once_a_day_at_the_hour_of_the_zone():
    clock = LoopClock()
    digest = Digest(Answers(), "Asia/Tokyo", SEVEN, clock, MemoryKeep())
    told = told_within(72.0, digest, clock)
    assert len(told) == 3
    assert all(22.0 <= hour_of(ns) < 22.1 for ns in told), "07:00 in Tokyo is 22:00 UTC"


def test_a_restart_tells_nothing_twice_and_a_first_start_waits_for_the_next_day():
    clock, keep = LoopClock(), MemoryKeep()
    first = told_within(47.0, Digest(Answers(), "UTC", 0, clock, keep), clock)
    assert first
    assert all(hour_of(ns) < 0.1 for ns in first), "not at the start, which is past the hour"
    again = LoopClock(first[-1] + NS_PER_H)
    (later,) = told_within(24.0, Digest(Answers(), "UTC", 0, again, keep), again)
    assert later - first[-1] > 23 * NS_PER_H, "the day was told before the restart"


def test_what_cannot_be_read_now_is_told_a_little_later():
    clock = LoopClock()
    answers = Answers(failures=3)
    told = told_within(25.0, Digest(answers, "UTC", SEVEN, clock, MemoryKeep()), clock)
    (when,) = told
    late_s = (hour_of(when) - 7.0) * 3_600.0
    assert 5.0 <= late_s <= 27.0


def test_a_start_that_has_read_nothing_waits_but_not_for_ever():
    clock, blind = LoopClock(), {**DOC, "equity_usd": None}
    shown = [blind, blind, DOC]

    async def soon(_name: str, _args: dict[str, str]) -> dict[str, object]:
        return shown.pop(0)

    keep = MemoryKeep(b'{"day":"2020-01-01"}')
    (when,) = told_within(0.5, Digest(soon, "UTC", 0, clock, keep), clock)
    assert not shown

    async def never(_name: str, _args: dict[str, str]) -> dict[str, object]:
        return blind

    other = LoopClock()
    again = Digest(never, "UTC", 0, other, MemoryKeep(b'{"day":"2020-01-01"}'))
    (late,) = told_within(0.5, again, other, "has not been read yet")
    assert 500.0 < (late - when) / NS_PER_S < 700.0


def test_a_disk_that_keeps_nothing_still_tells_once_a_day():
    clock, keep = LoopClock(), MemoryKeep()
    keep.broken = True
    told = told_within(49.0, Digest(Answers(), "UTC", SEVEN, clock, keep), clock)
    assert len(told) == 2
    assert told[1] - told[0] > 23 * 3_600 * NS_PER_S
