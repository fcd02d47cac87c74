"""The desk: takes notices, spreads them over channels, repeats what nobody acknowledged."""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec
from loguru import logger

from bot.alerts.escalation import Escalation, OpenAlert
from bot.alerts.lane import Lane, Waiting
from bot.alerts.plan import AlertPlan, LanePlan
from bot.domain.errors import BotError, ChannelFailed
from bot.domain.messages import Notify
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_MIN, NS_PER_S
from bot.ports import Alert, Channel, Clock, House, Keep

SEND_DEADLINE_S = 30.0
RETRY_S = 2.0
RETRY_MAX_S = 60.0
TICK_S = 1.0
SAVE_DEADLINE_S = 5.0
OUTAGE_NS = 300 * NS_PER_S
"""A channel that takes nothing for so long is told of through the others."""


class Kept(msgspec.Struct):
    """What outlives the process."""

    waiting: dict[str, list[Waiting]] = {}
    opened: tuple[OpenAlert, ...] = ()
    muted_until_ns: int = 0
    number: int = 0


class AlertDesk:
    """One queue a channel, so that a slow way to people holds up no other. Implements Door.

    An alert may arrive twice (a channel that took it but did not say so), never not at all: what
    waits and is more than informative is kept on disk.
    """

    name = "alerts"

    def __init__(
        self,
        plan: AlertPlan,
        channels: Sequence[tuple[LanePlan, Channel]],
        clock: Clock,
        keep: Keep,
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._keep = keep
        kept = _read(keep)
        self._muted_until_ns = kept.muted_until_ns
        self._number = kept.number
        self._lanes = [Lane(lane, kept.waiting.get(lane.name, ())) for lane, _ in channels]
        self._channels = [channel for _, channel in channels]
        self._wakes = [asyncio.Event() for _ in channels]
        self._dirty = asyncio.Event()
        self._open = Escalation(plan.escalate_s, plan.escalate_times, kept.opened)
        self._dead_ns = [0 for _ in channels]

    # ------------------------------------------------------------- what others call

    def put(self, notice: Notify) -> None:
        """Take a notice; never blocks, never raises."""
        self._number += 1
        alert = Alert(
            alert_id=f"a{self._number}",
            event_ns=notice.event_ns,
            severity=notice.severity,
            kind=notice.kind,
            texts=(notice.text,),
            symbol=notice.symbol,
        )
        now_ns = self._clock.now_ns()
        if notice.severity is Severity.CRITICAL:
            self._open.add(alert, now_ns)
        self._spread(alert, now_ns)

    def acknowledge(self) -> tuple[OpenAlert, ...]:
        """Close what is open; repetitions that still wait are not told any more."""
        closed = self._open.acknowledge()
        now_ns = self._clock.now_ns()
        for lane in self._lanes:
            lane.forget(lambda each: _critical(each) and (each.due_ns > now_ns or _again(each)))
        self._dirty.set()
        return closed

    @property
    def opened(self) -> tuple[OpenAlert, ...]:
        """Critical alerts that wait for somebody's word."""
        return self._open.opened

    def mute(self, minutes: float) -> int:
        """Take the sound from what is not critical; return until when (ns), 0: not muted."""
        length_ns = int(minutes * NS_PER_MIN)
        self._muted_until_ns = self._clock.now_ns() + length_ns if length_ns > 0 else 0
        self._dirty.set()
        return self._muted_until_ns

    def replan(self, plan: AlertPlan, lanes: Mapping[str, LanePlan]) -> None:
        """Go by another plan from now on; lanes that are not named stay as they are."""
        self._plan = plan
        self._open.every(plan.escalate_s, plan.escalate_times)
        for lane in self._lanes:
            lane.plan = lanes.get(lane.plan.name, lane.plan)

    @property
    def health(self) -> dict[str, object]:
        """Return how many alerts wait for each channel."""
        return {lane.plan.name: len(lane) for lane in self._lanes}

    # ------------------------------------------------------------- tasks

    async def run(self, house: House) -> None:
        """Carry alerts until cancelled."""
        async with asyncio.TaskGroup() as group:
            for index in range(len(self._lanes)):
                group.create_task(self._serve(index))
            group.create_task(self._save())
            group.create_task(self._tick(house))

    def _spread(self, alert: Alert, now_ns: int) -> None:
        calm = alert.severity is not Severity.CRITICAL
        quiet_ns = self._plan.quiet.ends_ns(now_ns) if calm else 0
        muted = calm and now_ns < self._muted_until_ns
        for lane, wake in zip(self._lanes, self._wakes, strict=True):
            loudness = lane.plan.loudness(alert.kind, alert.severity)
            if loudness == "off":
                continue
            waits = not calm and alert.repeat == 0
            due_ns = now_ns + int(lane.plan.after_s * NS_PER_S) if waits else now_ns
            if quiet_ns and lane.plan.holds:
                due_ns = quiet_ns
            silent = loudness == "silent" or muted or bool(quiet_ns and not lane.plan.holds)
            lane.add(msgspec.structs.replace(alert, silent=silent), due_ns)
            wake.set()
        self._dirty.set()

    async def _serve(self, index: int) -> None:
        lane, channel, wake = self._lanes[index], self._channels[index], self._wakes[index]
        pause_s = RETRY_S
        while True:
            wake.clear()
            batch = lane.take(self._clock.now_ns())
            if not batch:
                await self._until_due(lane, wake)
                continue
            failed = await _sent(channel, batch)
            if failed is None:
                lane.arrived()
                self._dead_ns[index], pause_s = 0, RETRY_S
                self._dirty.set()
                continue
            lane.give_back()
            self._dead_ns[index] = self._dead_ns[index] or self._clock.now_ns()
            logger.warning("{} took no alert ({}); {} wait", channel.name, failed, len(lane))
            await self._clock.sleep_s(max(pause_s, failed.retry_after_s))
            pause_s = min(pause_s * 2, RETRY_MAX_S)

    async def _until_due(self, lane: Lane, wake: asyncio.Event) -> None:
        due_ns = lane.next_due_ns()
        wait_s = None if due_ns is None else max(due_ns - self._clock.now_ns(), 0) / NS_PER_S
        try:
            async with asyncio.timeout(wait_s):
                await wake.wait()
        except TimeoutError:
            return

    async def _tick(self, house: House) -> None:
        told = [False for _ in self._lanes]
        while True:
            await self._clock.sleep_s(TICK_S)
            now_ns = self._clock.now_ns()
            for alert in list(self._open.due(now_ns)):
                self._spread(alert, now_ns)
            for index, since_ns in enumerate(self._dead_ns):
                if since_ns == 0:
                    told[index] = False
                elif now_ns - since_ns > OUTAGE_NS and not told[index]:
                    told[index] = True
                    name, waiting = self._channels[index].name, len(self._lanes[index])
                    text = (
                        f"{name} takes no alerts since {OUTAGE_NS // NS_PER_MIN} minutes; "
                        f"{waiting} wait and are kept. Protection does not depend on it."
                    )
                    house.say(Severity.WARNING, "channel", text)

    async def _save(self) -> None:
        broken = False
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            try:
                async with asyncio.timeout(SAVE_DEADLINE_S):
                    await self._keep.save(self._frozen())
                broken = False
            except (OSError, TimeoutError) as error:
                if not broken:
                    logger.warning("alerts that wait cannot be kept on disk: {!r}", error)
                broken = True
                await self._clock.sleep_s(RETRY_S)
                self._dirty.set()

    def _frozen(self) -> bytes:
        kept = Kept(
            waiting={lane.plan.name: lane.kept() for lane in self._lanes},
            opened=self._open.opened,
            muted_until_ns=self._muted_until_ns,
            number=self._number,
        )
        return msgspec.json.encode(kept)


def _critical(each: Waiting) -> bool:
    return each.alert.severity is Severity.CRITICAL


def _again(each: Waiting) -> bool:
    return each.alert.repeat > 0


def _read(keep: Keep) -> Kept:
    try:
        blob = keep.load()
        return Kept() if blob is None else msgspec.json.decode(blob, type=Kept)
    except (OSError, msgspec.MsgspecError) as error:
        logger.warning("alerts of the life before cannot be read ({}); they are left", error)
        return Kept()


async def _sent(channel: Channel, batch: Sequence[Alert]) -> ChannelFailed | None:
    """Return None when the channel took the batch, else what went wrong."""
    try:
        async with asyncio.timeout(SEND_DEADLINE_S):
            await channel.send(batch)
    except ChannelFailed as error:
        return error
    except TimeoutError:
        return ChannelFailed(f"no answer within {SEND_DEADLINE_S:.0f} s")
    except (BotError, OSError) as error:
        return ChannelFailed(str(error))
    except Exception as error:  # noqa: BLE001 - logged; a channel must not end the desk
        logger.opt(exception=error).debug("channel {}", channel.name)
        return ChannelFailed(repr(error)[:200])
    return None
