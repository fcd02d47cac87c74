"""Binance by request, in the lane of questions: settled funding and open interest of past hours."""

from collections.abc import Sequence

from bot.domain.market import FundingRate, OpenInterest
from bot.domain.units import NS_PER_MS, finite
from bot.ports import Clock
from bot.venue import fields
from bot.venue.caller import Caller
from bot.venue.endpoint import Endpoint
from bot.venue.feeds.contracts import Contract
from bot.venue.funding_info import funding_intervals_s
from bot.venue.lanes import Lane
from bot.venue.polls import rows
from bot.venue.profiles import binance
from bot.venue.profiles.binance import NAME

FUNDING_ROWS_MAX = 1_000
"""More than thirty days of hourly settlements."""
INTEREST_ROWS_MAX = 500
FUNDING_RATE = Endpoint("fapiPublicGetFundingRate")
PAST_INTEREST = Endpoint("fapiDataGetOpenInterestHist")


class BinancePolls:
    """Asks through the room's own caller: its weight limit counts these questions as well."""

    venue = NAME

    def __init__(self, caller: Caller, clock: Clock) -> None:
        self._caller = caller
        self._clock = clock

    async def contracts(self, symbols: Sequence[str]) -> tuple[Contract, ...]:
        """Return `symbols` with the funding intervals that the venue lists."""
        listed = funding_intervals_s(await self._caller.rows(binance.FUNDING_INFO, lane=Lane.QUERY))
        return tuple(
            Contract(symbol=symbol, venue_id=name,
                     interval_s=listed.get(name, binance.FUNDING_INTERVAL_S))
            for symbol in symbols
            for name in (binance.venue_id(symbol),)
        )  # fmt: skip

    async def settled(self, contract: Contract, since_ns: int) -> tuple[FundingRate, ...]:
        """Return settlements after `since_ns` (at most 1000), oldest first."""
        what = f"{contract.venue_id} funding"
        answer = await self._caller.rows(
            FUNDING_RATE,
            {
                "symbol": contract.venue_id,
                "startTime": since_ns // NS_PER_MS,
                "limit": FUNDING_ROWS_MAX,
            },
        )
        paid = []
        for item in answer:
            source = fields.row(item, what)
            at_ns = fields.instant_ns(source, "fundingTime", what)
            paid.append((at_ns, finite(source.get("fundingRate"), what)))
        return rows.settled(NAME, contract, paid, since_ns, self._clock.now_ns())

    async def interest(self, contract: Contract, since_ns: int) -> tuple[OpenInterest, ...]:
        """Return open interest at the hours after `since_ns` (the newest 500), oldest first."""
        what = f"{contract.venue_id} open interest"
        answer = await self._caller.rows(
            PAST_INTEREST, {"symbol": contract.venue_id, "period": "1h", "limit": INTEREST_ROWS_MAX}
        )
        found = []
        for item in answer:
            source = fields.row(item, what)
            at_ns = fields.instant_ns(source, "timestamp", what)
            coins = source.get("sumOpenInterest")
            found.append(rows.interest(NAME, contract, at_ns, coins, self._clock.now_ns()))
        fresh = [item for item in found if item.event_ns > since_ns]
        return tuple(sorted(fresh, key=lambda item: item.event_ns))
