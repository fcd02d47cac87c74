"""Who may come in: one token, sessions of a browser, and a pause after wrong tries."""

import hmac
import secrets
from collections import deque

import msgspec

from bot.domain.units import NS_PER_H, NS_PER_MIN
from bot.ports import Clock

SESSION_NS = 24 * NS_PER_H
SESSIONS_MAX = 32
TRIES_MAX = 5
TRIES_NS = NS_PER_MIN
TOKEN_BYTES = 32


class Session(msgspec.Struct, frozen=True):
    """One browser that came in; `csrf` proves that a command came from the page itself."""

    csrf: str
    until_ns: int


def new_token() -> str:
    """Return a token of 256 bits from the system's generator."""
    return secrets.token_urlsafe(TOKEN_BYTES)


class Doorkeeper:
    """Compares tokens in constant time and forgets sessions after a day."""

    def __init__(self, token: str, clock: Clock) -> None:
        self._token = token.encode()
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._wrong: deque[int] = deque(maxlen=TRIES_MAX)

    def resting(self) -> bool:
        """Whether so many wrong tokens came within a minute that none is looked at."""
        oldest_ns = self._wrong[0] if len(self._wrong) == TRIES_MAX else None
        return oldest_ns is not None and self._clock.monotonic_ns() - oldest_ns < TRIES_NS

    def knows(self, token: str) -> bool:
        """Whether this is the token; a wrong one is counted."""
        if hmac.compare_digest(token.encode(), self._token):
            return True
        self._wrong.append(self._clock.monotonic_ns())
        return False

    def open(self) -> str:
        """Return the id of a new session; the oldest gives way when there are too many."""
        while len(self._sessions) >= SESSIONS_MAX:
            del self._sessions[next(iter(self._sessions))]
        name = secrets.token_urlsafe(TOKEN_BYTES)
        until_ns = self._clock.monotonic_ns() + SESSION_NS
        self._sessions[name] = Session(secrets.token_urlsafe(TOKEN_BYTES), until_ns)
        return name

    def session(self, name: str) -> Session | None:
        """Return the session of that id, while it lasts."""
        found = self._sessions.get(name)
        if found is None or found.until_ns < self._clock.monotonic_ns():
            self._sessions.pop(name, None)
            return None
        return found

    def close(self, name: str) -> None:
        """End a session."""
        self._sessions.pop(name, None)
