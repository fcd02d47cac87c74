"""Answers on their way to the operator: bounded, in order, and never waited for."""

import asyncio
from collections import deque
from typing import Protocol

import msgspec
from loguru import logger

from bot.domain.errors import ChannelFailed
from bot.domain.units import NS_PER_S
from bot.ports import Clock

WAITING_MAX = 60
AGE_MAX_S = 180.0
RETRY_S = 1.0
RETRY_MAX_S = 30.0
Button = tuple[str, str]
"""Its label, and what comes back when it is pressed."""


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. `kept`: it tells what became of an order, and is not given up with age."""

    text: str = ""
    buttons: tuple[Button, ...] = ()
    photo: bytes = b""
    kept: bool = False
    query_id: str = ""
    """A pressed button that waits to be released."""
    bare_message_id: int = 0
    """A message whose buttons are taken away."""
    born_ns: int = 0


class Sender(Protocol):
    """Carries one answer to the chat."""

    async def deliver(self, answer: Outgoing) -> None:
        """Send. Raises ChannelFailed when it may be tried again, ValueError when it is hopeless."""
        ...


class Outbox:
    """A queue of answers; a chat that is slow loses old answers, never what became of an order."""

    def __init__(self, sender: Sender, clock: Clock) -> None:
        self._sender = sender
        self._clock = clock
        self._waiting: deque[Outgoing] = deque()
        self._wake = asyncio.Event()

    def put(self, answer: Outgoing) -> None:
        """Queue an answer; never blocks."""
        born = msgspec.structs.replace(answer, born_ns=self._clock.now_ns())
        self._waiting.append(born)
        if len(self._waiting) > WAITING_MAX:
            old = next((each for each in self._waiting if not each.kept), self._waiting[0])
            self._waiting.remove(old)
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        pause_s = RETRY_S
        while True:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            answer = self._waiting.popleft()
            if self._is_over(answer):
                logger.warning("telegram: an answer came too late and was given up")
                continue
            try:
                await self._sender.deliver(answer)
                pause_s = RETRY_S
            except ValueError as error:
                logger.warning("telegram: an answer cannot be sent: {}", error)
            except ChannelFailed as error:
                self._waiting.appendleft(answer)
                await self._clock.sleep_s(max(pause_s, error.retry_after_s))
                pause_s = min(pause_s * 2, RETRY_MAX_S)

    def _is_over(self, answer: Outgoing) -> bool:
        old = self._clock.now_ns() - answer.born_ns > AGE_MAX_S * NS_PER_S
        return old and not answer.kept

    def __len__(self) -> int:
        return len(self._waiting)
