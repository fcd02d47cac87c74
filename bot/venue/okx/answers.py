"""OKX's way of answering: a code beside the data, and for orders another one inside it."""

from collections.abc import Mapping
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
from bot.venue.profiles import okx
from bot.venue.wire import Hooks

PAUSE_S: Final = 2.0
"""How long to be silent when too many requests were sent: the limits are by two seconds."""
PAGES_MAX: Final = 40
FAILED: Final = (1, 2)


class OkxWire(Hooks, pro_class("okx")):  # type: ignore[misc]  # ccxt ships no types
    """ccxt's OKX client with the house's hooks."""

    async def cancel_one_algo(self, params: Mapping[str, Any]) -> object:
        """Cancel a conditional order: the venue wants a list."""
        return await self.privatePostTradeCancelAlgos([dict(params)])

    @override
    def handle_errors(self, *answer: Any) -> None:
        """Raise VenueReply for anything but a success."""
        reply = reply_of(answer[0], answer[5], answer[6])
        if reply is not None:
            raise reply

    @override
    def handle_message(self, client: Any, message: object) -> None:
        """Count every message as a sign of life, pongs in plain text too."""
        client.lastPong = self.milliseconds()
        if message != "pong":
            super().handle_message(client, message)


def reply_of(status: int, text: str | None, body: object) -> VenueReply | None:
    """Return what is wrong with an answer, or None when it is a success with readable JSON."""
    code = _number(body.get("code")) if isinstance(body, dict) else None
    if status < 400 and code == 0:
        return None
    words = str(body.get("msg") or "") if isinstance(body, dict) else (text or "")[:200]
    rows = body.get("data") if isinstance(body, dict) else None
    if code in FAILED and isinstance(rows, list) and rows and isinstance(rows[0], dict):
        code, words = _number(rows[0].get("sCode")), str(rows[0].get("sMsg") or words)
    return VenueReply(status, code, words.strip() or "no words")


def _number(value: object) -> int | None:
    word = str(value)
    return int(word) if word.isascii() and word.isdigit() else None


def error_of_reply(reply: VenueReply, *, acts: bool, now_ns: int) -> VenueError:
    """Translate a bad answer; `acts` says that the request would have changed something."""
    del now_ns
    code = reply.code
    label = f"{code if code is not None else ''} {reply.words[:160]} (HTTP {reply.status})".strip()
    if reply.status in (418, 429) or code in okx.TOO_MANY:
        return VenueThrottled(f"too many requests: {label}", retry_after_s=PAUSE_S)
    if code in okx.OUTCOME_UNKNOWN or reply.status >= 500 or reply.status == 408:
        if acts:
            return OutcomeUnknown(f"venue could not say whether it was done: {label}")
        return VenueUnreachable(f"venue could not answer: {label}")
    if code is None and reply.status < 400:
        if acts:
            return OutcomeUnknown(f"sent, but the answer is unreadable: {label}")
        return VenueDataInvalid(f"venue answered with something that is not its JSON: {label}")
    if code is None:
        return VenueRefused(label, code=f"HTTP{reply.status}")
    return VenueRefused(label, code=okx.HOUSE_CODES.get(code, str(code)))


def _server_ms(answer: object) -> object:
    try:
        rows = fields.rows(fields.row(answer, "time").get("data"), "time")
        return int(fields.number(fields.row(rows[0], "time"), "ts", "time"))
    except (VenueDataInvalid, IndexError):
        return None


MANNERS: Final = Manners(
    time=okx.TIME,
    server_ms=_server_ms,
    clock_apart=okx.CLOCK_APART,
    error_of_reply=error_of_reply,
)


class Questions:
    """What a caller asks, without the envelope of the answers; pages are read to their end."""

    def __init__(self, caller: Caller, lane: Lane) -> None:
        self.caller = caller
        self.lane = lane

    async def rows(
        self, endpoint: Endpoint, params: Params | None = None, *, lane: Lane | None = None
    ) -> list[Row]:
        """Return `data` of one answer.

        Raises:
            VenueError: as Caller.call, and for an answer of another shape.
        """
        asked = self.lane if lane is None else lane
        answer = await self.caller.table(endpoint, params or {}, lane=asked)
        try:
            listed = fields.rows(answer.get("data"), endpoint.call)
            return [fields.row(item, endpoint.call) for item in listed]
        except VenueDataInvalid as nonsense:
            if endpoint.acts:
                raise OutcomeUnknown(f"sent, but the answer is unreadable: {nonsense}") from None
            raise

    async def pages(self, endpoint: Endpoint, params: Params, key: str) -> list[Row]:
        """Return the rows of all pages; `key` names the number that the next page lies behind."""
        found: list[Row] = []
        asked = {**params, "limit": okx.PAGE_MAX}
        for _ in range(PAGES_MAX):
            page = await self.rows(endpoint, asked)
            found += page
            if len(page) < okx.PAGE_MAX:
                return found
            asked = {**asked, "after": fields.text(page[-1], key, endpoint.call)}
        raise VenueDataInvalid(f"{endpoint.call}: more than {PAGES_MAX} pages")
