"""What the daemon lives in: one exchange, its market, the faults in force, and all who watch."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, Protocol

from bot.domain.account import AccountState
from bot.domain.errors import DataInvalid
from bot.domain.market import FundingRate, MarkPrice, TradeBucket
from bot.domain.messages import Event, Fill, OrderUpdate, PositionUpdate, WalletUpdate
from bot.domain.orders import ApprovedOrder
from bot.domain.units import NS_PER_S
from bot.lab.simulation.chance import stream
from bot.lab.simulation.faults import Board
from bot.lab.simulation.path import PRICES, Path
from bot.lab.simulation.timeline import START_NS, Timeline
from bot.lab.simulation.trace import Trace
from bot.simulator.contracts import CONTRACTS
from bot.simulator.exchange import DepthModel, Exchange, ExchangeRefused
from bot.simulator.terms import OrderRequest

ACCOUNT: Final = "sim"
WALLET_USD: Final = Decimal(10_000)
TICK_NS: Final = NS_PER_S
TELL_FRAC: Final = 4e-4
"""A price that moved less than this is told every third second only."""
TELL_NS: Final = 3 * NS_PER_S
FUNDING_TOLD_NS: Final = 60 * NS_PER_S
TRADED_QTY: Final = 2.0
ONE_WAY_S: Final = 0.040
AWAY: Final = frozenset(("outage", "ban", "key_invalid"))
"""Kinds under which the venue answers nobody."""


class Watcher(Protocol):
    """Somebody who is told what truly happens at the exchange."""

    def happened(self, event: Event) -> None:
        """Take note of an event of our account."""
        ...

    def looked(self, now_ns: int) -> None:
        """Look at the exchange after anything changed and after every tick."""
        ...


class Hearer(Protocol):
    """The daemon's streams; nobody hears while it is down."""

    def hear_account(self, events: Sequence[Event]) -> None:
        """Take what happened to the account, some time later."""
        ...

    def hear_market(self, events: Sequence[Event]) -> None:
        """Take public prices, some time later."""
        ...


