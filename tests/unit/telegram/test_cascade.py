"""The whole daemon with a chat in virtual time: Telegram is gone for ten minutes of a cascade."""

import asyncio
import re
from collections import Counter

from bot.alerts.desk import AlertDesk
from bot.alerts.plan import AlertPlan, LanePlan
from bot.domain.messages import Notify
from bot.domain.orders import OrderSide
from bot.domain.risk import Severity
from bot.runtime.supervisor import run_daemon
from bot.telegram.chat import Chat
from bot.telegram.config import ChatConfig
from tests.fakes.bot_api import OPERATOR, TOKEN, BotApi
from tests.fakes.kernel_world import BTC
from tests.fakes.ports import LoopClock, Small, virtually
from tests.fakes.receivers import MemoryKeep
from tests.unit.runtime.test_supervisor import ready, until

HEAD = re.compile(r"^(CRITICAL|WARNING) ([a-z ]+?)(?: (?:BTC|ETH))?(?: \((\d+) times\))?, \d\d:")
FALL_FRAC = 0.985


class Told:
    """Notices as the daemon gave them, and on to the desk."""

    def __init__(self, world: Small) -> None:
        self.world = world
        self.desk: AlertDesk | None = None

    def __call__(self, notice: Notify) -> None:
        self.world.notices.append(notice)
        if self.desk is not None:
            self.desk.put(notice)


async def draw(_kind: str, _document: dict[str, object]) -> bytes:
    return b""


async def ask(name: str, args: dict[str, str]) -> dict[str, object]:
    return {"name": name, **args}


async def cascade(world: Small) -> list[float]:
    """Let the price fall ten times in ten minutes, a hand buys into each; return times to stops."""
    took = []
    for number in range(10):
        world.move(BTC, world.prices[BTC] * FALL_FRAC)
        world.feed.deaf = number % 2 == 0
        world.by_hand(BTC, OrderSide.BUY, "0.05")
        took.append(
            await until(lambda: sum(s.remaining_qty for s in world.stops()) >= world.position())
        )
        world.feed.deaf = False
        await asyncio.sleep(60 - took[-1])
    return took


async def night(*, chat: bool) -> tuple[Small, list[float], BotApi]:
    world, clock = Small(), LoopClock()
    told = Told(world)
    async with BotApi(lambda: clock.now_ns() / 1e9) as api:
        doors: tuple = ()
        if chat:
            config = ChatConfig(token=TOKEN, user_id=OPERATOR, chat_id=OPERATOR, api=api.url)
            phone = Chat(config, clock, MemoryKeep(), ask=ask, symbols=lambda: [BTC], draw=draw)
            lane = LanePlan(name="telegram", severity=Severity.INFO)
            told.desk = AlertDesk(AlertPlan(escalate_times=0), [(lane, phone)], clock, MemoryKeep())
            phone.meet(told.desk)
            doors = (phone, told.desk)
        parts = world.parts(doors=doors, notify=told)
        async with asyncio.timeout(3_600), asyncio.TaskGroup() as group:
            daemon = group.create_task(run_daemon(parts))
            await ready(world, parts)
            if chat:
                await api.sent(lambda m: "ready" in m["text"])
            await api.gone()
            took = await cascade(world)
            await api.back()
            await asyncio.sleep(180)
            parts.stop.set()
        assert daemon.result() == 0
    return world, took, api


def test_ten_minutes_without_telegram_lose_no_alert_and_delay_no_stop() -> None:
    world, took, api = virtually(night(chat=True))
    _, alone, _ = virtually(night(chat=False))
    assert max(took) <= 2.0
    assert max(took) <= max(alone) + 0.2, (took, alone)
    arrived: Counter[tuple[str, str]] = Counter()
    for message in api.messages:
        for line in message["text"].splitlines():
            if found := HEAD.match(line):
                arrived[found[1], found[2].replace(" ", "_")] += int(found[3] or 1)
    given = Counter(
        (n.severity.value, n.kind) for n in world.notices if n.severity is not Severity.INFO
    )
    assert given["CRITICAL", "latch"] == 1
    assert given["CRITICAL", "flatten"] >= 1
    assert sum(given.values()) > 10
    assert arrived == given
    assert len(api.messages) < sum(given.values()) + 20
