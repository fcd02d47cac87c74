"""Reading the whole account: balance, every leg, both order books, in one consistent answer.

The margin mode goes with each order here. What is reported for a contract without a position is
the mode the house sends its orders with; a position says its own.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from bot.domain.account import AccountState, MarginMode, PositionState
from bot.domain.errors import VenueDataInvalid, VenueRefused
from bot.domain.units import NS_PER_S
from bot.ports import Clock
from bot.venue import fields
from bot.venue.fields import Row
from bot.venue.okx import contracts, parse
from bot.venue.okx.answers import Questions
from bot.venue.profiles import okx
from bot.venue.together import together

SETTINGS_S: Final = 60.0
SWAPS: Final = {"instType": "SWAP"}
HOUSE_MODE: Final = MarginMode.CROSS


class Sizes:
    """Coins of one contract, by the venue's name: one memory for a whole room."""

    def __init__(self) -> None:
        self.known: dict[str, Decimal] = {}

    def learn(self, rows: Sequence[Row]) -> None:
        """Take the sizes of listed contracts."""
        for row in rows:
            if parse.is_ours(row):
                self.known[fields.text(row, "instId", "contract")] = contracts.size_of(row)

    async def settle(self, ask: Questions) -> None:
        """Read the list when it was never read."""
        if not self.known:
            self.learn(await ask.rows(okx.INSTRUMENTS, SWAPS))

    def of(self, symbol: str) -> Decimal:
        """Return the coins of one contract of a symbol; refused when it is not listed."""
        found = self.known.get(okx.contract_of(symbol))
        if found is None:
            raise VenueRefused(f"the venue has no contract {symbol}", code="-1121")
        return found


class OkxReader:
    """Reads one account through one caller; remembers only its settings and margin modes."""

    def __init__(
        self, questions: Questions, clock: Clock, symbols: Sequence[str], sizes: Sizes
    ) -> None:
        self._ask = questions
        self._clock = clock
        self._symbols = symbols
        self._sizes = sizes
        self._settings_at_ns: int | None = None
        self._hedged: bool | None = None
        self._leverages: dict[str, int] = {}
        self.modes: dict[str, MarginMode] = dict.fromkeys(symbols, HOUSE_MODE)

    def forget(self) -> None:
        """Read everything afresh next time: settings may have changed, messages may be lost."""
        self._settings_at_ns = None

    def note(self, symbol: str) -> None:
        """Take note that `symbol` may have orders: every reading shows all of them anyway."""

    async def is_hedged(self) -> bool:
        """Return the position mode, asking when it was not proven lately."""
        await self._settings()
        return bool(self._hedged)

    async def read(self) -> AccountState:
        """Return the account; `event_ns` is the venue's time when the reading began.

        Raises:
            VenueError: anything could not be read; nothing is ever assumed empty.
        """
        caller = self._ask.caller
        await caller.settle_clock(lane=self._ask.lane)
        await self._sizes.settle(self._ask)
        began_ns = caller.venue_now_ns()
        await self._settings()
        balance, held, plain, waiting, other = await together(
            self._ask.rows(okx.BALANCE, {"ccy": okx.SETTLE}),
            self._ask.rows(okx.POSITIONS),
            self._ask.pages(okx.OPEN_ORDERS, SWAPS, "ordId"),
            self._ask.pages(okx.OPEN_ALGOS, {**SWAPS, "ordType": "conditional"}, "algoId"),
            self._ask.pages(okx.OPEN_ALGOS, {**SWAPS, "ordType": "oco"}, "algoId"),
        )
        if not balance:
            raise VenueDataInvalid("balance: no account behind this key")
        sizes = self._sizes.known
        parse.refuse_strangers(held)
        ours = [row for row in held if parse.is_ours(row)]
        legs = [leg for row in ours if (leg := parse.position(row, sizes)) is not None]
        self._learn(legs)
        orders = [parse.order(row, sizes) for row in plain if parse.is_ours(row)]
        orders += [parse.algo(row, sizes) for row in (*waiting, *other) if parse.is_ours(row)]
        return AccountState(
            wallet_usd=parse.wallet_usd(balance[0]),
            positions=tuple(legs),
            orders=tuple({state.venue_order_id: state for state in orders}.values()),
            event_ns=began_ns,
            hedge_mode=bool(self._hedged),
            margin_modes=dict(self.modes),
            leverages=dict(self._leverages),
        )

    def _learn(self, legs: Sequence[PositionState]) -> None:
        """Take modes and leverages of positions; a contract without one is the house's again.

        Raises:
            VenueDataInvalid: a contract is held in both modes: an order reaches one of them.
        """
        held: dict[str, MarginMode] = {}
        for leg in legs:
            mode = leg.margin_mode or HOUSE_MODE
            if held.setdefault(leg.symbol, mode) is not mode:
                raise VenueDataInvalid(
                    f"{leg.symbol} is held with cross and with isolated margin at once: an order "
                    "reaches one of them alone; close one"
                )
            if leg.leverage is not None:
                self._leverages[leg.symbol] = leg.leverage
        modes = dict.fromkeys(self._symbols, HOUSE_MODE) | held
        if modes != self.modes:
            self.modes = modes
            self._settings_at_ns = None  # each mode has a leverage of its own

    async def _settings(self) -> None:
        at_ns, now_ns = self._settings_at_ns, self._clock.monotonic_ns()
        if at_ns is not None and now_ns - at_ns < int(SETTINGS_S * NS_PER_S):
            return
        config, *pages = await together(
            self._ask.rows(okx.CONFIG),
            *(
                self._ask.rows(
                    okx.LEVERAGE,
                    {
                        "instId": okx.contract_of(symbol),
                        "mgnMode": okx.MODE_WORDS[self.modes.get(symbol, HOUSE_MODE)],
                    },
                )
                for symbol in self._symbols
            ),
        )
        if not config:
            raise VenueDataInvalid("account config: nothing is told")
        level = fields.text(config[0], "acctLv", "account config")
        if level != okx.SINGLE_LEVEL:
            raise VenueDataInvalid(
                f"account level is {level[:4]}: margin over several coins cannot be computed; "
                "switch the account to futures mode"
            )
        self._hedged = fields.choice(config[0], "posMode", okx.POSITION_MODES, "account config")
        for row in (row for page in pages for row in page):
            lever = fields.whole_or_none(row, "lever", "leverage")
            if lever:
                self._leverages[okx.unified(fields.text(row, "instId", "leverage"))] = lever
        self._settings_at_ns = now_ns
