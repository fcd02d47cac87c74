"""Reading the whole account: wallet, every leg, both kinds of orders, in one consistent answer.

Plain and conditional orders are one book here, asked for by kind, because a question without a
kind was answered differently over the years. Settings are asked for by contract: the list of legs
leaves flat ones out, and only a contract's own rows prove the position mode.
"""

from collections.abc import Sequence
from typing import Final

from bot.domain.account import AccountState, MarginMode
from bot.domain.errors import VenueDataInvalid, VenueRefused
from bot.domain.units import NS_PER_S, ZERO
from bot.ports import Clock
from bot.venue import fields
from bot.venue.bybit import parse
from bot.venue.bybit.answers import Questions
from bot.venue.caller import Params
from bot.venue.fields import Row
from bot.venue.profiles import bybit
from bot.venue.together import together

SETTINGS_S: Final = 30.0
KINDS: Final = ("Order", "StopOrder")
STRANGERS: Final[tuple[Params, ...]] = (
    {"category": "linear", "settleCoin": "USDC"},
    {"category": "inverse"},
)
"""Contracts that are not driven here, but would share the wallet with those that are."""
OPTIONS: Final[Params] = {"category": "option"}
ALL: Final[Params] = {"category": bybit.CATEGORY, "settleCoin": bybit.SETTLE}


class BybitReader:
    """Reads one account through one caller; remembers only its settings."""

    def __init__(self, questions: Questions, clock: Clock, symbols: Sequence[str]) -> None:
        self._ask = questions
        self._clock = clock
        self._symbols = symbols
        self._settings_at_ns: int | None = None
        self._mode: MarginMode | None = None
        self._hedged: bool | None = None
        self._leverages: dict[str, int] = {}

    def forget(self) -> None:
        """Read the settings afresh next time: they may have changed."""
        self._settings_at_ns = None

    def note(self, symbol: str) -> None:
        """Take note of a symbol with orders; all of them are read each time here."""

    @property
    def hedged(self) -> bool | None:
        """The position mode as last proven; None before the first reading."""
        return self._hedged

    @property
    def mode(self) -> MarginMode | None:
        """The margin mode of the account; None before the first reading."""
        return self._mode

    async def is_hedged(self) -> bool:
        """Return the position mode, asking when it was not proven lately."""
        await self._read_settings()
        return bool(self._hedged)

    async def read(self) -> AccountState:
        """Return the account; `event_ns` is the venue's time when the reading began.

        Raises:
            VenueError: anything could not be read; nothing is ever assumed empty.
        """
        caller = self._ask.caller
        await caller.settle_clock(lane=self._ask.lane)
        began_ns = caller.venue_now_ns()
        await self._read_settings()
        wallet, held, plain, waiting = await together(
            self._wallet(),
            self._ask.rows(bybit.POSITIONS, {**ALL, "limit": bybit.POSITIONS_MAX}),
            *(
                self._ask.rows(
                    bybit.OPEN_ORDERS, {**ALL, "orderFilter": kind, "limit": bybit.PAGE_MAX}
                )
                for kind in KINDS
            ),
        )
        legs = [leg for leg in (parse.position(row, self._mode) for row in held) if leg is not None]
        self._prove(held)
        for leg in legs:
            if leg.leverage is not None:
                self._leverages[leg.symbol] = leg.leverage
        names = {bybit.unified(fields.text(row, "symbol", "position")) for row in held}
        modes = {symbol: self._mode for symbol in (*self._symbols, *names) if self._mode}
        orders = {state.venue_order_id: state for state in map(parse.order, (*plain, *waiting))}
        wallet_usd = parse.wallet_usd(wallet[0])
        if wallet_usd is None:
            raise VenueDataInvalid(f"wallet: no {bybit.SETTLE} is told; the account needs some")
        return AccountState(
            wallet_usd=wallet_usd,
            positions=tuple(legs),
            orders=tuple(state for state in orders.values() if state.status.is_live),
            event_ns=began_ns,
            hedge_mode=bool(self._hedged),
            margin_modes=modes,
            leverages=dict(self._leverages),
        )

    async def _wallet(self) -> list[Row]:
        rows = await self._ask.rows(bybit.WALLET, {"accountType": "UNIFIED"})
        if not rows:
            raise VenueDataInvalid("wallet-balance: no unified account behind this key")
        return rows

    async def _strangers(self) -> list[Row]:
        """Return nothing; refuse an account that holds what the house does not see."""
        pages = await together(
            *(self._ask.rows(bybit.POSITIONS, other) for other in STRANGERS), self._options()
        )
        for row in (row for page in pages for row in page):
            if fields.amount(row, "size", "position") > ZERO:
                name = fields.text(row, "symbol", "position")[:40]
                raise VenueDataInvalid(
                    f"position {name} shares this account's margin: only USDT perpetuals are "
                    "supported; close it or move it to another account"
                )
        return []

    async def _options(self) -> list[Row]:
        """Return option positions; none where a key without the right to options is refused."""
        try:
            return await self._ask.rows(bybit.POSITIONS, OPTIONS)
        except VenueRefused:
            return []

    async def _info(self) -> list[Row]:
        return [await self._ask.result(bybit.ACCOUNT_INFO, {})]

    async def _read_settings(self) -> None:
        at_ns = self._settings_at_ns
        now_ns = self._clock.monotonic_ns()
        if at_ns is not None and now_ns - at_ns < int(SETTINGS_S * NS_PER_S):
            return
        info, *pages = await together(
            self._info(),
            *(
                self._ask.rows(
                    bybit.POSITIONS,
                    {"category": bybit.CATEGORY, "symbol": bybit.contract_of(symbol)},
                )
                for symbol in self._symbols
            ),
            self._strangers(),
        )
        self._mode = _margin_mode(info[0])
        rows = [row for page in pages for row in page]
        self._prove(rows)
        self._leverages = {}
        for row in rows:
            setting = parse.leverage(row)
            if setting is not None:
                self._leverages[bybit.unified(fields.text(row, "symbol", "position"))] = setting
        self._settings_at_ns = now_ns

    def _prove(self, rows: Sequence[Row]) -> None:
        """Learn the position mode from rows of legs; contracts that differ are refused."""
        if not rows:
            return
        named = {fields.choice(row, "positionIdx", bybit.LEGS, "position") for row in rows}
        if None in named and len(named) > 1:
            raise VenueDataInvalid(
                "position mode differs between contracts: set one-way or hedge mode for all of "
                "USDT perpetuals"
            )
        self._hedged = None not in named


def _margin_mode(info: Row) -> MarginMode:
    word = fields.text(info, "marginMode", "account info")
    mode = bybit.MARGIN_MODES.get(word)
    if mode is None:
        raise VenueDataInvalid(
            f"account is in {word[:30]}: margin cannot be computed; switch the unified account to "
            "cross (REGULAR_MARGIN) or isolated margin"
        )
    return mode
