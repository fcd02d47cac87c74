"""The exchange's whole state, its ids, its outbox, and the record of every change of money."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from bot.domain.account import IncomeRow, PositionState
from bot.domain.errors import DataInvalid
from bot.domain.instrument import Instrument
from bot.domain.messages import Event, OrderUpdate, PositionUpdate, WalletUpdate
from bot.domain.orders import OrderStatus
from bot.domain.units import ZERO
from bot.simulator.accounts import HISTORY_MAX, Account, Leg, Order, Shelf
from bot.simulator.fills import FillModel
from bot.simulator.margin import Brackets, joint_price, single_price
from bot.simulator.market import MarketState
from bot.simulator.terms import ExchangeRefused

ASSET: Final = "USDT"
_ADL_STEPS: Final = (0.0, 0.25, 0.5, 1.0)
_LIQ_STEP: Final = Decimal("0.00000001")


class Ledger(msgspec.Struct, kw_only=True):
    """What survives a restart of the venue, as one value."""

    accounts: dict[str, Account] = {}
    markets: dict[str, MarketState] = {}
    outbox: list[tuple[str, Event]] = []
    now_ns: int = 0
    sequence: int = 1_000_000
    chance: int = 0
    liquidations: int = 0
    stuck: dict[str, bool] = {}
    """Symbols whose triggered orders hang in TRIGGERING: a fault, switched from outside."""


class Book:
    """The ledger with what the constructor brings: contracts, tiers, the fill model.

    `generation` rises with every change that may move a trigger, so that cached price bands
    know they are old.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        fill_model: FillModel,
        funding_interval_s: int,
        liquidation_fee_frac: float,
    ) -> None:
        self.instruments = {i.symbol: i for i in instruments}
        self.brackets = {i.symbol: Brackets(i) for i in instruments}
        self.fill_model = fill_model
        self.liquidation_fee = Decimal(repr(liquidation_fee_frac))
        self.generation = 1
        self.ledger = Ledger()
        for i in instruments:
            self.ledger.markets[i.symbol] = MarketState(
                symbol=i.symbol, tick=i.tick, lot=i.lot, funding_interval_s=funding_interval_s
            )

    def account(self, account_id: str) -> Account:
        """Return an account; refused when it was never opened."""
        found = self.ledger.accounts.get(account_id)
        if found is None:
            raise ExchangeRefused(-2015, "Invalid API-key, IP, or permissions for action.")
        return found

    def market(self, symbol: str) -> MarketState:
        """Return a market; refused when the exchange does not list it."""
        found = self.ledger.markets.get(symbol)
        if found is None:
            raise ExchangeRefused(-1121, "Invalid symbol.")
        return found

    def next_id(self) -> int:
        """Return a number never given before: orders, executions and ledger rows share it."""
        self.ledger.sequence += 1
        return self.ledger.sequence

    def emit(self, account: Account | None, event: Event) -> None:
        """Put an event into the outbox; None makes it public."""
        self.ledger.outbox.append((account.account_id if account else "", event))

    # ------------------------------------------------------------------ money

    def pay(
        self, account: Account, amount_usd: Decimal, kind: str, symbol: str = "", info: str = ""
    ) -> None:
        """Change the wallet and write the ledger row: the only place where a wallet changes."""
        if amount_usd == ZERO:
            return
        account.wallet_usd = (account.wallet_usd + amount_usd) or ZERO
        row = IncomeRow(
            income_id=str(self.next_id()),
            kind=kind,
            asset=ASSET,
            amount=amount_usd,
            event_ns=self.ledger.now_ns,
            symbol=symbol,
            info=info,
        )
        account.rows.append(row)
        if len(account.rows) > HISTORY_MAX:
            del account.rows[0]
        self.generation += 1

    def cover_shortfall(self, account: Account, symbol: str) -> None:
        """Let the insurance fund lift a negative cross wallet to zero.

        It does so only when no cross position stands behind the debt: before that, liquidation
        comes first.
        """
        debt = account.cross_wallet_usd()
        if debt < ZERO and not any(not account.is_isolated(x.symbol) for x in account.held()):
            self.pay(account, -debt, "INSURANCE_CLEAR", symbol, "shortfall")

    # ------------------------------------------------------------------ telling

    def tell_order(self, account: Account, order: Order) -> None:
        """Emit the order as it stands."""
        now = self.ledger.now_ns
        self.emit(account, OrderUpdate(now, now, order.state()))

    def tell_leg(self, account: Account, leg: Leg, cause: str) -> None:
        """Emit the leg as it stands."""
        now = self.ledger.now_ns
        self.emit(account, PositionUpdate(now, now, self.position(account, leg), cause))

    def tell_wallet(self, account: Account, before_usd: Decimal, cause: str) -> None:
        """Emit the wallet with its change since `before_usd`."""
        now, after = self.ledger.now_ns, account.wallet_usd
        self.emit(account, WalletUpdate(now, now, after, after - before_usd, cause))

    def end_order(
        self, account: Account, order: Order, status: OrderStatus, reason: str = ""
    ) -> None:
        """Close an order's life and tell it."""
        order.status = status
        order.reason = reason or order.reason
        order.event_ns = self.ledger.now_ns
        account.shelf(conditional=order.request.kind.is_conditional).end(order)
        self.generation += 1
        self.tell_order(account, order)

    # ------------------------------------------------------------------ reading

    def position(self, account: Account, leg: Leg) -> PositionState:
        """Return a leg as the venue tells it."""
        isolated = account.is_isolated(leg.symbol)
        liq = self.liquidation_price(account, leg) if leg.qty else None
        return PositionState(
            symbol=leg.symbol,
            side=leg.side,
            qty=leg.qty,
            entry_price=leg.entry_price,
            margin_mode=account.mode(leg.symbol),
            event_ns=leg.event_ns,
            hedged=account.hedge_mode,
            leverage=account.leverage(leg.symbol),
            isolated_margin_usd=leg.isolated_usd if isolated else None,
            venue_liq_price=liq,
            adl_rank=self._adl_rank(account, leg) if leg.qty else None,
        )

    def _adl_rank(self, account: Account, leg: Leg) -> int:
        """Return 0 (last in the queue) to 4 by profit on the margin the leg needs."""
        mark = self.ledger.markets[leg.symbol].mark
        margin = abs(leg.size) * mark / account.leverage(leg.symbol)
        gain = leg.unrealised(mark) / margin if margin else 0.0
        return sum(gain > step for step in _ADL_STEPS)

    def liquidation_price(self, account: Account, leg: Leg) -> Decimal | None:
        """Return the price at which this leg is liquidated, other symbols standing still."""
        brackets = self.brackets[leg.symbol]
        if account.is_isolated(leg.symbol):
            price = single_price(
                brackets, leg.side.sign, leg.qty, leg.entry_price, leg.isolated_usd
            )
        else:
            legs = [(x.side.sign, x.qty, x.entry_price) for x in account.held(leg.symbol)]
            mark = Decimal(repr(self.ledger.markets[leg.symbol].mark))
            price = joint_price(brackets, legs, self._cushion_usd(account, leg.symbol), mark)
        return price.quantize(_LIQ_STEP) if price is not None else None

    def _cushion_usd(self, account: Account, symbol: str) -> Decimal:
        """Return cross wallet plus other symbols' profit less their maintenance margin."""
        cushion = account.cross_wallet_usd()
        for leg in account.held():
            if leg.symbol == symbol or account.is_isolated(leg.symbol):
                continue
            mark = Decimal(repr(self.ledger.markets[leg.symbol].mark))
            cushion += leg.profit_usd(mark, leg.qty)
            cushion -= self.brackets[leg.symbol].maintenance_usd(mark * leg.qty)
        return cushion

    # ------------------------------------------------------------------ surviving

    def open_account(self, account_id: str, *, hedge_mode: bool) -> Account:
        """Create an empty account, or return the one that is there."""
        found = self.ledger.accounts.get(account_id)
        if found is None:
            found = Account(
                account_id=account_id, hedge_mode=hedge_mode, orders=Shelf(), stops=Shelf()
            )
            self.ledger.accounts[account_id] = found
        return found

    def to_bytes(self) -> bytes:
        """Return the ledger as bytes."""
        self.ledger.chance = self.fill_model.state
        return msgspec.msgpack.encode(self.ledger)

    def restore(self, data: bytes) -> None:
        """Take over a ledger written by `to_bytes`.

        Raises:
            DataInvalid: the bytes are no ledger, or it lacks a market listed now.
        """
        try:
            ledger = msgspec.msgpack.decode(data, type=Ledger)
        except (msgspec.DecodeError, ValueError) as error:
            raise DataInvalid(f"the venue's book cannot be read: {error}; remove it") from None
        missing = sorted(self.instruments.keys() - ledger.markets.keys())
        for symbol in missing:
            ledger.markets[symbol] = self.ledger.markets[symbol]
        self.ledger = ledger
        self.fill_model.state = ledger.chance
        self.generation += 1
