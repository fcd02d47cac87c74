"""An exchange that writes down what goes in before it acts on it, and can live through it again."""

from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal

from typing_extensions import override

from bot.domain.account import MarginMode
from bot.domain.instrument import Instrument
from bot.domain.orders import OrderState, PositionSide
from bot.simulator import inputs
from bot.simulator.exchange import Exchange, ExchangeRefused, FillModel
from bot.simulator.funding import schedule
from bot.simulator.inputs import Input, InputLog
from bot.simulator.terms import MarketTick, OrderRequest


class RecordedExchange(Exchange):
    """The exchange of the embedded venue; `log` holds what has yet to reach the disk."""

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        fill_model: FillModel,
        funding_interval_s: int = 28_800,
    ) -> None:
        super().__init__(instruments, fill_model=fill_model, funding_interval_s=funding_interval_s)
        self.log = InputLog()

    @override
    def open_account(
        self, account_id: str, wallet_usd: Decimal, *, hedge_mode: bool = False
    ) -> None:
        self.log.add(inputs.Opened(account_id, wallet_usd, hedge_mode))
        super().open_account(account_id, wallet_usd, hedge_mode=hedge_mode)

    @override
    def deposit(self, account_id: str, amount_usd: Decimal) -> None:
        self.log.add(inputs.Deposited(account_id, amount_usd))
        super().deposit(account_id, amount_usd)

    @override
    def submit(self, account_id: str, request: OrderRequest) -> OrderState:
        self.log.add(inputs.Submitted(account_id, request))
        return super().submit(account_id, request)

    @override
    def cancel(
        self,
        account_id: str,
        symbol: str,
        *,
        client_order_id: str | None = None,
        venue_order_id: str | None = None,
        conditional: bool,
    ) -> OrderState:
        entry = inputs.Cancelled(account_id, symbol, client_order_id, venue_order_id, conditional)
        self.log.add(entry)
        return super().cancel(
            account_id,
            symbol,
            client_order_id=client_order_id,
            venue_order_id=venue_order_id,
            conditional=conditional,
        )

    @override
    def cancel_all(self, account_id: str, symbol: str, *, conditional: bool) -> list[OrderState]:
        self.log.add(inputs.AllCancelled(account_id, symbol, conditional))
        return super().cancel_all(account_id, symbol, conditional=conditional)

    @override
    def set_leverage(self, account_id: str, symbol: str, leverage: int) -> None:
        self.log.add(inputs.LeverageSet(account_id, symbol, leverage))
        super().set_leverage(account_id, symbol, leverage)

    @override
    def set_margin_mode(self, account_id: str, symbol: str, mode: MarginMode) -> None:
        self.log.add(inputs.MarginModeSet(account_id, symbol, mode))
        super().set_margin_mode(account_id, symbol, mode)

    @override
    def set_hedge_mode(self, account_id: str, hedge_mode: bool) -> None:
        self.log.add(inputs.HedgeModeSet(account_id, hedge_mode))
        super().set_hedge_mode(account_id, hedge_mode)

    @override
    def add_margin(
        self, account_id: str, symbol: str, side: PositionSide, amount_usd: Decimal
    ) -> None:
        self.log.add(inputs.MarginAdded(account_id, symbol, side, amount_usd))
        super().add_margin(account_id, symbol, side, amount_usd)

    @override
    def apply(self, tick: MarketTick) -> None:
        self.log.add_tick(tick)
        super().apply(tick)

    @override
    def advance(self, now_ns: int) -> None:
        self.log.pass_time(now_ns)
        super().advance(now_ns)

    @override
    def stick_triggering(self, symbol: str, on: bool) -> None:
        if on is not self.is_sticking(symbol):
            self.log.add(inputs.TriggersStuck(symbol, on))
        super().stick_triggering(symbol, on)

    def resume(self, now_ns: int) -> None:
        """Take up time again after the venue was closed: what would have been due is not owed."""
        ledger = self._book.ledger
        ledger.now_ns = max(ledger.now_ns, now_ns)
        for market in ledger.markets.values():
            if market.next_funding_ns and market.next_funding_ns <= now_ns:
                schedule(market, now_ns)

    def is_sticking(self, symbol: str) -> bool:
        """Tell whether triggered orders of the symbol hang."""
        return symbol in self._book.ledger.stuck


def live_again(exchange: Exchange, entry: Input) -> None:
    """Let an input happen once more; what was refused then is refused again."""
    with suppress(ExchangeRefused):
        _happen(exchange, entry)


def _happen(exchange: Exchange, entry: Input) -> None:
    match entry:
        case inputs.Ticked(tick):
            exchange.apply(tick)
        case inputs.Advanced(now_ns):
            exchange.advance(now_ns)
        case inputs.Submitted(account_id, request):
            exchange.submit(account_id, request)
        case inputs.Cancelled(account_id, symbol, own_id, venue_id, conditional):
            exchange.cancel(
                account_id,
                symbol,
                client_order_id=own_id,
                venue_order_id=venue_id,
                conditional=conditional,
            )
        case inputs.AllCancelled(account_id, symbol, conditional):
            exchange.cancel_all(account_id, symbol, conditional=conditional)
        case inputs.TriggersStuck(symbol, on):
            exchange.stick_triggering(symbol, on)
        case inputs.ListenKeySet():
            return
        case _:
            _change_account(exchange, entry)


def _change_account(exchange: Exchange, entry: Input) -> None:
    match entry:
        case inputs.Opened(account_id, wallet_usd, hedge_mode):
            exchange.open_account(account_id, wallet_usd, hedge_mode=hedge_mode)
        case inputs.Deposited(account_id, amount_usd):
            exchange.deposit(account_id, amount_usd)
        case inputs.LeverageSet(account_id, symbol, leverage):
            exchange.set_leverage(account_id, symbol, leverage)
        case inputs.MarginModeSet(account_id, symbol, mode):
            exchange.set_margin_mode(account_id, symbol, mode)
        case inputs.HedgeModeSet(account_id, hedge_mode):
            exchange.set_hedge_mode(account_id, hedge_mode)
        case inputs.MarginAdded(account_id, symbol, side, amount_usd):
            exchange.add_margin(account_id, symbol, side, amount_usd)
        case _:
            raise AssertionError(f"an input that nobody lives through: {entry!r}")
