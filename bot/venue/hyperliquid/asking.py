"""Questions and actions of one account through one caller; what several parts of a room share."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from bot.domain.errors import VenueDataInvalid, VenueRefused
from bot.domain.units import NS_PER_S
from bot.ports import Clock
from bot.venue import fields
from bot.venue.caller import Caller
from bot.venue.endpoint import Endpoint
from bot.venue.fields import Row
from bot.venue.hyperliquid.listing import Listed, listed
from bot.venue.lanes import Lane
from bot.venue.profiles import hyperliquid as profile

PROVEN_NS: Final = 3_600 * NS_PER_S
"""How long it is believed whose address we were given."""
FRESH_NS: Final = 5 * NS_PER_S
"""How old a heard price may be to send a market order by."""


class Asker:
    """Sends questions and actions; `user` is the account's own address."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.user = str(caller.wire.apiKey or "").lower()

    async def ask(
        self,
        kind: str,
        *,
        lane: Lane,
        endpoint: Endpoint = profile.HEAVY,
        weight: int = 0,
        **more: object,
    ) -> object:
        """Ask a question of everybody's."""
        return await self.put({"type": kind, **more}, lane=lane, endpoint=endpoint, weight=weight)

    async def put(
        self,
        question: Mapping[str, object],
        *,
        lane: Lane,
        endpoint: Endpoint = profile.HEAVY,
        weight: int = 0,
    ) -> object:
        """Ask a question as it is."""
        body = msgspec.json.encode(question).decode()
        return await self.caller.call(endpoint, {"body": body}, lane=lane, weight=weight)

    async def ask_mine(
        self,
        kind: str,
        *,
        lane: Lane,
        endpoint: Endpoint = profile.HEAVY,
        weight: int = 0,
        **more: object,
    ) -> object:
        """Ask a question about the account.

        Raises:
            VenueRefused: no address is set.
        """
        if not self.user:
            raise VenueRefused(f"{kind}: needs an account's address, none is set", code="NO_KEY")
        return await self.ask(
            kind, lane=lane, endpoint=endpoint, weight=weight, user=self.user, **more
        )

    async def act(self, action: Mapping[str, object], *, lane: Lane, places: bool) -> object:
        """Send a signed action."""
        endpoint = profile.PLACE if places else profile.ACT
        body = msgspec.json.encode(action).decode()
        return await self.caller.call(endpoint, {"body": body}, lane=lane)


class Shared:
    """What main and guard know together: whose address it is, the list, the newest prices."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._proven_ns: int | None = None
        self._marks: dict[str, tuple[float, int]] = {}
        self._listed: dict[str, Listed] = {}

    # ------------------------------------------------------------------ identity

    async def prove(self, asker: Asker, lane: Lane) -> None:
        """See that the address is an account with a wallet of its own.

        The venue shows an agent's address, or a wrong one, as an empty account without an error.

        Raises:
            VenueRefused: it is no such account; the line says what to do.
        """
        now_ns = self._clock.monotonic_ns()
        if self._proven_ns is not None and now_ns - self._proven_ns < PROVEN_NS:
            return
        answer = await asker.ask_mine("userRole", lane=lane, endpoint=profile.ROLE)
        role = fields.text(fields.row(answer, "userRole"), "role", "userRole")
        if role == "agent":
            raise VenueRefused(
                "the configured address is that of an agent: give the account's own address, "
                "or every reading looks like an empty account",
                code="NOT_AN_ACCOUNT",
            )
        if role != "user":
            raise VenueRefused(
                f"the configured address has the role {role[:20]!r} at the venue: only a user's "
                "own account is supported",
                code="NOT_AN_ACCOUNT",
            )
        kind = await asker.ask_mine("userAbstraction", lane=lane)
        if str(kind).strip('"') not in profile.SINGLE_ACCOUNT:
            raise VenueDataInvalid(
                f"the account is of kind {str(kind)[:30]}: its margin cannot be computed; switch "
                "the account to a perpetuals wallet of its own"
            )
        self._proven_ns = now_ns

    # ------------------------------------------------------------------ contracts

    def learn(self, meta: Row) -> dict[str, Listed]:
        """Take the list of contracts."""
        self._listed = listed(meta)
        return self._listed

    async def contract(self, asker: Asker, symbol: str, lane: Lane) -> Listed:
        """Return a contract, asking for the list when it is not known yet.

        Raises:
            VenueRefused: the venue does not list it (code -1121).
        """
        coin = profile.coin_of(symbol)
        if coin not in self._listed:
            self.learn(fields.row(await asker.ask("meta", lane=lane), "meta"))
        found = self._listed.get(coin)
        if found is None:
            raise VenueRefused(f"the venue has no contract {coin}", code="-1121")
        return found

    # ------------------------------------------------------------------ prices

    def heard(self, symbol: str, mark: float) -> None:
        """Take a price from the stream."""
        self._marks[symbol] = (mark, self._clock.monotonic_ns())

    async def reference(self, asker: Asker, symbol: str, lane: Lane) -> Decimal:
        """Return a fresh price to send a market order by: heard just now, or asked for."""
        known = self._marks.get(symbol)
        if known is not None and self._clock.monotonic_ns() - known[1] < FRESH_NS:
            return Decimal(repr(known[0]))
        coin = profile.coin_of(symbol)
        mids = fields.row(await asker.ask("allMids", lane=lane, endpoint=profile.LIGHT), "allMids")
        return fields.positive(mids, coin, "allMids")
