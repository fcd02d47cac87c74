"""From a venue's code to our tree of errors: by number, never by the class or text ccxt chose.

ccxt picks an exception class by the prefix of the URL, so the same answer has another class on
loopback than in production. Here only status, code and headers speak.
"""

import re
import socket
from collections.abc import Mapping

import aiohttp

from bot.domain.errors import (
    OutcomeUnknown,
    VenueDataInvalid,
    VenueError,
    VenueRefused,
    VenueThrottled,
    VenueUnreachable,
)
from bot.domain.units import NS_PER_MS, NS_PER_S
from bot.venue.profiles import binance

RETRY_AFTER_S = 60.0
"""How long to be silent when a 429 does not say: one whole window of the weight limit."""
BAN_S = 120.0
"""How long to be silent when a 418 does not say: the venue's shortest ban."""
ORDER_PAUSE_S = 10.0
SILENCE_MAX_S = 3 * 86_400.0
_QUERY = re.compile(r"\?\S*")
"""Signed parameters of an address; they do not belong in a log."""
_BANNED_UNTIL = re.compile(r"banned until (\d{13})")


class VenueReply(Exception):
    """An answer that is not a success: HTTP status, venue code if any, its words, asked silence."""

    def __init__(
        self, status: int, code: int | None, words: str, retry_after_s: float | None = None
    ) -> None:
        super().__init__(words)
        self.status = status
        self.code = code
        self.words = words
        self.retry_after_s = retry_after_s


def reply_of(
    status: int, headers: Mapping[str, str], text: str | None, body: object
) -> VenueReply | None:
    """Return what is wrong with an answer, or None when it is a success with readable JSON."""
    code = _code(body)
    if status < 400 and isinstance(body, dict | list) and (code is None or code >= 0):
        return None
    words = body.get("msg") if isinstance(body, dict) else None
    said = words if isinstance(words, str) else (text or "")[:200]
    return VenueReply(status, code, said.strip() or "no words", _retry_after_s(headers))


def error_of_reply(reply: VenueReply, *, acts: bool, now_ns: int) -> VenueError:
    """Translate a bad answer; `acts` says that the request would have changed something."""
    code, label = reply.code, _label(reply)
    if reply.status in (418, 429) or code == binance.TOO_MANY_REQUESTS:
        return _throttled(reply, now_ns)
    if code == binance.TOO_MANY_ORDERS:
        wait_s = reply.retry_after_s or ORDER_PAUSE_S
        return VenueThrottled(f"too many orders: {label}", retry_after_s=wait_s)
    if code is None and reply.status < 400 and not acts:
        return VenueDataInvalid(f"venue answered with something that is not JSON: {label}")
    if _is_unknown(reply):
        if acts:
            return OutcomeUnknown(f"venue could not say whether it was done: {label}")
        return VenueUnreachable(f"venue could not answer: {label}")
    return VenueRefused(label, code=str(code) if code is not None else f"HTTP{reply.status}")


def error_of_failure(failure: BaseException, *, acts: bool) -> VenueError:
    """Translate a transport failure: certainly not sent, or perhaps done when `acts`."""
    cause = failure.__cause__ or failure
    said = _QUERY.sub("", str(cause))[:160]
    words = f"{type(cause).__name__}: {said}" if said else type(cause).__name__
    if isinstance(
        cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | socket.gaierror
    ):
        return VenueUnreachable(f"no connection to the venue: {words}")
    if acts:
        return OutcomeUnknown(f"the answer was lost: {words}")
    return VenueUnreachable(f"the answer was lost: {words}")


def _code(body: object) -> int | None:
    """The venue's own number; 200 and 0 are its words for success and count as none."""
    value = body.get("code") if isinstance(body, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        number = int(value)
    except ValueError:
        return None
    return None if number in (0, 200) else number


def _is_unknown(reply: VenueReply) -> bool:
    if reply.code in binance.OUTCOME_UNKNOWN or reply.status >= 500:
        return True
    return reply.code is None and (reply.status == 408 or reply.status < 400)


def _throttled(reply: VenueReply, now_ns: int) -> VenueThrottled:
    banned = reply.status == 418 or "banned" in reply.words
    wait_s = reply.retry_after_s
    until = _BANNED_UNTIL.search(reply.words)
    if until is not None:
        left_s = (int(until.group(1)) * NS_PER_MS - now_ns) / NS_PER_S
        wait_s = max(left_s, wait_s or 0.0)
    if wait_s is None or wait_s <= 0:
        wait_s = BAN_S if banned else RETRY_AFTER_S
    wait_s = min(wait_s, SILENCE_MAX_S)
    what = "address banned" if banned else "too many requests"
    return VenueThrottled(f"{what}: {_label(reply)}", retry_after_s=wait_s, banned=banned)


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    value = next((headers[name] for name in headers if name.lower() == "retry-after"), None)
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if 0.0 <= seconds < float("inf") else None


def _label(reply: VenueReply) -> str:
    code = f"{reply.code} " if reply.code is not None else ""
    return f"{code}{reply.words[:160]} (HTTP {reply.status})"
