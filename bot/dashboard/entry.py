"""Proves who asks: a session cookie of the page, or the token as a bearer."""

import hmac
from typing import Annotated

import msgspec
from fastapi import Depends, Request

from bot.dashboard.rooms import Rooms, rooms_of
from bot.domain.errors import BotError

COOKIE = "breakwater"


class NotIn(BotError):
    """Nobody known is asking."""


class TooManyTries(BotError):
    """Wrong tokens came too fast; none is looked at for a while."""


class NoProof(BotError):
    """A command did not come from our own page."""


class Entry(msgspec.Struct, frozen=True):
    """A caller that came in; `csrf` is empty for a bearer, which no browser sends by itself."""

    by: str
    csrf: str

    def require_csrf(self, given: str) -> None:
        """Raise NoProof unless a session's caller knows what only our page could read."""
        if self.csrf and not hmac.compare_digest(given.encode(), self.csrf.encode()):
            raise NoProof("send the csrf of GET /api/v1/session as X-CSRF")


async def require_entry(request: Request, rooms: Annotated[Rooms, Depends(rooms_of)]) -> Entry:
    """Return who is asking.

    Raises:
        NotIn: neither a session nor the token.
        TooManyTries: the token is not even looked at.
    """
    found = rooms.keeper.session(request.cookies.get(COOKIE, ""))
    if found is not None:
        return Entry("session", found.csrf)
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token:
        if rooms.keeper.resting():
            raise TooManyTries("too many wrong tokens; wait a minute")
        if rooms.keeper.knows(token.strip()):
            return Entry("token", "")
    raise NotIn("log in at /login, or send the token as Authorization: Bearer")
