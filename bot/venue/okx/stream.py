"""OKX's private streams: one line for orders and money, another for conditional orders."""

import asyncio
import hmac
from base64 import b64encode
from hashlib import sha256
from typing import Final

from typing_extensions import override

from bot.domain.market import FeedStatus
from bot.domain.messages import Event
from bot.domain.units import NS_PER_S
from bot.ports import Clock, Emit
from bot.venue.breaker import Breaker
from bot.venue.caller import Caller
from bot.venue.lanes import Lane
from bot.venue.news import News
from bot.venue.okx.account import Sizes
from bot.venue.okx.answers import Questions
from bot.venue.okx.news import CHANNELS, OkxNews
from bot.venue.private_stream import DIAL_S, STREAM, Notes, PrivateStream

PING_NS: Final = 15 * NS_PER_S


class OkxLine(PrivateStream):
    """Reads the channels of one address."""

    def __init__(
        self,
        caller: Caller,
        clock: Clock,
        breaker: Breaker,
        notes: Notes,
        news: OkxNews,
        sizes: Sizes,
        origin: str,
        path: str,
    ) -> None:
        super().__init__(caller, clock, breaker, notes)
        self._reader = news
        self._sizes = sizes
        self._url = origin + path
        self._channels = CHANNELS[path]
        self._answers: asyncio.Queue[str] = asyncio.Queue()
        self._pinged_ns = 0

    @override
    async def _address(self) -> str:
        await self._sizes.settle(Questions(self._caller, Lane.WATCH))
        self._answers = asyncio.Queue()
        return self._url

    @override
    async def _greet(self, url: str) -> None:
        """Log in and subscribe; each must be answered with a yes, or this was no connection."""
        wire = self._caller.wire
        stamp = str(self._caller.venue_now_ns() // NS_PER_S)
        text = f"{stamp}GET/users/self/verify".encode()
        sign = b64encode(hmac.new(wire.secret.encode(), text, sha256).digest()).decode()
        login = {"apiKey": wire.apiKey, "passphrase": wire.password, "timestamp": stamp,
                 "sign": sign}  # fmt: skip
        try:
            await wire.say(url, {"op": "login", "args": [login]})
            await self._answered()
            for channel in self._channels:
                arg = {"channel": channel}
                if channel != "balance_and_position":
                    arg["instType"] = "SWAP"
                await wire.say(url, {"op": "subscribe", "args": [arg]})
                await self._answered()
        except TimeoutError:
            self._verdict = self._verdict or "the venue did not answer the login"
        self._pinged_ns = self._clock.monotonic_ns()

    async def _answered(self) -> None:
        if self._verdict:
            return
        async with asyncio.timeout(DIAL_S):
            await self._answers.get()

    @override
    async def _keep(self, url: str, now_ns: int) -> str:
        if now_ns - self._pinged_ns >= PING_NS:
            self._pinged_ns = now_ns
            await self._caller.wire.clients[url].send("ping")
        return ""

    @override
    def _news(self, message: object) -> News:
        told = self._reader.read(message, self._clock.now_ns())
        if isinstance(message, dict) and "event" in message:
            said = told[0].ended if told else ""
            self._verdict = self._verdict or said
            self._answers.put_nowait(said)
        return _joined(told)


def _joined(told: list[News]) -> News:
    if len(told) == 1:
        return told[0]
    events = tuple(event for each in told for event in each.events)
    names = [each.client_order_id for each in told if each.client_order_id]
    return News(
        events=events,
        reread=next((each.reread for each in told if each.reread), ""),
        client_order_id=names[-1] if names else "",
    )


class OkxStreams:
    """Both lines as one stream: it is live when both are, and one that comes back says so."""

    name = STREAM

    def __init__(self, orders: OkxLine, triggers: OkxLine) -> None:
        self.lines = (orders, triggers)

    @property
    def connections(self) -> int:
        """How often both were dialled."""
        return min(line.connections for line in self.lines)

    def expect(self, client_order_id: str) -> None:
        """Nothing is expected here: which line would tell it depends on the order."""

    async def run(self, emit: Emit) -> None:
        """Stream until cancelled."""
        live = [False, False]

        def through(number: int) -> Emit:
            def tell(event: Event) -> None:
                if not isinstance(event, FeedStatus):
                    emit(event)
                    return
                live[number] = event.live
                if event.live and not all(live):
                    return  # up, and the other is not yet: nothing has gone down by that
                emit(event)

            return tell

        async with asyncio.TaskGroup() as group:
            for number, line in enumerate(self.lines):
                group.create_task(line.run(through(number)))
