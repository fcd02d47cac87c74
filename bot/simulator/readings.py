"""What may be asked of the exchange: everything here reads and changes nothing."""

from decimal import Decimal
from typing import Final

from bot.domain.account import AccountState, IncomeRow
from bot.domain.instrument import Instrument
from bot.domain.messages import Fill
from bot.domain.orders import OrderState, PositionSide
from bot.domain.units import ZERO
from bot.simulator import solvency
from bot.simulator.accounts import Leg, Order
from bot.simulator.book import Book
from bot.simulator.fills import DepthModel
from bot.simulator.market import MarketState, depth

_DEPTH_DEFAULT_USD: Final = 200_000.0


class Readings:
    """Questions to the exchange; unknown accounts and symbols are refused."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def account_ids(self) -> tuple[str, ...]:
        """Return the open accounts, oldest first."""
        return tuple(self._book.ledger.accounts)

    def account(self, account_id: str) -> AccountState:
        """Return wallet (isolated margin included), open legs, and the orders of both books."""
        account = self._book.account(account_id)
        symbols = self._book.instruments
        return AccountState(
            wallet_usd=account.wallet_usd,
            positions=tuple(self._book.position(account, leg) for leg in account.held()),
            orders=tuple(
                order.state()
                for shelf in (account.orders, account.stops)
                for order in shelf.live.values()
            ),
            event_ns=self._book.ledger.now_ns,
            hedge_mode=account.hedge_mode,
            margin_modes={s: account.mode(s) for s in symbols},
            leverages={s: account.leverage(s) for s in symbols},
        )

    def order(
        self,
        account_id: str,
        symbol: str,
        *,
        client_order_id: str | None = None,
        venue_order_id: str | None = None,
        conditional: bool,
    ) -> OrderState | None:
        """Return an order, open or ended, by either id; None when the book never saw it."""
        account = self._book.account(account_id)
        self._book.market(symbol)
        order = account.shelf(conditional=conditional).find(symbol, client_order_id, venue_order_id)
        return order.state() if order is not None else None

    def wallet_usd(self, account_id: str) -> Decimal:
        """Return the wallet, isolated margin included."""
        return self._book.account(account_id).wallet_usd

    def is_hedged(self, account_id: str) -> bool:
        """Tell whether the account is in hedge mode."""
        return self._book.account(account_id).hedge_mode

    def legs(self, account_id: str) -> list[Leg]:
        """Return the legs that are held, as the book has them: read them, never write them."""
        return self._book.account(account_id).held()

    def resting(self, account_id: str, *, conditional: bool) -> list[Order]:
        """Return the open orders of one book as it has them: read them, never write them."""
        return list(self._book.account(account_id).shelf(conditional=conditional).live.values())

    @property
    def generation(self) -> int:
        """A number that rises with every change of orders, legs, money or contracts."""
        return self._book.generation

    def open_orders(
        self, account_id: str, symbol: str | None, *, conditional: bool
    ) -> list[OrderState]:
        """Return the open orders of one book, of one symbol or of all, oldest first."""
        live = self._book.account(account_id).shelf(conditional=conditional).live.values()
        return [o.state() for o in live if symbol is None or o.request.symbol == symbol]

    def all_orders(
        self, account_id: str, symbol: str, *, conditional: bool, since_ns: int = 0
    ) -> list[OrderState]:
        """Return kept orders of one book and symbol, ended ones too, oldest first.

        `since_ns` bounds the last change; the history is bounded too, the ids are not.
        """
        shelf = self._book.account(account_id).shelf(conditional=conditional)
        found = sorted([*shelf.ended.values(), *shelf.live.values()], key=lambda o: o.seq)
        return [o.state() for o in found if o.request.symbol == symbol and o.event_ns >= since_ns]

    def trades(self, account_id: str, symbol: str, since_ns: int) -> list[Fill]:
        """Return executions of a symbol at or after `since_ns`, oldest first."""
        trades = self._book.account(account_id).trades
        return [t for t in trades if t.symbol == symbol and t.event_ns >= since_ns]

    def income(self, account_id: str, since_ns: int) -> list[IncomeRow]:
        """Return ledger rows at or after `since_ns`, oldest first; they sum up to the wallet."""
        return [r for r in self._book.account(account_id).rows if r.event_ns >= since_ns]

    @property
    def now_ns(self) -> int:
        """The newest instant the exchange was told."""
        return self._book.ledger.now_ns

    @property
    def liquidations(self) -> int:
        """How many forced executions there were, partial ones counted."""
        return self._book.ledger.liquidations

    def instrument(self, symbol: str) -> Instrument:
        """Return the contract; refused with -1121 when it is not listed."""
        self._book.market(symbol)
        return self._book.instruments[symbol]

    def symbols(self) -> tuple[str, ...]:
        """Return the listed symbols."""
        return tuple(self._book.instruments)

    def market(self, symbol: str) -> MarketState:
        """Return the live state of a market: read it, never write it."""
        return self._book.market(symbol)

    def depth(
        self, symbol: str, levels: int
    ) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """Return (bids, asks) of (price, base quantity), best first, derived and seeded."""
        market, model = self._book.market(symbol), self._book.fill_model
        if isinstance(model, DepthModel):
            return depth(market, levels, model.usd_per_bp(fast=market.fast), model.seed)
        return depth(market, levels, _DEPTH_DEFAULT_USD, 0)

    def equity_usd(self, account_id: str) -> float:
        """Return wallet plus unrealised profit at mark."""
        return solvency.equity_usd(self._book, self._book.account(account_id))

    def position_mark(
        self, account_id: str, symbol: str, side: PositionSide
    ) -> tuple[float, float, float]:
        """Return (base quantity, mark price, unrealised USD) of a leg; quantity 0 when flat."""
        leg = self._book.account(account_id).peek(symbol, side)
        mark = self._book.market(symbol).mark
        return abs(leg.size), mark, leg.unrealised(mark)

    def available_usd(self, account_id: str) -> Decimal:
        """Return what new orders may bind."""
        return solvency.available_usd(self._book, self._book.account(account_id))

    def initial_margin_usd(self, account_id: str) -> tuple[Decimal, Decimal]:
        """Return (bound by positions, bound by open orders) at mark."""
        account = self._book.account(account_id)
        legs = (solvency.initial_usd(self._book, account, x) for x in account.held())
        return sum(legs, ZERO), solvency.order_margin_usd(self._book, account)

    def cross_wallet_usd(self, account_id: str) -> Decimal:
        """Return the wallet without what isolated legs hold."""
        return self._book.account(account_id).cross_wallet_usd()

    def maintenance_usd(
        self, account_id: str, symbol: str | None = None, side: PositionSide | None = None
    ) -> float:
        """Return maintenance margin at mark, of all legs or of those named."""
        legs = self._book.account(account_id).held(symbol)
        return sum(solvency.maintenance_usd(self._book, x) for x in legs if side in (None, x.side))

    def margin_ratio(self, account_id: str) -> float:
        """Return the worst maintenance over equity of the cross side and of isolated legs.

        Liquidation comes at 1; infinite when equity is gone, 0 when flat.
        """
        return solvency.worst_ratio(self._book, self._book.account(account_id))

    def liquidation_price(self, account_id: str, symbol: str, side: PositionSide) -> Decimal | None:
        """Return the price at which a leg is liquidated, or None: flat, or never."""
        leg = self._book.account(account_id).peek(symbol, side)
        return (
            self._book.liquidation_price(self._book.account(account_id), leg) if leg.qty else None
        )
