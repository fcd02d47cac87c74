"""Reading the whole account: wallet, every leg, both order books, in one consistent answer.

Reading both books of all symbols costs 80 weight, too much for a look every second. So the books
are read whole every `WHOLE_S`, and in between for the symbols where something is: a position, an
order seen there, or one we just sent. Settings are read with the whole books.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from bot.domain.account import AccountState, MarginMode, PositionState
from bot.domain.orders import OrderState
from bot.domain.units import NS_PER_S
from bot.ports import Clock
from bot.venue import fields
from bot.venue.binance import parse
from bot.venue.caller import Caller
from bot.venue.endpoint import Endpoint
from bot.venue.lanes import Lane
from bot.venue.profiles import binance
from bot.venue.together import together

WHOLE_S: Final = 30.0
MODES_S: Final = 300.0
"""How long the position mode is believed while there is no position to prove it."""
SYMBOLS_MAX: Final = 20
"""Above so many symbols one reading of the whole books is cheaper."""


class AccountReader:
    """Reads one account through one caller; remembers only what saves weight."""

    def __init__(self, caller: Caller, clock: Clock, lane: Lane) -> None:
        self._caller = caller
        self._clock = clock
        self._lane = lane
        self._busy: set[str] = set()
        self._whole_at_ns: int | None = None
        self._modes_at_ns: int | None = None
        self._hedge_mode = False
        self._margin_modes: dict[str, MarginMode] = {}
        self._leverages: dict[str, int] = {}

    def forget(self) -> None:
        """Read everything afresh next time: settings may have changed, messages may be lost."""
        self._whole_at_ns = self._modes_at_ns = None

    def note(self, symbol: str) -> None:
        """Take note that `symbol` may have orders from now on."""
        self._busy.add(symbol)

    async def read(self) -> AccountState:
        """Return the account; `event_ns` is the venue's time when the reading began.

        Raises:
            VenueError: anything could not be read; nothing is ever assumed empty.
        """
        await self._caller.settle_clock(lane=self._lane)
        began_ns = self._caller.venue_now_ns()
        whole = self._is_due(self._whole_at_ns, WHOLE_S)
        account, risks = await together(
            self._caller.call(binance.ACCOUNT, lane=self._lane),
            self._caller.call(binance.POSITIONS, lane=self._lane),
        )
        wallet = parse.wallet_usd(fields.row(account, "account"))
        held = [fields.row(item, "position") for item in fields.rows(risks, "positions")]
        if whole or not self._knows_settings(held):
            rows = await self._caller.rows(binance.SYMBOL_CONFIG, lane=self._lane)
            self._margin_modes, self._leverages = parse.symbol_settings(rows)
        legs = [parse.position(item, self._margin_modes, self._leverages) for item in held]
        open_legs = [leg for leg in legs if leg is not None]
        hedge_mode = await self._modes(open_legs)
        orders = await self._books((leg.symbol for leg in open_legs), whole=whole)
        return AccountState(
            wallet_usd=wallet,
            positions=tuple(open_legs),
            orders=tuple(orders),
            event_ns=began_ns,
            hedge_mode=hedge_mode,
            margin_modes=dict(self._margin_modes),
            leverages=dict(self._leverages),
        )

    async def is_hedged(self) -> bool:
        """Return the position mode as last proven, asking when that is long ago."""
        return await self._modes([])

    def _knows_settings(self, held: Iterable[fields.Row]) -> bool:
        return all(parse.symbol_of(item) in self._margin_modes for item in held)

    async def _modes(self, legs: Sequence[PositionState]) -> bool:
        """Return the position mode, which a position proves; refuse mixed collateral."""
        if self._is_due(self._modes_at_ns, MODES_S):
            mode, mixed = await together(
                self._caller.table(binance.POSITION_MODE, lane=self._lane),
                self._caller.table(binance.MULTI_ASSETS, lane=self._lane),
            )
            self._hedge_mode = fields.flag(mode, "dualSidePosition", "position mode")
            if fields.flag(mixed, "multiAssetsMargin", "multi-assets mode"):
                raise parse.multi_assets("the venue says so")
            self._modes_at_ns = self._clock.monotonic_ns()
        if legs:
            self._hedge_mode = legs[0].hedged
        return self._hedge_mode

    async def _books(self, positioned: Iterable[str], *, whole: bool) -> list[OrderState]:
        asked = self._busy | set(positioned)
        whole = whole or len(asked) > SYMBOLS_MAX
        names = [""] if whole else [binance.contract_of(symbol) for symbol in sorted(asked)]
        if whole:
            self._busy = set()  # what is sent while we read is noted again
        pages = await together(
            *(self._book(binance.OPEN_ORDERS, name) for name in names),
            *(self._book(binance.OPEN_ALGOS, name) for name in names),
        )
        orders = [order for page in pages for order in page]
        if whole:
            self._whole_at_ns = self._clock.monotonic_ns()
            self._busy |= {order.symbol for order in orders}
        return orders

    async def _book(self, endpoint: Endpoint, name: str) -> list[OrderState]:
        weight = endpoint.weight if name else binance.ALL_SYMBOLS_WEIGHT
        params: dict[str, str | int | float] = {"symbol": name} if name else {}
        rows = await self._caller.rows(endpoint, params, lane=self._lane, weight=weight)
        read = parse.algo if endpoint is binance.OPEN_ALGOS else parse.order
        return [read(fields.row(item, "open order")) for item in rows]

    def _is_due(self, at_ns: int | None, every_s: float) -> bool:
        return at_ns is None or self._clock.monotonic_ns() - at_ns >= int(every_s * NS_PER_S)
