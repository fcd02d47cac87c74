"""The embedded exchange: accounts, orders and one market path, without I/O and without a clock."""

import math
from collections.abc import Sequence
from decimal import Decimal

from bot.domain.account import MarginMode
from bot.domain.errors import DataInvalid
from bot.domain.instrument import Instrument
from bot.domain.messages import Event
from bot.domain.orders import OrderState, OrderStatus, PositionSide
from bot.domain.units import ZERO
from bot.simulator import settings
from bot.simulator.accounts import Account, money
from bot.simulator.book import Book
from bot.simulator.conditional import submit_conditional
from bot.simulator.fills import BarModel, DepthModel, FillModel
from bot.simulator.filters import check
from bot.simulator.funding import schedule, settle_due
from bot.simulator.liquidation import cross_unsafe, deleverage
from bot.simulator.margin import Brackets
from bot.simulator.market import MarketState
from bot.simulator.matching import submit_plain
from bot.simulator.readings import Readings
from bot.simulator.terms import ExchangeRefused, MarketTick, OrderRequest, unknown_order
from bot.simulator.walk import Band, walk

__all__ = [
    "BarModel",
    "DepthModel",
    "Exchange",
    "ExchangeRefused",
    "FillModel",
    "MarketState",
    "MarketTick",
    "OrderRequest",
]


