"""From events of the exchange to frames of an account's own channels."""

from collections.abc import Sequence

from bot.domain.messages import Event, Fill, OrderUpdate, PositionUpdate, WalletUpdate
from bot.domain.orders import OrderStatus
from bot.simulator.hyperliquid import rows
from bot.simulator.hyperliquid.desk import Desk, is_forced, ms
from bot.simulator.hyperliquid.rows import Row


class Voice:
    """Tells one account's events on the channels somebody hears."""

    def __init__(self, desk: Desk, account_id: str) -> None:
        self._desk = desk
        self._account_id = account_id
        self._paid = 0

    def __call__(self, events: Sequence[Event]) -> None:
        """Tell one batch."""
        records = self._desk.world.records(self._account_id)
        money, funded = False, False
        fills: list[Fill] = []
        for event in events:
            match event:
                case OrderUpdate():
                    records.note(event.order)
                    self._order(event, fills)
                case Fill():
                    fills.append(event)
                case PositionUpdate():
                    money = True
                    funded = funded or event.cause == "FUNDING_FEE"
                case WalletUpdate():
                    money = True
                    funded = funded or event.cause == "FUNDING_FEE"
                case _:
                    continue
        self._fills(fills)
        if funded:
            self._funding(events)
        if money:
            self._state()

    def _order(self, event: OrderUpdate, fills: list[Fill]) -> None:
        """Tell an order; the child of a trigger is told as executions of the trigger itself."""
        desk, state = self._desk, event.order
        parent = desk.parent_of(state)
        if parent:
            desk.note_child(state.venue_order_id, parent)
            return
        if is_forced(state.client_order_id) != (False, False):
            return
        if fills and state.status is not OrderStatus.WORKING:
            self._fills(fills)
        row = rows.update_row(desk, self._account_id, state)
        self._tell("orderUpdates", "orderUpdates", [row])

    def _fills(self, fills: list[Fill]) -> None:
        if not fills:
            return
        desk = self._desk
        told = rows.fill_rows(desk, self._account_id, fills)
        user = desk.address_of(self._account_id)
        self._tell("userFills", "userFills", {"isSnapshot": False, "user": user, "fills": told})
        self._tell("userEvents", "user", {"fills": told})
        forced = [fill for fill in fills if fill.is_liquidation and not fill.is_adl]
        for fill in forced:
            self._liquidation(fill, user)
        fills.clear()

    def _liquidation(self, fill: Fill, user: str) -> None:
        value = self._desk.world.exchange.equity_usd(self._account_id)
        told: Row = {
            "lid": int(fill.trade_id),
            "liquidator": "0x" + "0" * 40,
            "liquidated_user": user,
            "liquidated_ntl_pos": rows.usd(fill.qty * fill.price),
            "liquidated_account_value": f"{value:.6f}",
        }
        self._tell("userEvents", "user", {"liquidation": told})

    def _funding(self, events: Sequence[Event]) -> None:
        """Tell the payments of this batch: one for each contract that paid."""
        desk = self._desk
        newest = max(event.event_ns for event in events)
        paid = [
            row
            for row in desk.world.exchange.income(self._account_id, newest)
            if row.kind == "FUNDING_FEE" and int(row.income_id) > self._paid
        ]
        user = desk.address_of(self._account_id)
        for row in paid:
            self._paid = int(row.income_id)
            delta = rows.funding_row(desk, self._account_id, row)
            told = {"time": ms(row.event_ns), **{k: v for k, v in delta.items() if k != "type"}}
            frame = {"isSnapshot": False, "user": user, "fundings": [told]}
            self._tell("userFundings", "userFundings", frame)
            self._tell("userEvents", "user", {"funding": told})

    def _state(self) -> None:
        if not self._desk.world.hub.is_heard(name_of("clearinghouseState", self._account_id)):
            return
        state = rows.clearinghouse(self._desk, self._account_id)
        user = self._desk.address_of(self._account_id)
        frame: Row = {"dex": "", "user": user, "clearinghouseState": state}
        self._tell("clearinghouseState", "clearinghouseState", frame)

    def _tell(self, kind: str, channel: str, data: object) -> None:
        self._desk.world.hub.publish_private(
            name_of(kind, self._account_id),
            self._account_id,
            channel,
            {"channel": channel, "data": data},
        )


def name_of(kind: str, subject: str) -> str:
    """Return the name of one subscription: its kind, and the coin or account it is about."""
    return f"{kind}:{subject}"


def first_frames(desk: Desk, account_id: str, kind: str) -> list[Row]:
    """Return what a fresh subscription of an account's channel begins with."""
    user = desk.address_of(account_id)
    if kind == "userFills":
        fills = [
            fill
            for contract in desk.contracts
            for fill in desk.world.exchange.trades(account_id, contract.symbol, 0)
        ]
        told = rows.fill_rows(desk, account_id, fills)
        data: Row = {"isSnapshot": True, "user": user, "fills": told}
        return [{"channel": kind, "data": data}]
    if kind == "userFundings":
        return [{"channel": kind, "data": {"isSnapshot": True, "user": user, "fundings": []}}]
    if kind == "clearinghouseState":
        state = rows.clearinghouse(desk, account_id)
        return [{"channel": kind, "data": {"dex": "", "user": user, "clearinghouseState": state}}]
    return []
