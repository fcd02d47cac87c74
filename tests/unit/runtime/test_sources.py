"""Sources under the scheduler: told once, asked again with patience, never in the way."""

import asyncio
from collections.abc import Callable

from bot.domain.errors import SourceFailed, VenueUnreachable
from bot.domain.market import EventCalendar, EventWindow, FeedStatus, Reading, WatchList
from bot.domain.units import NS_PER_S
from bot.ports import SourceAnswer
from bot.runtime.notices import Notices
from bot.runtime.sources import PAUSE_MAX_S, Sources, pause_after
from tests.fakes.ports import LoopClock, virtually

EVERY_S = 600.0


class Scripted:
    """A source that says what it is told to say; the last word stays."""

    def __init__(self, *words: SourceAnswer | Exception | Callable[[], None]) -> None:
        self.name, self.origin, self.every_s = "fear_greed", "example.com", EVERY_S
        self.words = list(words)
        self.asked = 0

    async def look(self) -> SourceAnswer:
        self.asked += 1
        word = self.words.pop(0) if len(self.words) > 1 else self.words[0]
        if isinstance(word, Exception):
            raise word
        if callable(word):
            await asyncio.sleep(3_600.0)
        return word


def reading(value: float = 14.0, ns: int = 1, heard: int = 2) -> Reading:
    return Reading("fear_greed", "fear_greed", ns, heard, value)


def said(*events: object, **more: object) -> SourceAnswer:
    return SourceAnswer(events=events, **more)


class Stand:
    def __init__(self, source: Scripted) -> None:
        self.clock = LoopClock()
        self.notices: list = []
        self.heard: list = []
        outbox = Notices(self.notices.append, self.clock)
        outbox.put = self.notices.append
        self.sources = Sources([source], self.clock, self.heard.append, outbox)

    @property
    def health(self):
        return self.sources.health()[0]

    async def ticks(self, count: int, step_s: float = EVERY_S) -> None:
        for _ in range(count):
            await self.sources.tick()
            await self.clock.sleep_s(step_s)

    def statuses(self) -> list[tuple[str, bool]]:
        return [(e.stream, e.live) for e in self.heard if isinstance(e, FeedStatus)]


def played(source: Scripted, count: int, step_s: float = EVERY_S) -> Stand:
    async def play() -> Stand:
        stand = Stand(source)
        await stand.ticks(count, step_s)
        return stand

    return virtually(play())


def test_the_same_word_is_told_once_and_a_new_one_again() -> None:
    again = reading(heard=99)
    window = EventWindow("rates", 1, 2, 3)
    lists = [EventCalendar("calendar", ns, ns, (window,)) for ns in (5, 6)] + [
        WatchList("whales", "BTC/USDT:USDT", ns, ns, ()) for ns in (5, 6)
    ]
    source = Scripted(said(reading(), lists[0], lists[2]), said(again, lists[1], lists[3]),
                      said(reading(15.0)), said(reading(16.0, ns=3)))  # fmt: skip
    stand = played(source, 4)
    assert stand.heard == [reading(), lists[0], lists[2], reading(15.0), reading(16.0, ns=3)]
    assert (stand.health.told, stand.health.newest_ns, stand.health.error) == (5, 5, "")


def test_it_is_asked_no_more_often_than_it_wants() -> None:
    source = Scripted(said(reading()))
    stand = played(source, 121, 5.0)
    assert source.asked == 2
    assert stand.statuses() == []


def test_a_failure_changes_nothing_but_health_and_is_told_when_it_begins_and_ends() -> None:
    source = Scripted(
        said(reading()), SourceFailed("away"), VenueUnreachable("away"), said(reading())
    )
    stand = played(source, 4)
    assert stand.statuses() == [("source.fear_greed", False), ("source.fear_greed", True)]
    assert [e for e in stand.heard if isinstance(e, Reading)] == [reading()]
    assert (stand.health.failures, stand.health.error) == (0, "")
    assert stand.health.error_ns > 0
    assert stand.notices == []


def test_people_hear_of_it_once_it_lasts() -> None:
    stand = played(Scripted(SourceFailed("two\nlines")), 12)
    assert len(stand.notices) == 1
    assert "fear_greed cannot be read: two lines; its last word is kept" in stand.notices[0].text
    assert stand.statuses() == [("source.fear_greed", False)]
    assert (stand.health.ok_ns, stand.health.error) == (0, "two lines")


def test_a_part_that_fails_is_down_while_the_rest_is_told() -> None:
    stand = played(Scripted(said(reading(), trouble="half of it is away")), 1)
    assert stand.heard[0] == reading()
    assert stand.statuses() == [("source.fear_greed", False)]
    assert stand.health.error == "half of it is away"


def test_a_bug_and_a_silence_are_failures_too() -> None:
    stand = played(Scripted(ZeroDivisionError("surprise")), 1)
    assert stand.health.error == "ZeroDivisionError; see the log"
    stand = played(Scripted(lambda: None), 1)
    assert stand.health.error == "no answer within 30 s"


def test_the_pause_grows_and_a_wish_for_silence_is_kept() -> None:
    pauses = [pause_after(failures, EVERY_S) for failures in range(1, 30)]
    assert pauses[:4] == [60.0, 120.0, 240.0, 480.0]
    assert pauses == sorted(pauses)
    assert pauses[-1] == PAUSE_MAX_S
    assert pause_after(0, EVERY_S) == EVERY_S
    source = Scripted(SourceFailed("slow down", retry_after_s=7_200.0))
    stand = played(source, 1)
    assert stand.health.next_ns - stand.health.asked_ns == 7_200 * NS_PER_S
    assert played(source, 14).health.failures == 2


def test_rows_left_out_are_counted_and_a_held_row_is_fetched_when_due() -> None:
    async def play() -> Stand:
        source = Scripted(said(faults=tuple(f"line {n}: bad" for n in range(300)), due_ns=0))
        stand = Stand(source)
        soon_ns = stand.clock.now_ns() + 60 * NS_PER_S
        await stand.ticks(1, 0.0)
        source.words = [said(due_ns=soon_ns)]
        stand.health.next_ns = 0
        await stand.ticks(1, 0.0)
        assert stand.health.next_ns == soon_ns
        return stand

    stand = virtually(play())
    assert (stand.health.fault_count, stand.health.faults) == (0, ())
    many = played(Scripted(said(faults=tuple(f"line {n}: bad" for n in range(300)))), 1)
    assert (many.health.fault_count, len(many.health.faults)) == (300, 20)


def test_without_sources_there_is_no_job() -> None:
    clock = LoopClock()
    assert Sources([], clock, print, Notices(print, clock)).jobs() == ()
