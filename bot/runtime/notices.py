"""Carries notices to the log and to people without ever holding up the bot."""

import asyncio
import inspect
from collections import deque

from loguru import logger

from bot.domain.messages import Notify
from bot.domain.risk import Severity
from bot.ports import Clock
from bot.runtime.parts import Tell

WAITING_MAX = 1_000
DEADLINE_S = 10.0


class Notices:
    """A bounded outbox; when it is full the oldest notice that is not critical gives way."""

    def __init__(self, tell: Tell, clock: Clock) -> None:
        self._tell = tell
        self._clock = clock
        self._waiting: deque[Notify] = deque()
        self._wake = asyncio.Event()
        self.lost = 0

    def put(self, notice: Notify) -> None:
        """Log a notice and queue it for people; never blocks, never raises."""
        where = f" [{notice.symbol}]" if notice.symbol else ""
        logger.log(notice.severity.value, "{}{}: {}", notice.kind, where, notice.text)
        if len(self._waiting) >= WAITING_MAX:
            self._give_way()
        self._waiting.append(notice)
        self._wake.set()

    def say(self, severity: Severity, kind: str, text: str, symbol: str = "") -> None:
        """Make and put a notice of the shell itself."""
        now_ns = self._clock.now_ns()
        self.put(Notify(event_ns=now_ns, severity=severity, kind=kind, text=text, symbol=symbol))

    def _give_way(self) -> None:
        self.lost += 1
        for index, notice in enumerate(self._waiting):
            if notice.severity is not Severity.CRITICAL:
                del self._waiting[index]
                return
        self._waiting.popleft()

    async def run(self) -> None:
        """Hand over notices one by one until cancelled."""
        while True:
            while self._waiting:
                await self._hand_over(self._waiting.popleft())
            self._wake.clear()
            await self._wake.wait()

    async def _hand_over(self, notice: Notify) -> None:
        try:
            async with asyncio.timeout(DEADLINE_S):
                sent = self._tell(notice)
                if inspect.isawaitable(sent):
                    await sent
        except Exception:
            logger.exception("a notice could not be told: {}", notice.kind)
