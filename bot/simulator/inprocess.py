"""The exchange as a Venue without a wire: one account, driven by replay and simulation."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, TypeVar

from bot.domain.account import AccountState, IncomeRow
from bot.domain.errors import VenueDataInvalid, VenueRefused
from bot.domain.instrument import Instrument
from bot.domain.market import Candle, OpenInterest
from bot.domain.messages import Event, Fill
from bot.domain.orders import ApprovedOrder, OrderKind, OrderState, PositionSide, TimeInForce
from bot.domain.units import ZERO
from bot.ports import Clock, KeyPermissions
from bot.simulator.exchange import Exchange, ExchangeRefused, OrderRequest

History = Callable[[str, int, int, int], Sequence[Candle]]
"""(symbol, timeframe_s, since_ns, limit) -> closed bars, oldest first."""
NAME: Final = "embedded"
T = TypeVar("T")


def to_request(order: ApprovedOrder) -> OrderRequest:
    """Return the request that a client would send for an approved order.

    In hedge mode the leg says what reduces; the flag must not be sent. closePosition carries
    neither quantity nor flag.
    """
    close = order.close_position
    limit = order.kind is OrderKind.LIMIT
    return OrderRequest(
        symbol=order.symbol,
        side=order.side,
        kind=order.kind,
        qty=ZERO if close else order.qty,
        client_order_id=order.client_order_id,
        price=order.price if limit else None,
        trigger_price=order.trigger_price if order.kind.is_conditional else None,
        trigger_by=order.trigger_by,
        time_in_force=order.time_in_force if limit else TimeInForce.GTC,
        reduce_only=order.reduce_only and not order.hedged and not close,
        close_position=close,
        position_side=order.position_side if order.hedged else None,
    )


def _no_history(_symbol: str, _timeframe_s: int, _since_ns: int, _limit: int) -> Sequence[Candle]:
    return ()


class InProcessVenue:
    """bot.ports.Venue over an exchange; every async method has a twin named `..._now`.

    Refusals become VenueRefused with the exchange's number as text. Nothing here waits, so no
    method needs a deadline, and no outcome is ever unknown.
    """

    name = NAME

    def __init__(
        self,
        exchange: Exchange,
        account_id: str,
        clock: Clock,
        *,
        history: History = _no_history,
    ) -> None:
        self.exchange = exchange
        self.account_id = account_id
        self._clock = clock
        self._history = history

    # ------------------------------------------------------------------ at once

    def instruments_now(self, symbols: Sequence[str]) -> tuple[Instrument, ...]:
        """Return the contracts of `symbols`."""
        return self._ask(lambda: tuple(self.exchange.instrument(s) for s in symbols))

    def account_now(self) -> AccountState:
        """Return wallet, positions and both order books."""
        return self._ask(lambda: self.exchange.account(self.account_id))

    def submit_now(self, order: ApprovedOrder) -> OrderState:
        """Send one order and return it as it then stands."""
        return self._ask(lambda: self.exchange.submit(self.account_id, to_request(order)))

    def cancel_now(self, symbol: str, client_order_id: str, *, conditional: bool) -> OrderState:
        """Cancel one open order and return its last state."""
        return self._ask(
            lambda: self.exchange.cancel(
                self.account_id, symbol, client_order_id=client_order_id, conditional=conditional
            )
        )

    def order_now(
        self, symbol: str, client_order_id: str, *, conditional: bool
    ) -> OrderState | None:
        """Return one order by its client id, or None."""
        return self._ask(
            lambda: self.exchange.order(
                self.account_id, symbol, client_order_id=client_order_id, conditional=conditional
            )
        )

    def add_margin_now(self, symbol: str, side: PositionSide, amount_usd: Decimal) -> None:
        """Add isolated margin (USD) to a position."""
        self._ask(lambda: self.exchange.add_margin(self.account_id, symbol, side, amount_usd))

    def set_leverage_now(self, symbol: str, leverage: int) -> None:
        """Set the leverage of a symbol."""
        self._ask(lambda: self.exchange.set_leverage(self.account_id, symbol, leverage))

    def income_now(self, since_ns: int) -> tuple[IncomeRow, ...]:
        """Return ledger rows since `since_ns`, oldest first."""
        return tuple(self._ask(lambda: self.exchange.income(self.account_id, since_ns)))

    def events_now(self) -> list[Event]:
        """Take what happened to this account, and in public, since the last call."""
        mine = ("", self.account_id)
        return [event for owner, event in self.exchange.drain() if owner in mine]

    def _ask(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except ExchangeRefused as refused:
            raise VenueRefused(refused.message, code=str(refused.code)) from None

    # ------------------------------------------------------------------ bot.ports.Venue

    async def instruments(self, symbols: Sequence[str]) -> tuple[Instrument, ...]:
        """Return the contracts of `symbols`."""
        return self.instruments_now(symbols)

    async def account(self) -> AccountState:
        """Return wallet, positions and both order books."""
        return self.account_now()

    async def submit(self, order: ApprovedOrder) -> OrderState:
        """Send one order."""
        return self.submit_now(order)

    async def cancel(
        self,
        symbol: str,
        client_order_id: str,
        *,
        conditional: bool,
        protecting: bool,  # noqa: ARG002 - there is no lane to choose
    ) -> None:
        """Cancel one open order."""
        self.cancel_now(symbol, client_order_id, conditional=conditional)

    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool
    ) -> OrderState | None:
        """Return one order by its client id, or None."""
        return self.order_now(symbol, client_order_id, conditional=conditional)

    async def fills(self, symbol: str, since_ns: int) -> tuple[Fill, ...]:
        """Read executions of one symbol since `since_ns`, oldest first."""
        return self._ask(lambda: tuple(self.exchange.trades(self.account_id, symbol, since_ns)))

    async def add_margin(self, symbol: str, side: PositionSide, amount_usd: Decimal) -> None:
        """Add isolated margin (USD) to a position."""
        self.add_margin_now(symbol, side, amount_usd)

    async def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set the leverage of a symbol."""
        self.set_leverage_now(symbol, leverage)

    async def candles(
        self, symbol: str, timeframe_s: int, since_ns: int, limit: int
    ) -> tuple[Candle, ...]:
        """Return closed bars of the history given at construction."""
        return tuple(self._history(symbol, timeframe_s, since_ns, limit))

    async def open_interest(self, symbol: str) -> OpenInterest:
        """Return open interest in coins.

        Raises:
            VenueDataInvalid: no tick has told any yet.
        """
        market = self._ask(lambda: self.exchange.market(symbol))
        if market.open_interest_qty <= 0.0:
            raise VenueDataInvalid(f"{symbol}: the market path tells no open interest")
        now = self._clock.now_ns()
        return OpenInterest(symbol, market.event_ns, now, NAME, market.open_interest_qty)

    async def income(self, since_ns: int) -> tuple[IncomeRow, ...]:
        """Return ledger rows since `since_ns`, oldest first."""
        return self.income_now(since_ns)

    async def clock_skew_ns(self) -> int:
        """Return 0: there is one clock."""
        return 0

    async def key_permissions(self) -> KeyPermissions:
        """Return what an account without a wire may do."""
        return KeyPermissions(can_trade=True, can_withdraw=False, ip_restricted=None)

    async def close(self) -> None:
        """Release nothing."""
