"""What the page draws over time: one reading of each market now and then, a day of them."""

from collections import deque
from collections.abc import Awaitable, Callable

from bot.answers.question import Answered
from bot.ports import Clock

Ask = Callable[[str, dict[str, str]], Awaitable[Answered]]
EVERY_S = 10.0
KEPT = 8_640
NAMES = (
    "price", "pulse", "stress", "threat", "funding_8h_frac", "open_interest_coin",
    "liq_long_24h_usd", "liq_short_24h_usd",
)  # fmt: skip


class History:
    """A bounded row of readings per symbol, and of equity; it begins with this run."""

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self.markets: dict[str, deque[dict[str, object]]] = {}
        self.equity: deque[dict[str, object]] = deque(maxlen=KEPT)

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await self.read()
            await self._clock.sleep_s(EVERY_S)

    async def read(self) -> None:
        """Take one reading of everything."""
        market, status = await self._ask("market", {}), await self._ask("status", {})
        at = market.get("as_of")
        rows = market.get("markets")
        for row in rows if isinstance(rows, list) else ():
            kept = self.markets.setdefault(str(row["symbol"]), deque(maxlen=KEPT))
            kept.append({"at": at, **{name: row.get(name) for name in NAMES}})
        self.equity.append({"at": at, "equity_usd": status.get("equity_usd")})

    def of(self, symbol: str, limit: int) -> dict[str, object]:
        """Return the newest readings of a symbol (all symbols' names beside), oldest first."""
        return {
            "symbols": sorted(self.markets),
            "readings": list(self.markets.get(symbol, ()))[-limit:],
            "equity": list(self.equity)[-limit:],
        }