class Exchange(Readings):
    """A pure state machine: what goes in decides what comes out of `drain`, to the last digit.

    It knows no time but the `event_ns` of `apply` and the argument of `advance`. Refusals are
    `ExchangeRefused` with Binance's number. Emitted events carry received_ns equal to event_ns.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        fill_model: FillModel,
        funding_interval_s: int = 28_800,
        liquidation_fee_frac: float = 0.0125,
    ) -> None:
        super().__init__(Book(instruments, fill_model, funding_interval_s, liquidation_fee_frac))
        self._bands: dict[str, Band] = {}

    # ------------------------------------------------------------------ accounts

    def open_account(
        self, account_id: str, wallet_usd: Decimal, *, hedge_mode: bool = False
    ) -> None:
        """Open an account with `wallet_usd` paid in; one that is open already is left alone."""
        if account_id in self._book.ledger.accounts:
            return
        account = self._book.open_account(account_id, hedge_mode=hedge_mode)
        if wallet_usd > ZERO:
            self._book.pay(account, money(wallet_usd), "TRANSFER")

    def deposit(self, account_id: str, amount_usd: Decimal) -> None:
        """Pay USD in, or out when negative; refused when more than is free would leave."""
        settings.transfer(self._book, self._book.account(account_id), amount_usd)

    # ------------------------------------------------------------------ orders

    def submit(self, account_id: str, request: OrderRequest) -> OrderState:
        """Take an order, match it, and return it as it then stands.

        Raises:
            ExchangeRefused: the order does not exist; `code` says why.
        """
        account = self._book.account(account_id)
        market = self._book.market(request.symbol)
        check(account, self._book.instruments[request.symbol], market, request)
        if request.kind.is_conditional:
            return submit_conditional(self._book, account, request).state()
        order = submit_plain(self._book, account, request)
        self._probe(account)
        return order.state()

    def cancel(
        self,
        account_id: str,
        symbol: str,
        *,
        client_order_id: str | None = None,
        venue_order_id: str | None = None,
        conditional: bool,
    ) -> OrderState:
        """Cancel an open order by either id; ExchangeRefused -2011 when none is open."""
        account = self._book.account(account_id)
        self._book.market(symbol)
        order = account.shelf(conditional=conditional).find(symbol, client_order_id, venue_order_id)
        if order is None or not order.status.is_live:
            raise unknown_order()
        self._book.end_order(account, order, OrderStatus.CANCELLED)
        return order.state()

    def cancel_all(self, account_id: str, symbol: str, *, conditional: bool) -> list[OrderState]:
        """Cancel every open order of a symbol in one of the two books; return them."""
        account = self._book.account(account_id)
        self._book.market(symbol)
        live = list(account.shelf(conditional=conditional).live.values())
        mine = [order for order in live if order.request.symbol == symbol]
        for order in mine:
            self._book.end_order(account, order, OrderStatus.CANCELLED)
        return [order.state() for order in mine]

    # ------------------------------------------------------------------ settings

    def set_leverage(self, account_id: str, symbol: str, leverage: int) -> None:
        """Set the leverage of a symbol; refused with -4028, -2027, -4161 or -2028."""
        self._book.market(symbol)
        settings.set_leverage(self._book, self._book.account(account_id), symbol, leverage)

    def set_margin_mode(self, account_id: str, symbol: str, mode: MarginMode) -> None:
        """Set the margin mode of a symbol; refused with -4046, -4047 or -4048."""
        self._book.market(symbol)
        settings.set_margin_mode(self._book, self._book.account(account_id), symbol, mode)

    def set_hedge_mode(self, account_id: str, hedge_mode: bool) -> None:  # noqa: FBT001
        """Set one-way or hedge mode; refused with -4059, -4067 or -4068."""
        settings.set_hedge_mode(self._book, self._book.account(account_id), hedge_mode=hedge_mode)

    def add_margin(
        self, account_id: str, symbol: str, side: PositionSide, amount_usd: Decimal
    ) -> None:
        """Move USD from the wallet to an isolated leg, or back when negative."""
        self._book.market(symbol)
        account = self._book.account(account_id)
        settings.add_margin(self._book, account, symbol, side, amount_usd)

    def set_funding_interval(self, symbol: str, interval_s: int) -> None:
        """Change the funding interval (seconds); the next settlement moves accordingly."""
        if interval_s < 1:
            raise DataInvalid(f"{symbol}: a funding interval of {interval_s} s; use 1 or more")
        market = self._book.market(symbol)
        market.funding_interval_s = interval_s
        schedule(market, self._book.ledger.now_ns)

    # ------------------------------------------------------------------ time and market

    def apply(self, tick: MarketTick) -> None:
        """Move one market; orders, stops and liquidations on the way act in its order.

        Raises:
            DataInvalid: a price is not a positive number.
        """
        ledger = self._book.ledger
        market = ledger.markets.get(tick.symbol)
        if market is None:
            raise DataInvalid(f"tick of {tick.symbol}: the exchange does not list it")
        if not (0.0 < tick.last < math.inf and 0.0 < tick.mark < math.inf
                and 0.0 < tick.index < math.inf):  # fmt: skip
            raise DataInvalid(f"tick of {tick.symbol} at {tick.event_ns}: prices must be positive")
        if tick.event_ns >= market.next_funding_ns:
            self._fund(market, tick.event_ns)
        ledger.now_ns = max(ledger.now_ns, tick.event_ns)
        _note(market, tick)
        band = self._bands.get(tick.symbol)
        if band is None or band.generation != self._book.generation:
            band = self._bands[tick.symbol] = Band(self._book, tick.symbol)
        if band.holds(tick) and not self._cross_fails(band, tick):
            market.last, market.mark, market.index = tick.last, tick.mark, tick.index
        else:
            walk(self._book, market, tick)

    def advance(self, now_ns: int) -> None:
        """Let time pass without a price: funding settles where an interval ended."""
        ledger = self._book.ledger
        for market in ledger.markets.values():
            if market.event_ns and now_ns >= market.next_funding_ns:
                self._fund(market, now_ns)
        ledger.now_ns = max(ledger.now_ns, now_ns)

    def adl(
        self, account_id: str, symbol: str, side: PositionSide, qty: Decimal, price: Decimal
    ) -> OrderState:
        """Deleverage a leg: close `qty` of it at `price` whatever the market says (Fill.is_adl)."""
        account = self._book.account(account_id)
        self._book.market(symbol)
        leg = account.leg(symbol, side)
        if not ZERO < qty <= leg.qty:
            raise ExchangeRefused(-2022, "ReduceOnly Order is rejected.")
        return deleverage(self._book, account, leg, qty, price).state()

    def stick_triggering(self, symbol: str, on: bool) -> None:  # noqa: FBT001
        """Let triggered orders of a symbol hang in TRIGGERING for ever (a fault), or no longer.

        Those that hang already stay so until they are cancelled.
        """
        self._book.market(symbol)
        if on:
            self._book.ledger.stuck[symbol] = True
        else:
            self._book.ledger.stuck.pop(symbol, None)

    def fail_triggering(self, account_id: str, symbol: str, reason: str) -> list[OrderState]:
        """End what hangs in TRIGGERING as REJECTED: the venue found no way to send the child."""
        account = self._book.account(account_id)
        self._book.market(symbol)
        hung = [
            order
            for order in account.stops.live.values()
            if order.request.symbol == symbol and order.status is OrderStatus.TRIGGERING
        ]
        for order in hung:
            self._book.end_order(account, order, OrderStatus.REJECTED, reason)
        return [order.state() for order in hung]

    def set_contract(self, contract: Instrument) -> None:
        """Change filters, fees or tiers of a listed contract; orders that rest stay as they are."""
        market = self._book.market(contract.symbol)
        self._book.instruments[contract.symbol] = contract
        self._book.brackets[contract.symbol] = Brackets(contract)
        market.tick, market.lot = contract.tick, contract.lot
        self._book.generation += 1

    @property
    def has_news(self) -> bool:
        """Whether anything happened that was not drained yet."""
        return bool(self._book.ledger.outbox)

    def drain(self) -> list[tuple[str, Event]]:
        """Take what happened since the last call, in order; account "" is public."""
        out = self._book.ledger.outbox
        if out:
            self._book.ledger.outbox = []
        return out

    # ------------------------------------------------------------------ surviving

    def to_bytes(self) -> bytes:
        """Return the whole state, undrained events and the fill model's chance included."""
        return self._book.to_bytes()

    def restore(self, data: bytes) -> None:
        """Take over a state; raises DataInvalid and changes nothing when it cannot be read."""
        self._book.restore(data)
        self._bands.clear()

    # ------------------------------------------------------------------ inside

    def _fund(self, market: MarketState, now_ns: int) -> None:
        if market.next_funding_ns == 0:
            schedule(market, now_ns)
            return
        settle_due(self._book, market, now_ns)
        for account in self._book.ledger.accounts.values():
            self._probe(account)

    def _cross_fails(self, band: Band, tick: MarketTick) -> bool:
        for account in band.cross:
            if cross_unsafe(self._book, account, tick.symbol, tick.mark):
                return True
        return False

    def _probe(self, account: Account) -> None:
        """Look where the account stands after its money or positions changed without a tick."""
        for symbol in {leg.symbol: None for leg in account.held()}:
            market = self._book.ledger.markets[symbol]
            here = MarketTick(
                symbol=symbol,
                event_ns=self._book.ledger.now_ns,
                last=market.last,
                mark=market.mark,
                index=market.index,
            )
            walk(self._book, market, here, orders=False)


def _note(market: MarketState, tick: MarketTick) -> None:
    """Take over what a tick says besides prices."""
    market.event_ns = tick.event_ns
    market.fast = tick.fast
    market.low = tick.low or 0.0
    market.high = tick.high or 0.0
    if tick.funding_frac is not None:
        market.funding_frac = tick.funding_frac
    if tick.open_interest_qty is not None:
        market.open_interest_qty = tick.open_interest_qty
