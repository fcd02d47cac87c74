"""Bybit by request: which contracts there are, settled funding, open interest of past hours."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Protocol

from bot.domain.market import FundingRate, OpenInterest
from bot.domain.units import NS_PER_MS, finite
from bot.venue import fields
from bot.venue.feeds.contracts import NONE_NAMED, Contract, spellings
from bot.venue.fields import Row
from bot.venue.polls import rows
from bot.venue.streams import believe
from bot.venue.streams.bybit import NAME

PAGES_MAX = 10
ROWS_MAX = 200
SETTLE = "USDT"


class Questions(Protocol):
    """Who sends a public question: a client of its own, or the caller of a traded account."""

    def now_ns(self) -> int:
        """Return our time in ns UTC."""
        ...

    async def ask(self, call: str, params: Mapping[str, str | int]) -> object:
        """Send one question by ccxt's implicit method `call`; raises VenueError."""
        ...


class BybitPolls:
    """Bybit's public requests, of linear USDT contracts only."""

    venue = NAME

    def __init__(self, client: Questions, named: Mapping[str, str] = NONE_NAMED) -> None:
        self._client = client
        self._named = named

    async def contracts(self, symbols: Sequence[str]) -> tuple[Contract, ...]:
        """Return those of `symbols` that are traded here."""
        listed = {name: item async for name, item in self._listed()}
        found = []
        for symbol in symbols:
            for base, scale in spellings(symbol, self._named):
                item = listed.get(f"{base}{SETTLE}")
                if item is not None:
                    found.append(_contract(symbol, item, scale))
                    break
        return tuple(found)

    async def _listed(self) -> AsyncIterator[tuple[str, Row]]:
        cursor = ""
        for _ in range(PAGES_MAX):
            params: dict[str, str | int] = {"category": "linear", "limit": 1000}
            if cursor:
                params["cursor"] = cursor
            page = await self._result("publicGetV5MarketInstrumentsInfo", params)
            for item in _rows(page, "instruments"):
                if item.get("status") == "Trading" and item.get("settleCoin") == SETTLE:
                    yield fields.text(item, "symbol", "instrument"), item
            cursor = str(page.get("nextPageCursor") or "")
            if not cursor:
                return

    async def settled(self, contract: Contract, since_ns: int) -> tuple[FundingRate, ...]:
        """Return settlements after `since_ns` (the newest 200), oldest first."""
        page = await self._result(
            "publicGetV5MarketFundingHistory",
            {"category": "linear", "symbol": contract.venue_id, "limit": ROWS_MAX},
        )
        what = f"{contract.venue_id} funding"
        paid = [
            (fields.instant_ns(item, "fundingRateTimestamp", what),
             finite(item.get("fundingRate"), what))
            for item in _rows(page, what)
        ]  # fmt: skip
        return rows.settled(NAME, contract, paid, since_ns, self._client.now_ns())

    async def interest(self, contract: Contract, since_ns: int) -> tuple[OpenInterest, ...]:
        """Return open interest at the hours after `since_ns` (the newest 200), oldest first."""
        page = await self._result(
            "publicGetV5MarketOpenInterest",
            {"category": "linear", "symbol": contract.venue_id, "intervalTime": "1h",
             "limit": ROWS_MAX, "startTime": since_ns // NS_PER_MS},
        )  # fmt: skip
        what, now_ns = f"{contract.venue_id} open interest", self._client.now_ns()
        found = [
            rows.interest(
                NAME, contract, fields.instant_ns(item, "timestamp", what),
                item.get("openInterest"), now_ns,
            )
            for item in _rows(page, what)
        ]  # fmt: skip
        return tuple(sorted(found, key=lambda item: item.event_ns))

    async def _result(self, call: str, params: dict[str, str | int]) -> Row:
        answer = fields.row(await self._client.ask(call, params), call)
        return fields.row(answer.get("result"), call)


def _contract(symbol: str, item: Row, scale: float) -> Contract:
    minutes = finite(item.get("fundingInterval"), "fundingInterval")
    return Contract(
        symbol=symbol,
        venue_id=fields.text(item, "symbol", "instrument"),
        qty_factor=scale,
        price_factor=1.0 / scale,
        interval_s=believe.interval(minutes * 60, "fundingInterval"),
    )


def _rows(page: Row, what: str) -> Iterator[Row]:
    for item in fields.rows(page.get("list"), what):
        yield fields.row(item, what)
