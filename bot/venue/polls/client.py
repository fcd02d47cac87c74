"""One public question to a sensed venue through ccxt: deadline, breaker, errors of our tree."""

import asyncio
import importlib
import ssl
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

from bot.domain.errors import (
    BotError,
    ConfigInvalid,
    VenueDataInvalid,
    VenueRefused,
    VenueThrottled,
)
from bot.ports import Clock
from bot.venue.breaker import Breaker
from bot.venue.errors import VenueReply, error_of_failure, error_of_reply, reply_of
from bot.venue.lean import BaseError

TIMEOUT_S: Final = 10.0
GRACE_S: Final = 1.0
SILENCE_S: Final = 60.0
_THROTTLED: Final = frozenset({"10006", "10018", "50011", "50061"})
"""Too many requests in the words of Bybit and OKX, which may come with HTTP 200."""
_FORBIDDEN: Final = 403
"""Bybit's answer to an address that asked too much: ten minutes of silence."""
FORBIDDEN_S: Final = 600.0


class PublicClient:
    """Asks one venue, one question at a time; it has no key and can place nothing."""

    def __init__(
        self,
        venue: str,
        session: aiohttp.ClientSession,
        context: ssl.SSLContext,
        clock: Clock,
        breaker: Breaker,
        *,
        rest_url: str,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.venue = venue
        self.breaker = breaker
        self._clock = clock
        self._session = session
        self._timeout_s = timeout_s
        self._one = asyncio.Lock()
        self._exchange: Any = _exchange_class(venue)(
            {
                "session": session,
                "ssl_context": context,
                "enableRateLimit": False,  # one question at a time, minutes apart
                "timeout": int(timeout_s * 1000),
            }
        )
        api = self._exchange.urls["api"]
        for name in [name for name in api if isinstance(api[name], str)]:
            api[name] = rest_url
        self._exchange.handle_errors = self._judge

    def now_ns(self) -> int:
        """Return our time in ns UTC."""
        return self._clock.now_ns()

    async def ask(self, call: str, params: Mapping[str, str | int]) -> object:
        """Send one question by ccxt's implicit method `call`.

        Raises:
            VenueThrottled, VenueRefused, VenueUnreachable, VenueDataInvalid.
        """
        async with self._one:
            self.breaker.check(places=False)
            try:
                async with asyncio.timeout(self._timeout_s + GRACE_S):
                    return await getattr(self._exchange, call)(dict(params))
            except BotError as error:
                if isinstance(error, VenueThrottled):
                    self.breaker.trip(error, orders_only=False)
                raise
            except VenueReply as reply:
                raise self._error_of(reply) from None
            except (BaseError, TimeoutError, OSError) as failure:
                raise error_of_failure(failure, acts=False) from None
            except Exception as surprise:  # ccxt may stumble over an answer that was given
                what = f"{call}: {type(surprise).__name__}: {str(surprise)[:160]}"
                raise VenueDataInvalid(what) from surprise

    async def close(self) -> None:
        """Release what ccxt holds; the session is closed by who opened it."""
        await self._exchange.close()

    def _error_of(self, reply: VenueReply) -> BotError:
        if reply.status == _FORBIDDEN:
            reply = VenueReply(429, reply.code, reply.words, reply.retry_after_s or FORBIDDEN_S)
        error = error_of_reply(reply, acts=False, now_ns=self._clock.now_ns())
        if isinstance(error, VenueThrottled):
            self.breaker.trip(error, orders_only=False)
        return error

    def _judge(self, *answer: Any) -> None:  # noqa: ANN401  (ccxt's untyped hook)
        """Raise for anything but a success; ccxt's own classes go by the URL."""
        status, headers, text, body = answer[0], answer[4], answer[5], answer[6]
        reply = reply_of(status, headers, text, body)
        if reply is not None:
            raise reply
        if not isinstance(body, dict):
            return
        code = str(body.get("retCode", body.get("code", "0")))
        words = str(body.get("retMsg", body.get("msg", "")))[:160]
        if code in _THROTTLED:
            raise VenueThrottled(f"{self.venue}: {code} {words}", retry_after_s=SILENCE_S)
        if code != "0":
            raise VenueRefused(f"{self.venue}: {code} {words}", code=code)


def _exchange_class(venue: str) -> Any:  # noqa: ANN401  (ccxt ships no types)
    """Load one exchange of ccxt; bot.venue.lean has made room for it without the others."""
    try:
        module = importlib.import_module(f"ccxt.async_support.{venue}")
    except ModuleNotFoundError:
        raise ConfigInvalid(f"venue {venue!r} is not known") from None
    # where all of ccxt is loaded, the package holds the class in place of its module
    return getattr(module, venue)
