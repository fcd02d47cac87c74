"""Bybit's private stream: sign in, ask for the topics, ping in the venue's own words."""

import asyncio
import hmac
from hashlib import sha256
from typing import Final

from typing_extensions import override

from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.ports import Clock
from bot.venue.breaker import Breaker
from bot.venue.bybit.news import TOPICS, BybitNews
from bot.venue.caller import Caller
from bot.venue.news import News
from bot.venue.private_stream import DIAL_S, Notes, PrivateStream

PING_NS: Final = 15 * NS_PER_S
SIGNED_FOR_MS: Final = 10_000


class BybitStream(PrivateStream):
    """Reads the private topics of one account."""

    def __init__(
        self,
        caller: Caller,
        clock: Clock,
        breaker: Breaker,
        notes: Notes,
        news: BybitNews,
        url: str,
    ) -> None:
        super().__init__(caller, clock, breaker, notes)
        self._reader = news
        self._url = url
        self._answers: asyncio.Queue[str] = asyncio.Queue()
        self._pinged_ns = 0

    @override
    async def _address(self) -> str:
        self._reader.connected()
        self._answers = asyncio.Queue()
        return self._url

    @override
    async def _greet(self, url: str) -> None:
        """Sign in and subscribe; both must be answered with a yes, or this was no connection."""
        wire = self._caller.wire
        expires = str(self._caller.venue_now_ns() // NS_PER_MS + SIGNED_FOR_MS)
        signed = hmac.new(wire.secret.encode(), f"GET/realtime{expires}".encode(), sha256)
        auth = {"op": "auth", "args": [wire.apiKey, expires, signed.hexdigest()]}
        try:
            for message in (auth, {"op": "subscribe", "args": list(TOPICS)}):
                await wire.say(url, message)
                async with asyncio.timeout(DIAL_S):
                    await self._answers.get()
                if self._verdict:
                    return
        except TimeoutError:
            self._verdict = "the venue did not answer the sign-in"
        self._pinged_ns = self._clock.monotonic_ns()

    @override
    async def _keep(self, url: str, now_ns: int) -> str:
        why = self._reader.unexplained(self._clock.now_ns())
        if why:
            self._reread(why)
        if now_ns - self._pinged_ns >= PING_NS:
            self._pinged_ns = now_ns
            await self._caller.wire.say(url, {"op": "ping"})
        return ""

    @override
    def _news(self, message: object) -> News:
        said = self._reader.read(message, self._clock.now_ns())
        if isinstance(message, dict) and message.get("op") in ("auth", "subscribe"):
            self._verdict = self._verdict or said.ended
            self._answers.put_nowait(said.ended)
        return said
