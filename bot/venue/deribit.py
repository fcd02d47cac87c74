"""Deribit's book of options as a source of skew: public data through ccxt, no key."""

import ssl
from collections.abc import Sequence
from typing import Final

import aiohttp

from bot.domain.errors import SourceFailed, VenueError, VenueThrottled
from bot.domain.market import Reading
from bot.domain.messages import Event
from bot.domain.units import NS_PER_H
from bot.ports import Clock, SourceAnswer
from bot.venue import skew
from bot.venue.breaker import Breaker
from bot.venue.hosts import SENSED, DataFence
from bot.venue.polls.client import PublicClient

NAME: Final = "option_skew"
VENUE: Final = "deribit"
HALF_LIFE_NS: Final = 6 * NS_PER_H
ROWS_MAX: Final = 20_000


class OptionSkew:
    """One question an asset and look: the summary of its whole option book."""

    def __init__(
        self, assets: Sequence[str], clock: Clock, *, every_s: float, loopback: str = ""
    ) -> None:
        """Take note; nothing is opened before the first look. `loopback` stands in in tests."""
        self.name = NAME
        self.origin = SENSED[VENUE].rest.removeprefix("https://")
        self.every_s = every_s
        self._assets = tuple(assets)
        self._clock = clock
        self._loopback = loopback.rstrip("/")
        self._fence = DataFence(VENUE, loopback)
        self._session: aiohttp.ClientSession | None = None
        self._client: PublicClient | None = None

    async def look(self) -> SourceAnswer:
        """Ask for every asset; one that fails is told, the others count.

        Raises:
            SourceFailed: none of them could be read.
        """
        events: list[Event] = []
        faults: list[str] = []
        failures: list[SourceFailed] = []
        for asset in self._assets:
            try:
                told, refused = await self._ask(asset)
            except VenueThrottled as slow:
                raise SourceFailed(str(slow), retry_after_s=slow.retry_after_s) from None
            except (SourceFailed, VenueError) as failed:
                failures.append(SourceFailed(f"{self.origin}: {asset}: {failed}"))
                continue
            events += told
            if refused:
                faults.append(f"{self.origin}: {refused} of the options of {asset} are no quotes")
        if len(failures) == len(self._assets):
            raise failures[0]
        trouble = str(failures[0]) if failures else ""
        return SourceAnswer(events=tuple(events), faults=tuple(faults), trouble=trouble)

    async def _ask(self, asset: str) -> tuple[list[Event], int]:
        asked = {"currency": asset, "kind": "option"}
        answer = await self._opened().ask("publicGetGetBookSummaryByCurrency", asked)
        rows = answer.get("result") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or len(rows) > ROWS_MAX:
            raise SourceFailed("no list of options in the answer")
        now_ns = self._clock.now_ns()
        book, refused, made_ns = skew.quotes(rows, asset, now_ns)
        if not book:
            raise SourceFailed("no option is quoted")
        return self._told(asset, book, made_ns, now_ns), refused

    def _told(self, asset: str, book: list[skew.Quote], made_ns: int, now_ns: int) -> list[Event]:
        values: dict[str, float] = {}
        whole = skew.skew_25d(book, now_ns)
        if whole is not None:
            values["skew_25d_vol_pts"] = whole
        for each in (*skew.strikes(book, now_ns, is_put=True),
                     *skew.strikes(book, now_ns, is_put=False)):  # fmt: skip
            side = "put" if each.is_put else "call"
            values[f"{side}_oi_at_{each.price:.10g}_qty"] = each.open_qty
            if each.skew_pts is not None:
                values[f"{side}_skew_at_{each.price:.10g}_vol_pts"] = each.skew_pts
        return [
            Reading(
                NAME, f"{asset.lower()}_{name}", min(made_ns, now_ns), now_ns, value,
                origin=self.origin, half_life_ns=HALF_LIFE_NS,
            )
            for name, value in values.items()
        ]  # fmt: skip

    def _opened(self) -> PublicClient:
        """Open session and client with the first question."""
        if self._client is None:
            context = ssl.create_default_context()
            connector = aiohttp.TCPConnector(ssl=context, limit=1)
            self._session = aiohttp.ClientSession(
                connector=connector, middlewares=(self._fence,), trust_env=False
            )
            self._client = PublicClient(
                VENUE, self._session, context, self._clock, Breaker(self._clock),
                rest_url=self._loopback or SENSED[VENUE].rest,
            )  # fmt: skip
        return self._client

    async def close(self) -> None:
        """Release every socket."""
        try:
            if self._client is not None:
                await self._client.close()
        finally:
            if self._session is not None:
                await self._session.close()
