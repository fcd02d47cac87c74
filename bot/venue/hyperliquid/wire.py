"""ccxt's Hyperliquid client with hooks: it signs, and what it would add unasked never leaves.

ccxt approves a builder's fee, sets a referrer and attaches a builder to orders by itself, in its
unified methods alone. They are never called: questions and actions go out by its implicit
endpoints, actions with its signature, and an action with anything of a builder is not sent.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from typing_extensions import override

from bot.domain.errors import InvariantBroken
from bot.domain.units import NS_PER_MS
from bot.venue.errors import VenueReply
from bot.venue.lean import pro_class
from bot.venue.profiles.hyperliquid import ACTIONS
from bot.venue.wire import Hooks, VenueTime

REFUSED: Final = 1
"""Stands for {"status": "err"}: the venue knows no numbers; and ..."""
ALLOWANCE: Final = 2
"""... for the same when the address has used up what it may send."""
NO_BUILDER: Final[Mapping[str, object]] = {
    "builderFee": False, "approvedBuilderFee": False, "refSet": True,
}  # fmt: skip
PONG: Final = "pong"
hyperliquid: Any = pro_class("hyperliquid")


class NonceSource:
    """Rising milliseconds, one source for all who sign with one key."""

    def __init__(self, time: VenueTime) -> None:
        self._time = time
        self._last = 0

    def next(self) -> int:
        """Return a nonce that was never given before."""
        self._last = max(self._time.now_ns() // NS_PER_MS, self._last + 1)
        return self._last


class HyperliquidWire(Hooks, hyperliquid):  # type: ignore[misc]  # ccxt ships no types
    """Hyperliquid; `apiKey` is the account's address, `secret` the private key of its agent."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        time: VenueTime,
        on_used_weight: Callable[[int], None],
        nonces: NonceSource,
    ) -> None:
        super().__init__(settings, time, on_used_weight)
        self.walletAddress = self.apiKey
        self.privateKey = self.secret
        self._nonces = nonces

    async def public_ask(self, params: Mapping[str, Any]) -> object:
        """Send a question; `body` is its JSON."""
        return await self.publicPostInfo(msgspec.json.decode(params["body"]))

    async def public_time(self, params: Mapping[str, Any]) -> object:
        """Ask for the venue's time."""
        return await self.publicPostInfo({**params, "type": "exchangeStatus"})

    async def signed_act(self, params: Mapping[str, Any]) -> object:
        """Sign an action and send it; `body` is its JSON.

        Raises:
            InvariantBroken: an action that is none of ours, or one that names a builder.
        """
        action = msgspec.json.decode(params["body"])
        check_action(action)
        nonce = self._nonces.next()
        signature = self.sign_l1_action(action, nonce)
        return await self.privatePostExchange(
            {"action": action, "nonce": nonce, "signature": signature}
        )

    def agent_address(self) -> str:
        """Return the address of the key we sign with."""
        return str(self.eth_get_address_from_private_key(self.privateKey)).lower()

    @override
    def handle_errors(self, *answer: Any) -> None:
        """Raise VenueReply for what is no success as a whole; errors of single orders pass."""
        status, headers, text, body = answer[0], answer[4], answer[5], answer[6]
        words = (text or "").strip()[:200] or "no words"
        if status >= 400:
            raise VenueReply(status, None, words, _retry_after_s(headers))
        if isinstance(body, dict) and body.get("status") == "err":
            said = str(body.get("response"))[:200]
            code = ALLOWANCE if "cumulative requests" in said else REFUSED
            raise VenueReply(status, code, said)
        if body is None and not _is_json(words):
            raise VenueReply(status, None, words)

    @override
    def handle_message(self, client: Any, message: object) -> None:
        """Take the answer to a ping for a sign of life, and hand everything else over."""
        if isinstance(message, dict) and message.get("channel") == PONG:
            client.lastPong = self.milliseconds()
            return
        super().handle_message(client, message)


def check_action(action: object) -> None:
    """Raise InvariantBroken for what must never be signed."""
    kind = action.get("type") if isinstance(action, dict) else None
    if kind not in ACTIONS:
        raise InvariantBroken(f"an action of type {str(kind)[:40]!r} is not ours to sign")
    if "builder" in str(action):
        raise InvariantBroken("an action names a builder: not signed")


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    value = next((headers[name] for name in headers if name.lower() == "retry-after"), "")
    return float(value) if value.isascii() and value.isdigit() else None
