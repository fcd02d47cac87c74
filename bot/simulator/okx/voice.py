"""Tells one account its events on OKX's private channels.

`orders` tells plain orders with their executions, `orders-algo` conditional ones, and
`balance_and_position` what an event made of wallet and legs, with its cause.
"""

from collections.abc import Sequence

from msgspec import structs

from bot.domain.account import PositionState
from bot.domain.messages import Event, Fill, OrderUpdate, PositionUpdate, WalletUpdate
from bot.domain.orders import OrderState, OrderStatus
from bot.domain.units import ZERO
from bot.simulator.binance.numbers import money_text, ms
from bot.simulator.binance.world import Say, World
from bot.simulator.okx.shown import algo_row, moved_leg, order_row, parent_of
from bot.simulator.okx.words import Row

CAUSES = {
    "FUNDING_FEE": "funding_fee",
    "DEPOSIT": "transferred",
    "WITHDRAW": "transferred",
    "MARGIN_TRANSFER": "adjust_margin",
}


def okx_voice(world: World, account_id: str) -> Say:
    """Return what tells an account a batch of its events."""
    return Voice(world, account_id).say


class Voice:
    """Speaks for one account."""

    def __init__(self, world: World, account_id: str) -> None:
        self._world = world
        self._account_id = account_id
        self._fills: dict[str, list[Fill]] = {}

    def say(self, events: Sequence[Event]) -> None:
        """Tell every event; legs and wallet after the executions that changed them."""
        legs: dict[tuple[str, str], PositionState] = {}
        wallet: WalletUpdate | None = None
        cause = ""
        for event in events:
            match event:
                case OrderUpdate():
                    self._order(event.order)
                case Fill():
                    self._fills.setdefault(event.venue_order_id, []).append(event)
                case PositionUpdate():
                    leg = event.position
                    key = (leg.symbol, leg.side if leg.hedged else "")
                    before = legs.get(key)
                    # a turned position is told as what it is now, not as what it was
                    if before is None or leg.qty > ZERO or before.qty == ZERO:
                        legs[key] = leg
                    cause = cause or event.cause
                case WalletUpdate():
                    wallet, cause = event, event.cause
                case _:
                    continue
        if legs or wallet is not None:
            self._money(tuple(legs.values()), wallet, CAUSES.get(cause, "filled"))

    def _order(self, state: OrderState) -> None:
        records = self._world.records(self._account_id)
        record = records.note(state)
        if state.kind.is_conditional:
            if state.status is OrderStatus.TRIGGERING:
                record.triggered_ns = state.event_ns
            row = algo_row(self._world, self._account_id, record, record.born_order_id)
            self._tell("orders-algo", [row])
            return
        parent = parent_of(state)
        if parent:
            bearer = records.by_id(parent, conditional=True)
            if bearer is not None:
                bearer.born_order_id = state.venue_order_id
        fills = self._fills.pop(state.venue_order_id, [])
        filled = state.filled_qty - sum((fill.qty for fill in fills), ZERO)
        for fill in fills[:-1]:
            filled += fill.qty
            part = structs.replace(state, filled_qty=filled, status=OrderStatus.WORKING)
            told = structs.replace(record, state=part)
            self._tell("orders", [order_row(self._world, self._account_id, told, fill)])
        last = fills[-1] if fills else None
        self._tell("orders", [order_row(self._world, self._account_id, record, last)])

    def _money(
        self, legs: Sequence[PositionState], wallet: WalletUpdate | None, cause: str
    ) -> None:
        at_ns = wallet.event_ns if wallet is not None else max(leg.event_ns for leg in legs)
        stamp = str(ms(at_ns))
        balances: list[Row] = []
        if wallet is not None:
            total = money_text(wallet.wallet_usd)
            balances.append({"ccy": "USDT", "cashBal": total, "uTime": stamp})
        row: Row = {
            "pTime": stamp,
            "eventType": cause,
            "balData": balances,
            "posData": [moved_leg(self._world, leg) for leg in legs],
            "trades": [],
        }
        self._tell("balance_and_position", [row])

    def _tell(self, channel: str, data: list[Row]) -> None:
        arg: Row = {"channel": channel, "uid": "1"}
        if channel != "balance_and_position":
            arg["instType"] = "SWAP"
        frame = {"arg": arg, "data": data}
        self._world.hub.publish_private(channel, self._account_id, channel, frame)


def opening(world: World, account_id: str) -> Row:
    """Return the snapshot with which `balance_and_position` begins."""
    account = world.exchange.account(account_id)
    stamp = str(world.now_ms())
    balance: Row = {"ccy": "USDT", "cashBal": money_text(account.wallet_usd), "uTime": stamp}
    row: Row = {
        "pTime": stamp,
        "eventType": "snapshot",
        "balData": [balance],
        "posData": [moved_leg(world, leg) for leg in account.positions],
        "trades": [],
    }
    return {"arg": {"channel": "balance_and_position", "uid": "1"}, "data": [row]}
