"""Reading the whole account: wallet, every leg, both order books, in one consistent answer.

Both books of all symbols cost 40 weight each, so they are read whole every `WHOLE_BOOKS_S` and in
between for the symbols that matter: ours, those with a position and those last seen with orders.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from bot.domain.account import AccountState, PositionState
from bot.domain.orders import OrderState
from bot.domain.units import NS_PER_S
from bot.ports import Clock
from bot.venue import fields, parse
from bot.venue.caller import Caller
from bot.venue.lanes import Lane
from bot.venue.profiles import binance
from bot.venue.profiles.binance import Endpoint
from bot.venue.together import together

WHOLE_BOOKS_S: Final = 30.0
MODES_S: Final = 300.0
"""How long the position mode is believed while there is no position to prove it."""
SYMBOLS_MAX: Final = 20
"""Above so many symbols one reading of the whole book is cheaper."""


class AccountReader:
    """Reads one account through one caller; remembers only what saves weight."""

    def __init__(
        self,
        caller: Caller,
        clock: Clock,
        symbols: Sequence[str],
        lane: Lane,
        *,
        asks_multi_assets: bool,
    ) -> None:
        self._caller = caller
        self._clock = clock
        self._own = frozenset(symbols)
        self._lane = lane
        self._asks_multi_assets = asks_multi_assets
        self._seen: frozenset[str] = frozenset()
        self._whole_at_ns: int | None = None
        self._modes_at_ns: int | None = None
        self._hedge_mode = False

    def forget(self) -> None:
        """Read everything afresh next time: the account's settings may have changed."""
        self._whole_at_ns = self._modes_at_ns = None

    async def read(self) -> AccountState:
        """Return the account; `event_ns` is the venue's time when the reading began.

        Raises:
            VenueError: anything could not be read; nothing is ever assumed empty.
        """
        began_ns = self._caller.venue_now_ns()
        account, risks, settings = await together(
            self._caller.call(binance.ACCOUNT, lane=self._lane),
            self._caller.call(binance.POSITIONS, lane=self._lane),
            self._caller.call(binance.SYMBOL_CONFIG, lane=self._lane),
        )
        wallet = parse.wallet_usd(fields.row(account, "account"))
        modes, leverages = parse.symbol_settings(fields.rows(settings, "symbol settings"))
        legs = [
            leg
            for item in fields.rows(risks, "positions")
            if (leg := parse.position(fields.row(item, "position"), modes, leverages)) is not None
        ]
        orders = await self._books(leg.symbol for leg in legs)
        return AccountState(
            wallet_usd=wallet,
            positions=tuple(legs),
            orders=tuple(orders),
            event_ns=began_ns,
            hedge_mode=await self._modes(legs),
            margin_modes=modes,
            leverages=leverages,
        )

    async def is_hedged(self) -> bool:
        """Return the position mode as last proven, asking when that is long ago."""
        return await self._modes([])

    async def _modes(self, legs: Sequence[PositionState]) -> bool:
        """Return the position mode; a position proves it, and refuse mixed collateral."""
        if legs:
            self._hedge_mode = legs[0].hedged
        if not self._is_due(self._modes_at_ns, MODES_S):
            return self._hedge_mode
        answer = await self._caller.table(binance.POSITION_MODE, lane=self._lane)
        self._hedge_mode = fields.flag(answer, "dualSidePosition", "position mode")
        if self._asks_multi_assets:
            mixed = await self._caller.table(binance.MULTI_ASSETS, lane=self._lane)
            if fields.flag(mixed, "multiAssetsMargin", "multi-assets mode"):
                raise parse.multi_assets("the venue says so")
        self._modes_at_ns = self._clock.monotonic_ns()
        return self._hedge_mode

    async def _books(self, positioned: Iterable[str]) -> list[OrderState]:
        wanted = sorted(self._own | self._seen | set(positioned))
        whole = self._is_due(self._whole_at_ns, WHOLE_BOOKS_S) or len(wanted) > SYMBOLS_MAX
        names: list[str] = [""] if whole else [binance.venue_id(symbol) for symbol in wanted]
        pages = await together(
            *(self._book(binance.OPEN_ORDERS, name) for name in names),
            *(self._book(binance.OPEN_ALGOS, name) for name in names),
        )
        orders = [order for page in pages for order in page]
        if whole:
            self._whole_at_ns = self._clock.monotonic_ns()
            self._seen = frozenset(order.symbol for order in orders)
        return orders

    async def _book(self, endpoint: Endpoint, name: str) -> list[OrderState]:
        weight = endpoint.weight if name else binance.ALL_SYMBOLS_WEIGHT
        rows = await self._caller.rows(
            endpoint, {"symbol": name} if name else None, lane=self._lane, weight=weight
        )
        read = parse.algo if endpoint is binance.OPEN_ALGOS else parse.order
        return [read(fields.row(item, "open order")) for item in rows]

    def _is_due(self, at_ns: int | None, every_s: float) -> bool:
        return at_ns is None or self._clock.monotonic_ns() - at_ns >= int(every_s * NS_PER_S)
