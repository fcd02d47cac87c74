"""What every handler of this protocol may touch: the world, contracts by number, signers."""

from decimal import Decimal
from typing import Final

from bot.domain.instrument import Instrument
from bot.domain.orders import OrderState
from bot.domain.units import NS_PER_MS, ZERO
from bot.simulator.binance.signing import ApiKey
from bot.simulator.binance.world import World
from bot.simulator.hyperliquid.curve import address_of_key
from bot.simulator.hyperliquid.refusals import Declined, Unreadable
from bot.simulator.hyperliquid.signing import Nonces
from bot.simulator.terms import ADL_PREFIX, LIQUIDATION_PREFIX

BUFFER: Final = 10_000
"""Actions an address may send before it traded anything; one more for each USDC traded."""
CHILD: Final = "triggered by "
HASH: Final = "0x" + "0" * 64


class Desk:
    """The venue behind this protocol.

    A key's name is the account's address, its secret the private key of a wallet that may act for
    it (an agent), never the account's own.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.contracts = tuple(world.by_symbol.values())
        self.nonces = Nonces()
        self.scheduled_ns: dict[str, int] = {}
        self.acted: dict[str, int] = {}
        self._numbers = {contract.symbol: n for n, contract in enumerate(self.contracts)}
        self._by_coin = {contract.venue_id: contract for contract in self.contracts}
        self._by_address = {key.key.lower(): key for key in world.keys.values()}
        self._agents: dict[str, ApiKey] = {}
        for key in world.keys.values():
            if key.can_trade:
                self._agents[address_of_key(key.secret)] = key
        self._parents: dict[str, str] = {}

    # ------------------------------------------------------------------ contracts

    def number(self, symbol: str) -> int:
        """Return the asset number of a contract."""
        return self._numbers[symbol]

    def contract(self, coin: object) -> Instrument:
        """Return the contract of a coin; Unreadable when it is not listed."""
        found = self._by_coin.get(str(coin))
        if found is None:
            raise Unreadable(f"no coin {str(coin)[:20]!r}")
        return found

    def asset(self, number: object) -> Instrument:
        """Return the contract with an asset number; Declined when there is none."""
        if isinstance(number, bool) or not isinstance(number, int):
            raise Unreadable("an asset number is needed")
        if not 0 <= number < len(self.contracts):
            raise Declined(f"Invalid asset {number}")
        return self.contracts[number]

    # ------------------------------------------------------------------ people

    def account_of(self, address: object) -> str | None:
        """Return the account of an address; None when nobody has it (the venue shows it empty)."""
        if not isinstance(address, str) or len(address) != 42 or not address.startswith("0x"):
            raise Unreadable("user: an address is needed")
        found = self._by_address.get(address.lower())
        return found.account_id if found is not None else None

    def address_of(self, account_id: str) -> str:
        """Return the address of an account."""
        return next(a for a, key in self._by_address.items() if key.account_id == account_id)

    def agent(self, address: str) -> ApiKey | None:
        """Return for whom a signing address acts; None when it is no agent of anybody."""
        return self._agents.get(address)

    def agents(self, account_id: str) -> list[str]:
        """Return the agents of an account."""
        return [a for a, key in self._agents.items() if key.account_id == account_id]

    def agent_account(self, address: str) -> str | None:
        """Return the address of the account that `address` acts for, None: it is no agent."""
        key = self._agents.get(address.lower())
        return key.key if key is not None else None

    # ------------------------------------------------------------------ limits

    def traded_usd(self, account_id: str) -> Decimal:
        """Return what an account traded so far."""
        return sum(
            (
                fill.qty * fill.price
                for contract in self.contracts
                for fill in self.world.exchange.trades(account_id, contract.symbol, 0)
            ),
            ZERO,
        )

    def allowance(self, account_id: str) -> int:
        """Return how many actions an account may send over its whole life."""
        return BUFFER + int(self.traded_usd(account_id))

    # ------------------------------------------------------------------ orders

    def parent_of(self, state: OrderState) -> str:
        """Return the order whose trigger bore this one; empty: it was sent as it is."""
        return state.reason.removeprefix(CHILD) if state.reason.startswith(CHILD) else ""

    def note_child(self, child_id: str, parent_id: str) -> None:
        """Remember that executions of `child_id` are told under its trigger's number."""
        self._parents[child_id] = parent_id

    def oid(self, account_id: str, symbol: str, venue_order_id: str) -> int:
        """Return the number an order is told under: a trigger keeps its own when it fires."""
        known = self._parents.get(venue_order_id)
        if known is None:
            exchange = self.world.exchange
            state = exchange.order(
                account_id, symbol, venue_order_id=venue_order_id, conditional=False
            )
            known = (self.parent_of(state) if state is not None else "") or venue_order_id
            self._parents[venue_order_id] = known
        return int(known)

    def find(self, account_id: str, name: object) -> OrderState | None:
        """Return an order, open or ended, by number or by the client's 128-bit id."""
        exchange = self.world.exchange
        own = name if isinstance(name, str) and name.startswith("0x") else None
        number = str(name) if own is None else None
        for contract in self.contracts:
            for conditional in (True, False):
                state = exchange.order(
                    account_id,
                    contract.symbol,
                    client_order_id=own,
                    venue_order_id=number,
                    conditional=conditional,
                )
                if state is not None and not self.parent_of(state):
                    return state
        return None

    # ------------------------------------------------------------------ time

    def now_ms(self) -> int:
        """Return the venue's clock."""
        return self.world.now_ms()


def cloid_of(state_id: str) -> str | None:
    """Return the client's 128-bit id, None for an order without one."""
    return state_id if state_id.startswith("0x") else None


def is_forced(client_order_id: str) -> tuple[bool, bool]:
    """Tell whether an order is a liquidation, and whether it is an auto-deleveraging."""
    return (
        client_order_id.startswith(LIQUIDATION_PREFIX),
        client_order_id.startswith(ADL_PREFIX),
    )


def ms(instant_ns: int) -> int:
    """Return milliseconds of an instant in UTC ns."""
    return instant_ns // NS_PER_MS
