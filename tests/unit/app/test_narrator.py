"""What was decided is said once, in one line, with its numbers."""

import pytest
from loguru import logger

from bot.app.telling.narrator import Narrator, line_of
from bot.domain.errors import JournalBroken
from bot.domain.messages import Record, TimerFired
from bot.domain.risk import Decision

EVENT = TimerFired("second", 1, 1)


def decision(**changes: str) -> Decision:
    given = {"kind": "cut", "symbol": "BTC/USDT:USDT", "what": "cut to 0.1", "why": "too large"}
    return Decision(decision_id="bw1", event_ns=1, **{**given, **changes})


class Page:
    """A journal that fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.failures, self.written = failures, []

    async def append(self, run_id, seq, event, effects):
        if self.failures:
            self.failures -= 1
            raise JournalBroken("disk is full")
        self.written.append(seq)


@pytest.fixture
def said():
    lines = []
    sink = logger.add(lambda message: lines.append(message.record["message"]), level="DEBUG")
    yield lines
    logger.remove(sink)


async def test_a_write_that_is_tried_again_is_said_once(said):
    page = Page(failures=2)
    narrator = Narrator(page)
    for _ in range(2):
        with pytest.raises(JournalBroken):
            await narrator.append("r", 7, EVENT, [Record(decision())])
    await narrator.append("r", 7, EVENT, [Record(decision())])
    await narrator.append("r", 8, EVENT, [])
    assert page.written == [7, 8]
    assert said == ["BTC cut to 0.1: too large"]


def test_numbers_stand_beside_their_limit():
    told = line_of(decision(measured="5.0x", limit="1.2x"))
    assert told == "BTC cut to 0.1: too large (5.0x, limit 1.2x)"
    assert line_of(decision(symbol="", limit="1.2x")) == "cut to 0.1: too large (limit 1.2x)"
