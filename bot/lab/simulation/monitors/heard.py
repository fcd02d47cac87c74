"""Invariant 18: what the kernel is told of the venue, the venue said: silence is no answer."""

from typing import Final

from bot.domain.messages import AccountSnapshot, Event, OrderNotFound, OrderRefused
from bot.domain.orders import OrderState, OrderStatus
from bot.domain.risk import RefusalReason
from bot.lab.simulation.life import Life
from bot.lab.simulation.monitors.verdicts import Verdicts
from bot.lab.simulation.world import ACCOUNT, World
from bot.simulator.exchange import ExchangeRefused

DUPLICATE: Final = ("-4116", "-20132")
"""Refusals that say: the order is there already."""
EXISTS: Final = (OrderStatus.WORKING, OrderStatus.TRIGGERING, OrderStatus.FILLED)


class HeardMonitor:
    """Compares what enters the kernel with the answers that came through the doors."""

    def __init__(self, world: World, verdicts: Verdicts) -> None:
        self._world = world
        self._verdicts = verdicts

    def observe(self, life: Life, event: Event) -> None:
        """Judge an event that the kernel was just told."""
        match event:
            case OrderNotFound(client_order_id=name) if name not in life.not_found:
                self._broken(f"an order was never said to be missing: {name}")
            case AccountSnapshot(account=account) if account.event_ns not in life.accounts_told:
                self._broken(f"an account that the venue never told: {account.wallet_usd}")
            case OrderRefused(code=RefusalReason.INTENT_NOT_JOURNALED.value):
                self._world.mark("entry_not_journaled")
            case OrderRefused(client_order_id=name) if event.code not in DUPLICATE:
                order = self._world.sent_orders.get(name)
                if order is not None and (found := self._at_venue(life, name)) is not None:
                    self._broken(f"taken for refused, and it is {found.status.value}: {name}")
            case _:
                pass

    def _at_venue(self, life: Life, name: str) -> OrderState | None:
        belief = life.kernel.state.orders.get(name)
        if belief is None:
            return None
        try:
            found = self._world.exchange.order(
                ACCOUNT, belief.symbol, client_order_id=name, conditional=belief.kind.is_conditional
            )
        except ExchangeRefused:
            return None
        return found if found is not None and found.status in EXISTS else None

    def _broken(self, text: str) -> None:
        self._world.note(f"VIOLATION 18 {text}")
        self._verdicts.broken(18, self._world.lived_s, text)
