"""Bybit's way of answering: HTTP 200 with a number of its own, and what each number means here."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from typing_extensions import override

from bot.domain.errors import (
    OutcomeUnknown,
    VenueDataInvalid,
    VenueError,
    VenueRefused,
    VenueThrottled,
    VenueUnreachable,
)
from bot.venue import fields
from bot.venue.caller import Caller, Params
from bot.venue.endpoint import Endpoint
from bot.venue.errors import VenueReply
from bot.venue.fields import Row
from bot.venue.lanes import Lane
from bot.venue.lean import pro_class
from bot.venue.manners import Manners
from bot.venue.profiles import bybit
from bot.venue.wire import Hooks, VenueTime

FORBIDDEN: Final = 403
PAUSE_S: Final = 1.0
"""How long to be silent when too many requests were sent: the limits are by the second."""
RESET_HEADER: Final = "x-bapi-limit-reset-timestamp"
PAGES_MAX: Final = 40
BAD_REQUEST: Final = 10001


class BybitWire(Hooks, pro_class("bybit")):  # type: ignore[misc]  # ccxt ships no types
    """ccxt's Bybit client with the house's hooks."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        time: VenueTime,
        on_used_weight: Callable[[int], None],
    ) -> None:
        super().__init__(settings, time, on_used_weight)

    @override
    def handle_errors(self, *answer: Any) -> None:
        """Raise VenueReply for anything but a success."""
        status, headers, text, body = answer[0], answer[4], answer[5], answer[6]
        reply = reply_of(status, headers, text, body, self.nonce())
        if reply is not None:
            raise reply

    @override
    def handle_message(self, client: Any, message: object) -> None:
        """Count every message as a sign of life: the house reads pongs as well."""
        client.lastPong = self.milliseconds()
        super().handle_message(client, message)


def reply_of(
    status: int, headers: Mapping[str, str], text: str | None, body: object, now_ms: int
) -> VenueReply | None:
    """Return what is wrong with an answer, or None when it is a success with readable JSON."""
    code = body.get("retCode") if isinstance(body, dict) else None
    number = code if isinstance(code, int) and not isinstance(code, bool) else None
    if status < 400 and number == 0:
        return None
    words = body.get("retMsg") if isinstance(body, dict) else None
    said = words if isinstance(words, str) else (text or "")[:200]
    return VenueReply(status, number, said.strip() or "no words", _reset_s(headers, now_ms))


def _reset_s(headers: Mapping[str, str], now_ms: int) -> float | None:
    value = next((headers[name] for name in headers if name.lower() == RESET_HEADER), "")
    if not (value.isascii() and value.isdigit()):
        return None
    return min(max((int(value) - now_ms) / 1000.0, 0.0), bybit.BAN_S)


def error_of_reply(reply: VenueReply, *, acts: bool, now_ns: int) -> VenueError:
    """Translate a bad answer; `acts` says that the request would have changed something."""
    del now_ns
    code, label = reply.code, _label(reply)
    if reply.status in (FORBIDDEN, 418, 429):
        banned = reply.status == FORBIDDEN
        wait_s = bybit.BAN_S if banned else (reply.retry_after_s or PAUSE_S)
        return VenueThrottled(f"address asked too much: {label}", retry_after_s=wait_s,
                              banned=banned)  # fmt: skip
    if code in bybit.TOO_MANY:
        wait_s = max(reply.retry_after_s or PAUSE_S, PAUSE_S)
        return VenueThrottled(f"too many requests: {label}", retry_after_s=wait_s)
    if code is None and reply.status < 400 and not acts:
        return VenueDataInvalid(f"venue answered with something that is not its JSON: {label}")
    if code in bybit.OUTCOME_UNKNOWN or reply.status >= 500 or (code is None and _odd(reply)):
        if acts:
            return OutcomeUnknown(f"venue could not say whether it was done: {label}")
        return VenueUnreachable(f"venue could not answer: {label}")
    return VenueRefused(label, code=house_code(code, reply))


def _odd(reply: VenueReply) -> bool:
    return reply.status == 408 or reply.status < 400


def house_code(code: int | None, reply: VenueReply) -> str:
    """Return the house's word for a refusal it acts on, else the venue's own number."""
    if code is None:
        return f"HTTP{reply.status}"
    if code == BAD_REQUEST and "position idx" in reply.words:
        return bybit.WRONG_POSITION_MODE
    return bybit.HOUSE_CODES.get(code, str(code))


def _label(reply: VenueReply) -> str:
    code = f"{reply.code} " if reply.code is not None else ""
    return f"{code}{reply.words[:160]} (HTTP {reply.status})"


MANNERS: Final = Manners(
    time=bybit.TIME,
    server_ms=lambda answer: answer.get("time") if isinstance(answer, dict) else None,
    clock_apart=bybit.CLOCK_APART,
    error_of_reply=error_of_reply,
)


class Questions:
    """What a caller asks, without the envelope of the answers; pages are read to their end."""

    def __init__(self, caller: Caller, lane: Lane) -> None:
        self.caller = caller
        self.lane = lane

    async def result(self, endpoint: Endpoint, params: Params, *, lane: Lane | None = None) -> Row:
        """Return `result` of one answer.

        Raises:
            VenueError: as Caller.call, and for an answer of another shape.
        """
        asked = self.lane if lane is None else lane
        answer = await self.caller.table(endpoint, params, lane=asked)
        try:
            return fields.row(answer.get("result"), endpoint.call)
        except VenueDataInvalid as nonsense:
            if endpoint.acts:
                raise OutcomeUnknown(f"sent, but the answer is unreadable: {nonsense}") from None
            raise

    async def rows(
        self, endpoint: Endpoint, params: Params, *, lane: Lane | None = None
    ) -> list[Row]:
        """Return `result.list` of all pages.

        Raises:
            VenueError: as `result`; also when there is no end to the pages.
        """
        found: list[Row] = []
        cursor = ""
        for _ in range(PAGES_MAX):
            asked = {**params, "cursor": cursor} if cursor else params
            page = await self.result(endpoint, asked, lane=lane)
            listed = fields.rows(page.get("list"), endpoint.call)
            found += [fields.row(item, endpoint.call) for item in listed]
            cursor = str(page.get("nextPageCursor") or "")
            if not cursor or not listed:
                return found
        raise VenueDataInvalid(f"{endpoint.call}: more than {PAGES_MAX} pages")
