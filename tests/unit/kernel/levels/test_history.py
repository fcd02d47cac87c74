"""Zones of a history are made once, when it has been read, and are those of its last bar."""

from bot.domain.market import Candle
from bot.domain.messages import TimerFired
from bot.kernel.levels.book import refresh
from bot.kernel.levels.scene import Scene
from bot.kernel.levels.state import LevelBook
from tests.fakes.kernel_world import BTC, CONTRACT, START_NS, ZONES, World

HOUR_NS = 3_600 * 10**9


def test_the_first_second_after_a_history_makes_its_zones() -> None:
    world = World()
    for hour in range(1, 61):
        ns = START_NS + hour * HOUR_NS
        price = 76_000.0 + 150.0 * (hour % 7)
        bar = (price, price + 400.0, price - 500.0, price + 50.0)
        world.step(Candle(BTC, ns, ns, 3_600, *bar, 10.0, True))
    book = world.kernel.state.sensed[BTC].book
    assert book.stale
    assert book.zones == []
    world.step(TimerFired("second", ns, ns))
    assert not book.stale
    market = world.kernel.state.markets[BTC]
    alone = LevelBook(frames=book.frames, zigzags=book.zigzags, anchors=book.anchors)
    refresh(
        Scene(
            book=alone, symbol=BTC, now_ns=world.kernel.state.sensed[BTC].senses.price.close_ns,
            price=price + 50.0, atr_1h=market.atr_1h, tick=float(CONTRACT.tick), manual=ZONES,
        )
    )  # fmt: skip
    assert [(zone.low, zone.high, zone.name) for zone in book.zones] == [
        (zone.low, zone.high, zone.name) for zone in alone.zones
    ]
    assert any("76k" in zone.members for zone in book.zones)