class World:
    """Everything outside of the process; it goes on while the process is dead."""

    def __init__(self, seed: int, *, depth_usd_per_bp: float = 200_000.0) -> None:
        self.seed = seed
        self.timeline = Timeline()
        self.trace = Trace()
        self.board = Board(seed)
        self.marks: dict[str, int] = {}
        self.dice = stream(seed, "world")
        self.symbols = tuple(PRICES)
        self.paths = {symbol: Path(seed, symbol) for symbol in self.symbols}
        self.exchange = Exchange(
            [one for one in CONTRACTS if one.symbol in PRICES],
            fill_model=DepthModel(seed=seed, depth_usd_per_bp=depth_usd_per_bp),
        )
        self.exchange.open_account(ACCOUNT, WALLET_USD)
        self.watchers: list[Watcher] = []
        self.hearer: Hearer | None = None
        self.host_skew_ns = 0
        self.hand_orders = 0
        self.intents: dict[str, int] = {}
        """client order id -> when its intent was durable."""
        self.sent_orders: dict[str, ApprovedOrder] = {}
        self.flying: dict[str, ApprovedOrder] = {}
        """What left and has not arrived at the venue yet, though it will."""
        self.disturbed_ns = 0
        """When something last happened to the account."""
        self.unreached_ns = 0
        """When the venue could last not be reached."""
        self.forgotten: set[str] = set()
        """Orders that the venue says it never had."""
        self.contract_ns = -(1 << 60)
        """When a contract was last changed; the daemon reads contracts once an hour."""
        self.off_grid_ns = 0
        """When the venue last said that a price is none of the contract."""
        self.silent_ns = 0
        """When something last happened that the venue told nobody."""
        self.excused_ns = 0
        """When the host last stood still: nobody is to blame for what it missed."""
        self.attentive = False
        """Whether a clock runs that must be looked at whenever anything is asked."""
        self.account_kept: AccountState | None = None
        self.account_key = (-1, -1)
        self.cancels: Callable[[str], None] = lambda _id: None
        self.refusals: Callable[[ApprovedOrder, str], None] = lambda _order, _code: None
        """Told of an order and the venue's code when it says no and the answer arrives."""
        self._funding_told_ns = 0
        self._seen_generation = -1
        self._tick_all(gap=True)

    # ------------------------------------------------------------------ time

    @property
    def now_ns(self) -> int:
        """True time in ns UTC; the venue's clock shows it."""
        return self.timeline.now_ns

    def mark(self, name: str) -> None:
        """Count that a rare place was reached."""
        self.marks[name] = self.marks.get(name, 0) + 1

    def reachable(self, symbol: str) -> bool:
        """Whether the venue answers at all; when it does not, nobody can protect anything."""
        board = self.board
        if not board.busy:
            return True
        if board.is_any(AWAY):
            return False
        return not (symbol and board.on("bad_symbol", symbol))

    def reached_since(self, since_ns: int) -> bool:
        """Whether the venue could be reached all the time since `since_ns`."""
        return self.reachable("") and self.unreached_ns < since_ns

    def note(self, text: str) -> None:
        """Put a line into the trace."""
        self.trace.note(self.timeline.now_ns, text)

    def begin(self) -> None:
        """Start the market."""
        self.timeline.at(self.now_ns + TICK_NS, self._tick)

    def _tick(self) -> None:
        if not self.reachable(""):
            self.unreached_ns = self.now_ns
        for path in self.paths.values():
            path.walk()
        self._tick_all(gap=False)
        self.timeline.at(self.now_ns + TICK_NS, self._tick)

    def _tick_all(self, *, gap: bool) -> None:
        now_ns = self.now_ns
        self.exchange.advance(now_ns)
        for path in self.paths.values():
            self.exchange.apply(path.tick(now_ns, gap=gap))
        self._seen_generation = -1
        self.settle()
        self._tell_prices()

    def jump(self, symbol: str, move_frac: float) -> None:
        """Let one price jump now; orders and stops on the way fill at the far side."""
        path = self.paths[symbol]
        path.move(move_frac)
        self.note(f"jump {symbol} {move_frac:+.4f} to {path.price:.2f}")
        self.exchange.apply(path.tick(self.now_ns, gap=True))
        self.settle()
        self._tell_prices()

    def _tell_prices(self) -> None:
        if self.hearer is None:
            return
        now_ns = self.now_ns
        news: list[Event] = []
        for path in self.paths.values():
            moved = abs(path.price - path.told_price) > TELL_FRAC * path.price
            if not moved and now_ns - path.told_ns < TELL_NS:
                continue
            price = round(path.price, 2)
            path.told_price, path.told_ns = path.price, now_ns
            news.append(MarkPrice(path.symbol, now_ns, 0, price, price))
            bucket = (4, TRADED_QTY, TRADED_QTY / 2, price, price, price)
            news.append(TradeBucket(path.symbol, now_ns, 0, *bucket))
        if now_ns - self._funding_told_ns >= FUNDING_TOLD_NS:
            self._funding_told_ns = now_ns
            news += self._funding(now_ns)
        if news:
            self.hearer.hear_market(news)

    def _funding(self, now_ns: int) -> list[Event]:
        told: list[Event] = []
        for symbol in self.symbols:
            market = self.exchange.market(symbol)
            told.append(
                FundingRate(
                    symbol, now_ns, 0, "embedded", market.funding_frac,
                    market.funding_interval_s, settled=False, next_ns=market.next_funding_ns,
                )
            )  # fmt: skip
        return told

    # ------------------------------------------------------------------ the exchange

    def at_venue(self, act: Callable[[], object]) -> object:
        """Do something at the exchange now and hand round what came of it."""
        self.exchange.advance(self.now_ns)
        try:
            return act()
        finally:
            self.settle()

    def settle(self) -> None:
        """Hand what happened at the exchange to the watchers and, later, to the daemon.

        A reading that changed nothing shows them nothing: they look again at the next tick.
        """
        drained = self.exchange.drain()
        unchanged = not drained and self.exchange.generation == self._seen_generation
        if unchanged and not self.attentive:
            return
        self._seen_generation = self.exchange.generation
        mine = [event for owner, event in drained if owner == ACCOUNT]
        if mine:
            self.disturbed_ns = self.now_ns
        for event in mine:
            self.note(told(event))
            for watcher in self.watchers:
                watcher.happened(event)
        for watcher in self.watchers:
            watcher.looked(self.now_ns)
        if mine and self.hearer is not None:
            self.hearer.hear_account(mine)

    def by_hand(self, request: OrderRequest) -> bool:
        """Trade past the bot; False when the exchange refuses."""
        try:
            self.at_venue(lambda: self.exchange.submit(ACCOUNT, request))
        except (ExchangeRefused, DataInvalid) as refused:
            self.note(f"hand refused {refused}")
            return False
        return True

    def hand_id(self) -> str:
        """Return an id such as a web page gives."""
        self.hand_orders += 1
        return f"web_{self.seed}_{self.hand_orders}"

    def delay_s(self) -> float:
        """Return the time one way to the venue: 20 to 60 ms, seldom more."""
        roll = self.dice.random()
        tail = 0.25 * self.dice.random() if roll > 0.99 else 0.0
        return ONE_WAY_S * (0.5 + roll) + tail

    @property
    def lived_s(self) -> float:
        """Seconds since the world began."""
        return (self.now_ns - START_NS) / NS_PER_S


def told(event: Event) -> str:
    """Return an event of the account as one line of the trace."""
    match event:
        case OrderUpdate(order=order):
            return (
                f"order {order.client_order_id} {order.kind.value} {order.side.value} {order.qty}"
                f" {order.status.value} {order.filled_qty} {order.trigger_price} {order.reason}"
            )
        case Fill():
            return f"fill {event.client_order_id} {event.side.value} {event.qty} {event.price}"
        case PositionUpdate(position=leg):
            return f"leg {leg.symbol} {leg.side.value} {leg.qty}"
        case WalletUpdate():
            return f"wallet {event.wallet_usd} {event.cause}"
        case _:
            return type(event).__name__
