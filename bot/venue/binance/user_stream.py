"""Binance's private stream: a key to open it, kept alive, and the end of a key noticed."""

from typing import Final

from typing_extensions import override

from bot.domain.errors import VenueDataInvalid, VenueError, VenueRefused
from bot.domain.units import NS_PER_MIN
from bot.ports import Clock
from bot.venue.binance.parse_user import Sides, news
from bot.venue.breaker import Breaker
from bot.venue.caller import Caller, int_code
from bot.venue.lanes import Lane
from bot.venue.news import News
from bot.venue.private_stream import Notes, PrivateStream
from bot.venue.profiles import binance

RENEW_NS: Final = 25 * NS_PER_MIN
RENEW_AGAIN_NS: Final = NS_PER_MIN
KEY_LIFE_NS: Final = 55 * NS_PER_MIN
"""The venue ends a stream whose key was not renewed for 60 minutes, without closing it."""


class UserStream(PrivateStream):
    """Reads Binance's user stream."""

    no_address = "no stream key"

    def __init__(self, caller: Caller, clock: Clock, breaker: Breaker, notes: Notes) -> None:
        super().__init__(caller, clock, breaker, notes)
        self._sides: Sides = {}
        self._renewed_ns = self._renew_at_ns = 0

    @override
    async def _address(self) -> str:
        answer = await self._caller.table(binance.OPEN_STREAM, lane=Lane.WATCH)
        key = answer.get("listenKey")
        if not isinstance(key, str) or not key:
            raise VenueDataInvalid("listenKey is missing")
        self._renewed_ns = self._clock.monotonic_ns()
        self._renew_at_ns = self._renewed_ns + RENEW_NS
        return str(self._caller.wire.stream_url(key))

    @override
    async def _keep(self, url: str, now_ns: int) -> str:
        if now_ns - self._renewed_ns > KEY_LIFE_NS:
            return "stream key could not be renewed in time"
        if now_ns >= self._renew_at_ns:
            renewed = await self._renew()
            self._renewed_ns = now_ns if renewed else self._renewed_ns
            self._renew_at_ns = now_ns + (RENEW_NS if renewed else RENEW_AGAIN_NS)
        return ""

    async def _renew(self) -> bool:
        try:
            await self._caller.table(binance.RENEW_STREAM, lane=Lane.WATCH)
        except VenueRefused as refused:
            if int_code(refused) == binance.STREAM_KEY_GONE:
                self._verdict = "the venue knows the stream key no more"
            return False
        except VenueError:
            return False  # tried again in a minute; KEY_LIFE_NS bounds how long
        return True

    @override
    def _news(self, message: object) -> News:
        return news(message, self._clock.now_ns(), self._notes.fee_of, self._sides)
