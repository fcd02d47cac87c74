"""What every request handler may touch: the exchange, its clock, clients, records and faults."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from bot.domain.instrument import Instrument
from bot.domain.market import Liquidation
from bot.domain.messages import Event, OrderUpdate, PositionUpdate
from bot.domain.orders import OrderStatus
from bot.domain.units import NS_PER_MS
from bot.ports import Clock
from bot.simulator.binance.account_rows import (
    AccountReading,
    Contract,
    LegReading,
    read_account,
    read_leg,
)
from bot.simulator.binance.listen_keys import ListenKeys
from bot.simulator.binance.market_data import ContractData
from bot.simulator.binance.numbers import money_text
from bot.simulator.binance.records import RecordBook
from bot.simulator.binance.refusals import Refused
from bot.simulator.binance.signing import ApiKey
from bot.simulator.binance.streams import USER_STREAM, StreamHub
from bot.simulator.binance.user_stream import Teller
from bot.simulator.binance.weights import Meter, Quota
from bot.simulator.faults import FaultBoard, FaultKind
from bot.simulator.recorded_exchange import RecordedExchange

LOG_MAX: Final = 10_000
CONDITIONAL_PATH: Final = "/fapi/v1/algoOrder"
Say = Callable[[Sequence[Event]], None]
"""Tells one account a batch of its own events."""


class Seen(msgspec.Struct, kw_only=True):
    """One request as it arrived, and what became of it (`status` 0: the connection was cut)."""

    ns: int
    method: str
    path: str
    params: dict[str, str]
    account: str = ""
    status: int = 0
    code: int | None = None


class World:
    """The venue behind the protocol; everything here is synchronous and belongs to one loop."""

    def __init__(
        self,
        exchange: RecordedExchange,
        instruments: Iterable[Instrument],
        clock: Clock,
        *,
        keys: Iterable[ApiKey],
        seed: int,
        quota: Quota,
        funding_interval_s: float = 28_800.0,
        voice: "Callable[[World, str], Say] | None" = None,
    ) -> None:
        self.exchange = exchange
        self.clock = clock
        self.seed = seed
        self.funding_interval_s = funding_interval_s
        self.quota = quota
        self.by_symbol: Mapping[str, Instrument] = {i.symbol: i for i in instruments}
        self._by_venue_id = {i.venue_id: i for i in self.by_symbol.values()}
        self.keys = {key.key: key for key in keys}
        self.faults = FaultBoard(seed)
        self.meter = Meter(quota)
        self.hub = StreamHub(self.faults, clock.now_ns)
        self.listen_keys = ListenKeys(seed, exchange.log)
        self.log: deque[Seen] = deque(maxlen=LOG_MAX)
        self.countdowns: dict[tuple[str, str], int] = {}
        self.on_change: Callable[[], None] = _nothing
        self.on_liquidation: Callable[[Liquidation], None] = _ignore
        now_ms = clock.now_ns() // NS_PER_MS
        self.data = {i.symbol: ContractData(i, now_ms) for i in self.by_symbol.values()}
        self._records: dict[str, RecordBook] = {}
        self.conditional_path = CONDITIONAL_PATH
        self._voice = voice or binance_voice
        self._voices: dict[str, Say] = {}
        self._ids = 0

    # ------------------------------------------------------------------ time

    def now_ns(self) -> int:
        """Return the venue's own clock: the true one, plus the skew of a fault."""
        true_ns = self.clock.now_ns()
        skews = self.faults.in_force(FaultKind.SKEW_CLOCK, true_ns)
        return true_ns + sum(rule.offset_ms for rule in skews) * NS_PER_MS

    def now_ms(self) -> int:
        """Return the venue's own clock in milliseconds."""
        return self.now_ns() // NS_PER_MS

    def fallback_id(self, prefix: str) -> str:
        """Return a client order id for an order that came without one."""
        self._ids += 1
        return f"{prefix}{self.clock.now_ns():x}{self._ids:x}"[:36]

    def is_halted(self, symbol: str) -> bool:
        """Tell whether a fault halts trading of `symbol`."""
        rules = self.faults.in_force(FaultKind.HALT, self.clock.now_ns())
        return any(rule.symbol in ("", self.venue_id(symbol)) for rule in rules)

    # ------------------------------------------------------------------ contracts

    def instrument(self, venue_id: str) -> Instrument:
        """Return the contract with this venue symbol.

        Raises:
            Refused: -1121 when it is not listed.
        """
        found = self._by_venue_id.get(venue_id)
        if found is None:
            raise Refused(-1121, "Invalid symbol.")
        return found

    def venue_id(self, symbol: str) -> str:
        """Return the venue's symbol."""
        return self.by_symbol[symbol].venue_id

    def contract(self, symbol: str) -> Contract:
        """Return a contract with its present mark price."""
        mark = Decimal(repr(self.exchange.market(symbol).mark))
        return Contract(instrument=self.by_symbol[symbol], mark=mark)

    # ------------------------------------------------------------------ accounts

    def accounts(self) -> tuple[str, ...]:
        """Return every account that has a key."""
        return tuple(dict.fromkeys(key.account_id for key in self.keys.values()))

    def records(self, account_id: str) -> RecordBook:
        """Return the order records of an account."""
        return self._records.setdefault(account_id, RecordBook())

    def reading(self, account_id: str) -> AccountReading:
        """Return the account with its margins at mark."""
        account = self.exchange.account(account_id)
        held = {leg.symbol for leg in account.positions}
        return read_account(account, {symbol: self.contract(symbol) for symbol in held})

    def leg_reading(self, update: PositionUpdate) -> LegReading:
        """Return a leg told by the exchange with its money at mark."""
        return read_leg(update.position, self.contract(update.position.symbol), 20)

    def _say(self, account_id: str) -> Say:
        found = self._voices.get(account_id)
        if found is None:
            found = self._voices[account_id] = self._voice(self, account_id)
        return found

    # ------------------------------------------------------------------ events

    def advance(self) -> None:
        """Let the exchange's time catch up with the clock."""
        self.exchange.advance(self.clock.now_ns())

    def settle(self) -> None:
        """Tell the users what happened in the exchange since the last call."""
        events = self.exchange.drain()
        if not events:
            return
        by_account: dict[str, list[Event]] = {}
        for account_id, event in events:
            if isinstance(event, Liquidation):
                self.on_liquidation(event)
            elif account_id:
                by_account.setdefault(account_id, []).append(event)
        for account_id, own in by_account.items():
            self._say(account_id)(own)
        if by_account:
            self.on_change()

    def end_listening(self, listen_key: str) -> None:
        """Tell the clients of a listen key that it ended; they hear nothing more."""
        frame = {"e": "listenKeyExpired", "E": self.now_ms(), "listenKey": listen_key}
        for client in self.hub.clients:
            if client.listen_key == listen_key:
                self.hub.tell_one(client, frame)
                self.hub.unsubscribe(client, (USER_STREAM,))

    def silence(self) -> None:
        """Note what happened in the exchange without telling anybody: a fault."""
        for account_id, event in self.exchange.drain():
            if account_id and isinstance(event, OrderUpdate):
                self.records(account_id).note(event.order)
        self.on_change()

    def vanish_conditionals(self, symbol: str, account_id: str = "") -> int:
        """Remove conditional orders without a word, of all accounts or one; return how many."""
        self.settle()
        gone = 0
        for owner in (account_id,) if account_id else self.accounts():
            for order in self.exchange.open_orders(owner, symbol or None, conditional=True):
                if order.status is OrderStatus.WORKING:
                    self.exchange.cancel(
                        owner,
                        order.symbol,
                        venue_order_id=order.venue_order_id,
                        conditional=True,
                    )
                    gone += 1
        self.silence()
        return gone


def binance_voice(world: World, account_id: str) -> Say:
    """Return what tells an account its events on its user stream, in Binance's words."""
    teller = Teller(
        world.records(account_id),
        world.venue_id,
        world.leg_reading,
        lambda: money_text(world.reading(account_id).cross_wallet_usd),
    )

    def say(events: Sequence[Event]) -> None:
        for name, frame in teller.tell(events):
            world.hub.publish_user(account_id, name, frame)

    return say


def _nothing() -> None:
    return


def _ignore(_: Liquidation) -> None:
    return
