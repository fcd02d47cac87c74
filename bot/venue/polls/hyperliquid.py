"""Hyperliquid by request: which contracts there are and settled funding; no past open interest."""

from collections.abc import Mapping, Sequence

from bot.domain.errors import VenueDataInvalid
from bot.domain.market import FundingRate, OpenInterest
from bot.domain.units import NS_PER_MS, finite
from bot.venue import fields
from bot.venue.feeds.contracts import NONE_NAMED, Contract, spellings
from bot.venue.polls import rows
from bot.venue.polls.asks import Asks
from bot.venue.streams.hyperliquid import INTERVAL_S, NAME


class HyperliquidPolls:
    """Hyperliquid's public requests. Its contracts settle in USDC: the same coin, other money."""

    venue = NAME

    def __init__(self, client: Asks, named: Mapping[str, str] = NONE_NAMED) -> None:
        self._client = client
        self._named = named

    async def contracts(self, symbols: Sequence[str]) -> tuple[Contract, ...]:
        """Return those of `symbols` whose coin is traded here."""
        answer = fields.row(await self._client.ask("publicPostInfo", {"type": "meta"}), "meta")
        universe = [
            fields.row(item, "meta") for item in fields.rows(answer.get("universe"), "meta")
        ]
        listed = {
            fields.text(item, "name", "meta") for item in universe if not item.get("isDelisted")
        }
        found = []
        for symbol in symbols:
            for name, scale in spellings(symbol, self._named):
                if name in listed:
                    found.append(_contract(symbol, name, scale))
                    break
        return tuple(found)

    async def settled(self, contract: Contract, since_ns: int) -> tuple[FundingRate, ...]:
        """Return settlements after `since_ns` (at most 500), oldest first."""
        what = f"{contract.venue_id} funding"
        answer = await self._client.ask(
            "publicPostInfo",
            {"type": "fundingHistory", "coin": contract.venue_id,
             "startTime": since_ns // NS_PER_MS},
        )  # fmt: skip
        paid = []
        for item in fields.rows(answer, what):
            source = fields.row(item, what)
            if source.get("coin") != contract.venue_id:
                raise VenueDataInvalid(f"{what}: rows of {str(source.get('coin'))[:20]!r}")
            at_ns = fields.instant_ns(source, "time", what)
            paid.append((at_ns, finite(source.get("fundingRate"), what)))
        return rows.settled(NAME, contract, paid, since_ns, self._client.now_ns())

    async def interest(self, contract: Contract, since_ns: int) -> tuple[OpenInterest, ...]:
        """Return nothing: the venue keeps no past open interest; the stream has the present."""
        del contract, since_ns
        return ()


def _contract(symbol: str, name: str, scale: float) -> Contract:
    return Contract(
        symbol=symbol,
        venue_id=name,
        qty_factor=scale,
        price_factor=1.0 / scale,
        interval_s=INTERVAL_S,
    )
