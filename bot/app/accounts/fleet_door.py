"""The door to the fleet: tells the database how this account does, and takes its orders."""

import inspect
import json

from loguru import logger

from bot.app.accounts.fleet_budget import FleetBudget
from bot.app.accounts.seen import shown
from bot.journal.fleet import Order
from bot.journal.tenure import Tenure
from bot.ports import House
from bot.runtime.parts import DaemonParts

PERIOD_S = 0.5
TELL_EVERY = 3
ORDERS = ("flatten", "pause")
"""What lowers risk; nothing else is taken from a database."""
TOLD = (
    "run_id", "mode", "mode_reason", "latched", "read_only", "equity_usd", "wallet_usd",
    "drawdown_frac", "positions", "unprotected", "stops_working",
)  # fmt: skip


class FleetDoor:
    """A Door: orders given with `breakwater fleet` become commands here, each once."""

    name = "fleet"

    def __init__(self, tenure: Tenure, parts: DaemonParts, budget: FleetBudget) -> None:
        self._tenure = tenure
        self._parts = parts
        self._clock = parts.clock
        self._budget = budget

    async def run(self, house: House) -> None:
        """Serve until cancelled."""
        turn = 0
        while True:
            if turn % TELL_EVERY == 0:
                self._tenure.tell(await self._summary())
                await self._look(house)
            for order in self._tenure.ordered():
                await self._obey(house, order)
            turn += 1
            await self._clock.sleep_s(PERIOD_S)

    async def _summary(self) -> str:
        found = self._parts.ask("status", {})
        status = await found if inspect.isawaitable(found) else found
        told = {name: status.get(name) for name in TOLD}
        told |= {"house": shown(self._parts, self._clock.now_ns()), "bound": self._budget.bound}
        return json.dumps(told, separators=(",", ":"))

    async def _look(self, house: House) -> None:
        try:
            await self._budget.look(house)
        except TimeoutError:
            logger.warning("the fleet's order got no answer in time: it is given again")

    async def _obey(self, house: House, order: Order) -> None:
        key = f"fleet-{self._tenure.token}-{order.order_id}"
        if order.name not in ORDERS:
            text = f"{order.name}: a fleet may give {' and '.join(ORDERS)} alone"
            self._tenure.answer(order.order_id, text, accepted=False)
            return
        try:
            told = await house.order(
                order.name, order.args, operator=f"fleet:{order.operator}"[:60], key=key
            )
        except TimeoutError:
            text = "no answer in time; it may still be carried out"
            self._tenure.answer(order.order_id, text, accepted=False)
            return
        self._tenure.answer(order.order_id, told.text, accepted=told.accepted)
