"""OKX by request: contracts with their size (ctVal), settled funding, past open interest."""

from collections.abc import Mapping, Sequence

from bot.domain.errors import VenueDataInvalid
from bot.domain.market import FundingRate, OpenInterest
from bot.domain.units import finite, finite_positive
from bot.venue import fields
from bot.venue.feeds.contracts import NONE_NAMED, Contract, spellings
from bot.venue.fields import Row
from bot.venue.polls import rows
from bot.venue.polls.asks import Asks
from bot.venue.streams.okx import NAME

ROWS_MAX = 100


class OkxPolls:
    """OKX's public requests, of USDT-margined swaps only."""

    venue = NAME

    def __init__(self, client: Asks, named: Mapping[str, str] = NONE_NAMED) -> None:
        self._client = client
        self._named = named

    async def contracts(self, symbols: Sequence[str]) -> tuple[Contract, ...]:
        """Return those of `symbols` that are traded here, with coins per contract."""
        items = await self._rows("publicGetPublicInstruments", {"instType": "SWAP"})
        listed = {
            fields.text(item, "instId", "instrument"): item
            for item in items
            if item.get("state") == "live" and item.get("settleCcy") == "USDT"
        }
        found = []
        for symbol in symbols:
            for base, scale in spellings(symbol, self._named):
                item = listed.get(f"{base}-USDT-SWAP")
                if item is not None:
                    found.append(_contract(symbol, item, base, scale))
                    break
        return tuple(found)

    async def settled(self, contract: Contract, since_ns: int) -> tuple[FundingRate, ...]:
        """Return settlements after `since_ns` (the newest 100), oldest first."""
        what = f"{contract.venue_id} funding"
        items = await self._rows(
            "publicGetPublicFundingRateHistory",
            {"instId": contract.venue_id, "limit": ROWS_MAX},
        )
        paid = [(fields.instant_ns(item, "fundingTime", what), _paid(item, what)) for item in items]
        return rows.settled(NAME, contract, paid, since_ns, self._client.now_ns())

    async def interest(self, contract: Contract, since_ns: int) -> tuple[OpenInterest, ...]:
        """Return open interest at the hours after `since_ns` (the newest 100), oldest first."""
        what, now_ns = f"{contract.venue_id} open interest", self._client.now_ns()
        answer = await self._client.ask(
            "publicGetRubikStatContractsOpenInterestHistory",
            {"instId": contract.venue_id, "period": "1H", "limit": ROWS_MAX},
        )
        found = []
        for item in fields.rows(fields.row(answer, what).get("data"), what):
            column = fields.rows(item, what)
            if len(column) < 2:
                raise VenueDataInvalid(f"{what}: time and contracts are needed")
            at_ns = fields.instant_ns({"ts": column[0]}, "ts", what)
            found.append(rows.interest(NAME, contract, at_ns, column[1], now_ns))
        fresh = [item for item in found if item.event_ns > since_ns]
        return tuple(sorted(fresh, key=lambda item: item.event_ns))

    async def _rows(self, call: str, params: dict[str, str | int]) -> list[Row]:
        answer = fields.row(await self._client.ask(call, params), call)
        return [fields.row(item, call) for item in fields.rows(answer.get("data"), call)]


def _contract(symbol: str, item: Row, base: str, scale: float) -> Contract:
    name = fields.text(item, "instId", "instrument")
    if item.get("ctValCcy") != base or item.get("ctType") != "linear":
        raise VenueDataInvalid(f"{name}: its size is not in {base}")
    size = finite_positive(item.get("ctVal"), f"{name}.ctVal")
    many = finite_positive(item.get("ctMult") or "1", f"{name}.ctMult")
    return Contract(
        symbol=symbol,
        venue_id=name,
        qty_factor=size * many * scale,
        price_factor=1.0 / scale,
    )


def _paid(item: Row, what: str) -> float:
    """`realizedRate` is what was paid; older rows have the predicted rate alone."""
    return finite(item.get("realizedRate") or item.get("fundingRate"), what)
