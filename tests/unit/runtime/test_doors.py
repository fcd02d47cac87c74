"""Doors of the operator: orders go through the same inbox, and a broken door harms nobody."""

import asyncio

from bot.domain.risk import TradingMode
from bot.runtime.parts import DaemonParts
from tests.fakes.ports import Small
from tests.unit.runtime.test_supervisor import lives, ready, until


class Knocking:
    """A door through which one pause comes; then it breaks, again and again."""

    name = "knocking"

    def __init__(self) -> None:
        self.answers = []
        self.opened = 0
        self.go = asyncio.Event()

    async def run(self, house) -> None:
        self.opened += 1
        await self.go.wait()
        self.answers.append(await house.order("pause", {}, operator="tester", key="k1"))
        raise RuntimeError("the handle came off")


def test_an_order_through_a_door_is_obeyed_once_and_its_end_is_told_once() -> None:
    async def script(world: Small, parts: DaemonParts) -> None:
        await ready(world, parts)
        (door,) = parts.doors
        door.go.set()
        await until(lambda: door.opened >= 4, within_s=60)
        assert world.kernel.state.wanted_mode is TradingMode.REDUCING

    door = Knocking()
    world, code = lives(script, doors=(door,))
    assert code == 0
    assert [a.accepted for a in door.answers[:2]] == [True, False]
    assert door.answers[1].text == "already executed"
    told = [n.text for n in world.notices if n.kind == "door"]
    assert len(told) == 1
    assert "the handle came off" in told[0]
