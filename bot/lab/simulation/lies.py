"""What the venue shows of an account or an order when a fault makes it tell less than is so."""

from typing import Final

import msgspec

from bot.domain.account import AccountState
from bot.domain.messages import Event, OrderUpdate, PositionUpdate, WalletUpdate
from bot.domain.orders import OrderState, OrderStatus
from bot.domain.units import NS_PER_S
from bot.lab.simulation.world import World

LIES: Final = frozenset(
    ("hidden_order", "hidden_orders", "stale_account", "empty_account", "user_silent")
)
"""Kinds under which the daemon may in good faith believe what is not so."""


class Told:
    """One door's readings of the account, as truly as the faults allow."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._last: list[AccountState] = []

    def account(self, account: AccountState) -> AccountState:
        """Return what a reading shows."""
        board = self._world.board
        if not board.busy:
            self._last.clear()
            return account
        if board.on("hidden_triggering") is not None:
            orders = tuple(order_shown(self._world, order) for order in account.orders)
            account = msgspec.structs.replace(account, orders=orders)
        if board.on("stale_account") is not None:
            self._last.append(account)
            if (stale := board.hit("stale_account")) is not None:
                cut_ns = self._world.now_ns - round(stale.size * NS_PER_S)
                old = [one for one in self._last if one.event_ns >= cut_ns]
                return old[0] if old else account
        else:
            self._last.clear()
        if board.hit("empty_account") is not None:
            self._world.mark("empty_account")
            return msgspec.structs.replace(account, positions=(), orders=())
        if board.hit("hidden_orders") is not None:
            self._world.mark("hidden_orders")
            shown = tuple(one for one in account.orders if not one.kind.is_conditional)
            return msgspec.structs.replace(account, orders=shown)
        return account


def order_shown(world: World, order: OrderState) -> OrderState:
    """Return an order as it is shown: some venues never say that a stop has gone off."""
    if order.status is not OrderStatus.TRIGGERING:
        return order
    if world.board.on("hidden_triggering", order.symbol) is None:
        return order
    world.board.count("hidden_triggering")
    return msgspec.structs.replace(order, status=OrderStatus.WORKING)


def is_kept_back(world: World, event: Event) -> bool:
    """Whether an event of the account stream is one that such a venue does not send."""
    if isinstance(event, PositionUpdate | WalletUpdate):
        return world.board.hit("user_fills_only") is not None
    if not isinstance(event, OrderUpdate) or event.order.status is not OrderStatus.TRIGGERING:
        return False
    return world.board.on("hidden_triggering", event.order.symbol) is not None
