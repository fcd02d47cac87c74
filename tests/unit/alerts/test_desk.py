"""The desk in virtual time: outages, restarts, quiet hours, repetition until acknowledged."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.alerts.desk import AlertDesk
from bot.alerts.plan import AlertPlan, LanePlan, QuietHours
from bot.domain.errors import ChannelFailed
from bot.domain.messages import Notify
from bot.domain.risk import Severity
from bot.ports import Alert
from tests.fakes.ports import LoopClock, virtually
from tests.fakes.receivers import MemoryKeep

C, W, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO


class Recorder:
    """A channel that takes, refuses or hangs."""

    def __init__(self, name: str = "one", **plan: object) -> None:
        self.name = name
        self.plan = LanePlan(name=name, severity=INFO, **plan)
        self.got: list[Alert] = []
        self.sends = 0
        self.failing: ChannelFailed | None = None
        self.hanging = False

    async def send(self, alerts) -> None:
        self.sends += 1
        if self.hanging:
            await asyncio.Event().wait()
        if self.failing is not None:
            raise self.failing
        self.got.extend(alerts)

    def kinds(self) -> list[str]:
        return [a.kind for a in self.got]


class Said:
    def __init__(self) -> None:
        self.told: list[tuple[Severity, str, str]] = []

    def say(self, severity, kind, text, symbol="") -> None:
        self.told.append((severity, kind, text))


class Stand:
    def __init__(self, *channels: Recorder, plan: AlertPlan | None = None, keep=None) -> None:
        self.clock = LoopClock()
        self.channels = channels
        self.keep = keep or MemoryKeep()
        self.house = Said()
        ways = [(c.plan, c) for c in channels]
        self.desk = AlertDesk(plan or AlertPlan(), ways, self.clock, self.keep)

    def say(self, severity: Severity, kind: str, text: str = "t", symbol: str = "") -> None:
        ns = self.clock.now_ns()
        self.desk.put(Notify(event_ns=ns, severity=severity, kind=kind, text=text, symbol=symbol))


def lives(stand: Callable[[], Stand], script: Callable[[Stand], Awaitable[None]]) -> Stand:
    async def main() -> Stand:
        made = stand()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(made.desk.run(made.house))
            await script(made)
            task.cancel()
        return made

    return virtually(main())


def test_a_dead_channel_holds_up_no_other_and_gets_everything_later():
    dead, good = Recorder("dead"), Recorder("good")

    async def script(stand: Stand) -> None:
        dead.failing = ChannelFailed("gone")
        for number in range(20):
            stand.say(C, "coverage", f"c{number}", f"S{number % 3}")
            stand.say(W, "cut", f"w{number}")
            await asyncio.sleep(30)
        assert [a.count for a in good.got if a.repeat == 0] == [1] * 40
        assert [kind for _, kind, _ in stand.house.told] == ["channel"]
        dead.failing = None
        await asyncio.sleep(61)
        assert sum(a.count for a in dead.got if a.kind == "cut") == 20
        told = {t for a in dead.got if a.kind == "coverage" for t in a.texts}
        assert {"c0", "c1", "c2", "c19", "c18", "c17"} <= told
        assert len(dead.got) <= 12, "messages coalesce"
        stand.desk.acknowledge()

    lives(lambda: Stand(dead, good), script)


def test_the_silence_a_channel_asks_for_is_kept():
    slow = Recorder()

    async def script(stand: Stand) -> None:
        slow.failing = ChannelFailed("flood", retry_after_s=209.0)
        stand.say(W, "cut")
        await asyncio.sleep(208)
        assert slow.sends == 1
        slow.failing = None
        await asyncio.sleep(2)
        assert slow.kinds() == ["cut"]

    lives(lambda: Stand(slow), script)


def test_a_channel_that_hangs_is_cut_off_and_asked_again():
    stuck, good = Recorder("stuck"), Recorder("good")

    async def script(stand: Stand) -> None:
        stuck.hanging = True
        stand.say(C, "latch")
        await asyncio.sleep(1)
        assert good.kinds() == ["latch"]
        await asyncio.sleep(30)
        stuck.hanging = False
        await asyncio.sleep(3)
        assert stuck.kinds() == ["latch"]

    lives(lambda: Stand(stuck, good), script)


def test_what_waited_at_a_kill_is_told_by_the_next_life():
    dead, keep = Recorder(), MemoryKeep()
    dead.failing = ChannelFailed("gone")

    async def first(stand: Stand) -> None:
        stand.say(C, "latch", "the budget is used")
        stand.say(W, "cut")
        stand.say(INFO, "ready")
        await asyncio.sleep(0.1)

    lives(lambda: Stand(dead, keep=keep), first)
    alive = Recorder()

    async def second(stand: Stand) -> None:
        await asyncio.sleep(0.1)
        assert sorted(alive.kinds()) == ["cut", "latch"]
        assert [o.alert.kind for o in stand.desk.opened] == ["latch"]

    lives(lambda: Stand(alive, keep=keep), second)


def test_a_damaged_or_full_disk_keeps_no_alert_from_people():
    channel, keep = Recorder(), MemoryKeep(b"{nonsense")
    keep.broken = True

    async def script(stand: Stand) -> None:
        stand.say(C, "latch")
        await asyncio.sleep(5)
        assert channel.kinds() == ["latch"]
        keep.broken = False
        await asyncio.sleep(5)
        assert b"latch" in keep.data

    lives(lambda: Stand(channel, keep=keep), script)


def test_critical_alerts_are_repeated_until_acknowledged():
    first, later = Recorder("first"), Recorder("later", after_s=120.0)
    plan = AlertPlan(escalate_s=300.0, escalate_times=3)

    async def script(stand: Stand) -> None:
        stand.say(C, "coverage", "bare", "BTC")
        stand.say(W, "cut")
        await asyncio.sleep(1)
        assert later.kinds() == ["cut"], "a critical one comes later here"
        await asyncio.sleep(130)
        assert later.kinds() == ["cut", "coverage"]
        await asyncio.sleep(200)
        assert [(a.kind, a.repeat) for a in first.got if a.kind == "coverage"] == [
            ("coverage", 0),
            ("coverage", 1),
        ]
        assert not first.got[-1].silent
        (closed,) = stand.desk.acknowledge()
        assert closed.alert.texts == ("bare",)
        count = len(first.got)
        await asyncio.sleep(2_000)
        assert len(first.got) == count
        stand.say(C, "coverage", "bare again", "BTC")
        await asyncio.sleep(3_000)
        assert [a.repeat for a in first.got[count:]] == [0, 1, 2, 3], "then it is left open"
        assert len(stand.desk.opened) == 1

    lives(lambda: Stand(first, later, plan=plan), script)


def test_acknowledged_in_time_it_does_not_reach_the_second_channel():
    later = Recorder("later", after_s=120.0)

    async def script(stand: Stand) -> None:
        stand.say(C, "coverage")
        await asyncio.sleep(60)
        stand.desk.acknowledge()
        await asyncio.sleep(600)
        assert later.got == []

    lives(lambda: Stand(later), script)


def test_quiet_hours_and_mute_take_the_sound_but_never_from_critical_ones():
    phone, mail = Recorder("phone"), Recorder("mail", holds=True)
    # START_NS of the virtual clock: what matters is only that it is quiet for the next hours
    from datetime import UTC, datetime

    from tests.fakes.kernel_world import START_NS

    minute = datetime.fromtimestamp(START_NS / 1e9, tz=UTC)
    start = minute.hour * 60 + minute.minute
    quiet = QuietHours(from_minute=start, to_minute=(start + 120) % 1440)

    async def script(stand: Stand) -> None:
        stand.say(W, "cut")
        stand.say(C, "latch")
        await asyncio.sleep(1)
        assert {a.kind: a.silent for a in phone.got} == {"cut": True, "latch": False}
        assert mail.kinds() == ["latch"]
        stand.desk.acknowledge()
        await asyncio.sleep(7_200)
        assert mail.kinds() == ["latch", "cut"]
        stand.say(W, "limits")
        await asyncio.sleep(1)
        assert not phone.got[-1].silent
        stand.desk.mute(30)
        stand.say(W, "cut")
        stand.say(C, "adl")
        await asyncio.sleep(1)
        assert {a.kind: a.silent for a in phone.got[-2:]} == {"cut": True, "adl": False}
        stand.desk.acknowledge()
        await asyncio.sleep(1_801)
        stand.say(W, "cut")
        await asyncio.sleep(1)
        assert not phone.got[-1].silent

    lives(lambda: Stand(phone, mail, plan=AlertPlan(quiet=quiet)), script)
