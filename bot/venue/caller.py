"""One request from start to end: breaker, lane, deadline, ccxt, translation of what went wrong."""

import asyncio
import re
from collections.abc import Mapping
from typing import Final

from bot.domain.errors import (
    BotError,
    OutcomeUnknown,
    VenueDataInvalid,
    VenueError,
    VenueRefused,
    VenueThrottled,
    VenueUnreachable,
)
from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.ports import Clock
from bot.venue.breaker import Breaker
from bot.venue.endpoint import Endpoint
from bot.venue.errors import VenueReply, error_of_failure
from bot.venue.lanes import Lane, Lanes
from bot.venue.lean import BaseError
from bot.venue.manners import Manners
from bot.venue.wire import Hooks, VenueTime

CLOCK_TRUSTED_NS: Final = 600 * NS_PER_S
GRACE_S: Final = 1.0
"""ccxt's own timeout fires first; ours stands behind it."""
ACT_QUEUE_S: Final = 3.0
"""How long an order waits to leave. With the request's own time it stays under the deadline of who
gave the order, which would have to take one that never left for one without an answer."""
_SIGNED: Final = re.compile(r"((?:signature|listenKey)[\"']?[=:][\"']?)[^\s&\"']+")
Params = Mapping[str, str | int | float]


class Caller:
    """Sends requests of one ccxt instance; the main one and the guard's have one each."""

    def __init__(
        self,
        wire: Hooks,
        manners: Manners,
        lanes: Lanes,
        breaker: Breaker,
        clock: Clock,
        time: VenueTime,
        *,
        timeout_s: float,
        queue_s: float,
    ) -> None:
        self.wire = wire
        self._manners = manners
        self._lanes = lanes
        self._breaker = breaker
        self._clock = clock
        self._time = time
        self._timeout_s = timeout_s
        self._queue_s = queue_s

    async def table(
        self,
        endpoint: Endpoint,
        params: Params | None = None,
        *,
        lane: Lane = Lane.QUERY,
        weight: int = 0,
    ) -> dict[str, object]:
        """Send one request that answers with a JSON object.

        Raises:
            VenueError: as `call`, and for an answer of another shape.
        """
        answer = await self.call(endpoint, params, lane=lane, weight=weight)
        if not isinstance(answer, dict):
            raise _misshapen(endpoint, "an object")
        return answer

    async def rows(
        self,
        endpoint: Endpoint,
        params: Params | None = None,
        *,
        lane: Lane = Lane.QUERY,
        weight: int = 0,
    ) -> list[object]:
        """Send one request that answers with a JSON array.

        Raises:
            VenueError: as `call`, and for an answer of another shape.
        """
        answer = await self.call(endpoint, params, lane=lane, weight=weight)
        if not isinstance(answer, list):
            raise _misshapen(endpoint, "an array")
        return answer

    async def call(
        self,
        endpoint: Endpoint,
        params: Params | None = None,
        *,
        lane: Lane = Lane.QUERY,
        weight: int = 0,
    ) -> object:
        """Send one request; on a clock complaint measure the clock and send it once more.

        Raises:
            VenueThrottled, VenueRefused, OutcomeUnknown, VenueUnreachable, VenueDataInvalid.
        """
        weight = weight or endpoint.weight
        try:
            return await self._in_time(endpoint, params or {}, lane, weight)
        except VenueError as error:
            error.args = (self._without_secrets(str(error)),)
            raise

    async def _in_time(self, endpoint: Endpoint, params: Params, lane: Lane, weight: int) -> object:
        try:
            return await self._once(endpoint, dict(params), lane, weight)
        except VenueRefused as refused:
            if int_code(refused) not in self._manners.clock_apart:
                raise
        await self.measure_clock(lane=lane)  # the venue refused by timestamp: nothing was done
        return await self._once(endpoint, dict(params), lane, weight)

    def _without_secrets(self, text: str) -> str:
        """A venue, or what stands in front of it, may repeat a request: the journal must not."""
        for secret in (self.wire.apiKey, self.wire.secret):
            if secret:
                text = text.replace(str(secret), "***")
        return _SIGNED.sub(r"\1***", text)

    async def measure_clock(self, *, lane: Lane) -> int:
        """Return venue clock minus ours in ns, and sign with it from now on."""
        before_ns = self._clock.now_ns()
        asked = self._manners.time
        answer = await self._once(asked, {}, lane, asked.weight)
        after_ns = self._clock.now_ns()
        server_ms = self._manners.server_ms(answer)
        if isinstance(server_ms, bool) or not isinstance(server_ms, int) or server_ms <= 0:
            raise VenueDataInvalid(f"venue time: milliseconds are needed, was {server_ms!r}")
        skew_ns = server_ms * NS_PER_MS - (before_ns + after_ns) // 2
        self._time.learn(skew_ns)
        return skew_ns

    async def settle_clock(self, *, lane: Lane) -> None:
        """Measure the clock where instants are compared: when never done, or long ago.

        Raises:
            VenueError: it was never measured and cannot be now.
        """
        age_ns = self._time.age_ns()
        if age_ns is not None and age_ns < CLOCK_TRUSTED_NS:
            return
        try:
            await self.measure_clock(lane=lane)
        except VenueError:
            if age_ns is None:
                raise

    def venue_now_ns(self) -> int:
        """Return the venue's time as far as it was measured."""
        return self._time.now_ns()

    async def _once(
        self, endpoint: Endpoint, params: dict[str, str | int | float], lane: Lane, weight: int
    ) -> object:
        if endpoint.private and not self.wire.apiKey:
            raise VenueRefused(f"{endpoint.call}: needs an API key, none is set", code="NO_KEY")
        self._breaker.check(places=endpoint.places)
        await self._queue(endpoint, lane, weight)
        self._breaker.check(places=endpoint.places)  # a ban may have come while we waited
        method = getattr(self.wire, endpoint.call)
        try:
            async with asyncio.timeout(self._timeout_s + GRACE_S):
                return await method(params)
        except BotError:
            raise
        except VenueReply as reply:
            translate = self._manners.error_of_reply
            error = translate(reply, acts=endpoint.acts, now_ns=self.venue_now_ns())
            if isinstance(error, VenueThrottled):
                only = reply.code in self._manners.orders_only
                self._breaker.trip(error, orders_only=only)
            raise error from None
        except (BaseError, TimeoutError, OSError) as failure:
            if isinstance(failure, BaseError) and failure.__cause__ is None:
                raise _before_sending(failure) from None
            raise error_of_failure(failure, acts=endpoint.acts) from None
        except Exception as surprise:  # ccxt may stumble over an answer that was already given
            what = f"{endpoint.call}: {type(surprise).__name__}: {str(surprise)[:160]}"
            raise (OutcomeUnknown(what) if endpoint.acts else VenueDataInvalid(what)) from surprise

    async def _queue(self, endpoint: Endpoint, lane: Lane, weight: int) -> None:
        patience_s = min(self._queue_s, ACT_QUEUE_S) if endpoint.acts else self._queue_s
        try:
            async with asyncio.timeout(patience_s):
                await self._lanes.enter(lane, weight, places=endpoint.places)
        except TimeoutError:
            raise VenueUnreachable(
                f"{endpoint.call}: not sent, {patience_s:g} s in the queue of the weight limit"
            ) from None


def int_code(refused: VenueRefused) -> int | None:
    """Return the venue's number of a refusal, None for a refusal of our own or by HTTP status."""
    try:
        return int(refused.code)
    except ValueError:
        return None


def _before_sending(failure: Exception) -> BotError:
    """What ccxt says by itself, without a cause on the wire, it says before anything is sent."""
    what = f"not sent: {type(failure).__name__} {str(failure)[:160]}"
    if type(failure).__name__ == "ExchangeClosedByUser":
        return VenueUnreachable(what)
    return VenueRefused(what, code="CLIENT")


def _misshapen(endpoint: Endpoint, wanted: str) -> BotError:
    what = f"{endpoint.call}: {wanted} was expected"
    return OutcomeUnknown(what) if endpoint.acts else VenueDataInvalid(what)
