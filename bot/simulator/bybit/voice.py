"""Tells one account its events on Bybit's private topics: order, execution, position, wallet."""

from collections.abc import Sequence

from bot.domain.account import IncomeRow, PositionState
from bot.domain.messages import Event, Fill, OrderUpdate, PositionUpdate, WalletUpdate
from bot.domain.orders import OrderState
from bot.domain.units import ZERO
from bot.simulator.binance.account_rows import read_leg
from bot.simulator.binance.numbers import money_text, ms
from bot.simulator.binance.world import Say, World
from bot.simulator.bybit.rest_account import LEVERAGE_UNSET, funding_row
from bot.simulator.bybit.shown import execution_row, leg_row, order_row, parent_of, wallet_row
from bot.simulator.bybit.words import Row


def bybit_voice(world: World, account_id: str) -> Say:
    """Return what tells an account a batch of its events."""
    return Voice(world, account_id).say


class Voice:
    """Speaks for one account."""

    def __init__(self, world: World, account_id: str) -> None:
        self._world = world
        self._account_id = account_id
        self._messages = 0

    def say(self, events: Sequence[Event]) -> None:
        """Tell every event; legs and wallet after the executions that changed them."""
        legs: dict[tuple[str, str], PositionState] = {}
        wallet_ns = 0
        for event in events:
            match event:
                case OrderUpdate():
                    self._order(event.order)
                case Fill():
                    self._fill(event)
                case PositionUpdate():
                    leg = event.position
                    key = (leg.symbol, leg.side if leg.hedged else "")
                    before = legs.get(key)
                    # a turned position is told as what it is now, not as what it was
                    if before is None or leg.qty > ZERO or before.qty == ZERO:
                        legs[key] = leg
                case WalletUpdate():
                    wallet_ns = event.event_ns
                    if event.cause == "FUNDING_FEE":
                        self._funding(event)
                case _:
                    continue
        for leg in legs.values():
            self._leg(leg)
        if wallet_ns:
            row = wallet_row(self._world.reading(self._account_id))
            self._tell("wallet", wallet_ns, row)

    def _order(self, state: OrderState) -> None:
        record = self._world.records(self._account_id).note(state)
        if parent_of(state):
            return  # told under its parent's id
        self._tell("order", state.event_ns, order_row(record, self._world.venue_id(state.symbol)))

    def _fill(self, fill: Fill) -> None:
        records = self._world.records(self._account_id)
        row = execution_row(fill, records, self._world.venue_id(fill.symbol))
        row["execPnl"] = money_text(fill.realized_pnl_usd)
        self._tell("execution", fill.event_ns, row)

    def _funding(self, event: WalletUpdate) -> None:
        """Tell the newest payments as executions; the wallet's own message does not say why."""
        rows = self._world.exchange.income(self._account_id, event.event_ns)
        paid = [row for row in rows if row.kind == "FUNDING_FEE"]
        wanted = [row for row in paid if row.amount == event.change_usd][:1]
        for row in wanted:
            self._paid(row)

    def _paid(self, row: IncomeRow) -> None:
        told = funding_row(row, self._world.venue_id(row.symbol))
        self._tell("execution", row.event_ns, told)

    def _leg(self, leg: PositionState) -> None:
        account = self._world.exchange.account(self._account_id)
        leverage = account.leverages.get(leg.symbol, LEVERAGE_UNSET)
        reading = read_leg(leg, self._world.contract(leg.symbol), leverage)
        row = leg_row(self._world, self._account_id, leg, reading, leverage, streamed=True)
        self._tell("position", leg.event_ns, row)

    def _tell(self, topic: str, event_ns: int, row: Row) -> None:
        self._messages += 1
        frame = {
            "id": f"{self._account_id}-{topic}-{self._messages}",
            "topic": topic,
            "creationTime": ms(event_ns),
            "data": [row],
        }
        self._world.hub.publish_private(topic, self._account_id, topic, frame)
