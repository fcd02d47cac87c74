"""Second thoughts: a button that works once, and where it is configured a code that works once."""

import hmac
import secrets

import msgspec

from bot.domain.units import NS_PER_S

PENDING_MAX = 8
STEP_S = 30
WRONG_MAX = 3
LOCKED_S = 300


class Wish(msgspec.Struct, frozen=True):
    """A command that raises risk, as it would be given."""

    name: str
    args: dict[str, str]
    said: str
    """In words."""
    account: str = ""
    """Whose risk it raises; empty: the first account's."""


class Confirmations:
    """Wishes that wait for their button; each nonce works once, within its time, in this life."""

    def __init__(self, ttl_s: float) -> None:
        self._ttl_ns = int(ttl_s * NS_PER_S)
        self._waiting: dict[str, tuple[Wish, int]] = {}
        self._coded: tuple[Wish, int] | None = None
        self.forgotten = 0
        """How often everything was forgotten: who waited meanwhile must not go on."""

    def ask(self, wish: Wish, now_ns: int) -> str:
        """Return the nonce for the button of a wish."""
        nonce = secrets.token_urlsafe(12)
        self._waiting[nonce] = (wish, now_ns + self._ttl_ns)
        while len(self._waiting) > PENDING_MAX:
            del self._waiting[next(iter(self._waiting))]
        return nonce

    def press(self, nonce: str, now_ns: int) -> Wish | None:
        """Return the wish of a nonce and forget it; None when it never was, is over or was used."""
        wish, until_ns = self._waiting.pop(nonce, (None, 0))
        return wish if now_ns <= until_ns else None

    def await_code(self, wish: Wish, now_ns: int) -> None:
        """Let a confirmed wish wait for a code."""
        self._coded = (wish, now_ns + self._ttl_ns)

    def coded(self, now_ns: int) -> Wish | None:
        """Return the wish that waits for a code; None when none does any more."""
        wish, until_ns = self._coded or (None, 0)
        return wish if now_ns <= until_ns else None

    def forget_coded(self) -> None:
        """Let nothing wait for a code."""
        self._coded = None

    def forget(self) -> None:
        """Let nothing wait: what lowers risk was commanded since."""
        self.forgotten += 1
        self._waiting.clear()
        self._coded = None


class Codes:
    """TOTP codes (RFC 6238, six digits, 30 s), one step early or late; too many wrong ones lock."""

    def __init__(self, secret: str) -> None:
        """Take the base32 secret.

        Raises:
            ValueError: it is none.
        """
        import pyotp

        self._totp = pyotp.TOTP(secret.replace(" ", "").upper())
        self._totp.at(0)
        self._wrong = 0
        self._locked_until_ns = 0

    def locked(self, now_ns: int) -> bool:
        """Tell whether too many codes were wrong a short while ago."""
        return now_ns < self._locked_until_ns

    def step_of(self, code: str, now_ns: int, used_step: int) -> int | None:
        """Return the time step of a right code that is newer than `used_step`, else None."""
        now_step = now_ns // NS_PER_S // STEP_S
        for step in (now_step - 1, now_step, now_step + 1):
            right = self._totp.at(step * STEP_S)
            if hmac.compare_digest(right, code) and step > used_step:
                self._wrong = 0
                return step
        self._wrong += 1
        if self._wrong >= WRONG_MAX:
            self._wrong = 0
            self._locked_until_ns = now_ns + LOCKED_S * NS_PER_S
        return None
