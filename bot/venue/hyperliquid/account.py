"""Reading the whole account: wallet, positions, open orders, in one consistent answer.

The list of all open orders weighs twenty, a tenth of a minute's limit for six looks. So it is read
whole every `WHOLE_S` and after anything was said about orders; in between each order that is known
is asked for by itself, which weighs two: a stop that vanished is missed at the next look.
"""

from collections.abc import Callable
from typing import Final, cast

from bot.domain.account import AccountState, MarginMode
from bot.domain.orders import OrderState
from bot.domain.units import NS_PER_S
from bot.ports import Clock
from bot.venue import fields
from bot.venue.hyperliquid import parse
from bot.venue.hyperliquid.asking import Asker, Shared
from bot.venue.lanes import Lane
from bot.venue.profiles import hyperliquid as profile
from bot.venue.together import together

WHOLE_S: Final = 10.0
SETTINGS_S: Final = 300.0
ORDERS_ASKED_MAX: Final = 5
"""Above so many known orders one reading of all is cheaper."""


class AccountReader:
    """Reads one account through one caller; remembers only what saves weight."""

    def __init__(
        self,
        asker: Asker,
        shared: Shared,
        clock: Clock,
        lane: Lane,
        symbols: tuple[str, ...],
        on_known: Callable[[OrderState], None],
    ) -> None:
        self._asker = asker
        self._shared = shared
        self._clock = clock
        self._lane = lane
        self._symbols = symbols
        self._on_known = on_known
        self._orders: dict[str, OrderState] = {}
        self._whole_at_ns: int | None = None
        self._settings_at_ns: int | None = None
        self._margin_modes: dict[str, MarginMode] = {}
        self._leverages: dict[str, int] = {}
        self._words = 0

    def forget(self) -> None:
        """Read everything afresh next time: settings may have changed, messages may be lost."""
        self._whole_at_ns = self._settings_at_ns = None
        self._words += 1

    def note(self, symbol: str) -> None:
        """Take note that something was said about orders of `symbol`."""
        del symbol
        self._whole_at_ns = None
        self._words += 1

    async def read(self) -> AccountState:
        """Return the account; `event_ns` is the venue's time when the reading began.

        Raises:
            VenueError: anything could not be read; nothing is ever assumed empty.
        """
        await self._shared.prove(self._asker, self._lane)
        await self._asker.caller.settle_clock(lane=self._lane)
        began_ns = self._asker.caller.venue_now_ns()
        answer, orders = await together(
            self._asker.ask_mine("clearinghouseState", lane=self._lane, endpoint=profile.LIGHT),
            self._open_orders(),
        )
        state = fields.row(answer, "clearinghouseState")
        held = parse.positions(state)
        await self._settings()
        modes, leverages = dict(self._margin_modes), dict(self._leverages)
        for position in held:
            if position.margin_mode is not None:
                modes[position.symbol] = position.margin_mode
            if position.leverage is not None:
                leverages[position.symbol] = position.leverage
        return AccountState(
            wallet_usd=parse.wallet_usd(state),
            positions=held,
            orders=cast(tuple[OrderState, ...], orders),
            event_ns=began_ns,
            hedge_mode=False,
            margin_modes=modes,
            leverages=leverages,
        )

    async def _open_orders(self) -> tuple[OrderState, ...]:
        if not self._is_due(self._whole_at_ns, WHOLE_S) and len(self._orders) <= ORDERS_ASKED_MAX:
            still = await self._known()
            if still is not None:
                return still
        return await self._all()

    async def _known(self) -> tuple[OrderState, ...] | None:
        """Ask for each known order; None when one of them is open no more."""
        answers = await together(
            *(
                self._asker.ask_mine(
                    "orderStatus", lane=self._lane, endpoint=profile.LIGHT, oid=int(oid)
                )
                for oid in self._orders
            )
        )
        states = [parse.order_status(fields.row(each, "orderStatus")) for each in answers]
        alive = [each for each in states if each is not None and each.status.is_live]
        return tuple(alive) if len(alive) == len(self._orders) else None

    async def _all(self) -> tuple[OrderState, ...]:
        words = self._words
        answer = await self._asker.ask_mine("frontendOpenOrders", lane=self._lane)
        orders = parse.open_orders(fields.rows(answer, "frontendOpenOrders"))
        self._orders = {each.venue_order_id: each for each in orders}
        for each in orders:
            self._on_known(each)
        if words == self._words:  # what was said while we read is read again next time
            self._whole_at_ns = self._clock.monotonic_ns()
        return orders

    async def _settings(self) -> None:
        if not self._is_due(self._settings_at_ns, SETTINGS_S):
            return
        answers = await together(
            *(
                self._asker.ask_mine(
                    "activeAssetData", lane=self._lane, coin=profile.coin_of(symbol)
                )
                for symbol in self._symbols
            )
        )
        for symbol, answer in zip(self._symbols, answers, strict=True):
            source = fields.row(answer, "activeAssetData")
            mode, leverage = parse.margin_setting(source.get("leverage"))
            if mode is not None:
                self._margin_modes[symbol] = mode
            if leverage is not None:
                self._leverages[symbol] = leverage
        self._settings_at_ns = self._clock.monotonic_ns()

    def _is_due(self, at_ns: int | None, every_s: float) -> bool:
        return at_ns is None or self._clock.monotonic_ns() - at_ns >= int(every_s * NS_PER_S)
