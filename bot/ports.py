"""Protocols between the shell and the world: clock, venue, feed, store."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from bot.domain.account import AccountState, IncomeRow
from bot.domain.instrument import Instrument
from bot.domain.market import Candle, OpenInterest
from bot.domain.messages import Answer, Effect, Event, Fill
from bot.domain.orders import ApprovedOrder, OrderState, PositionSide
from bot.domain.risk import Severity


class Clock(Protocol):
    """Time, told by the composition root; simulations bring their own."""

    def now_ns(self) -> int:
        """Return wall-clock nanoseconds UTC."""
        ...

    def monotonic_ns(self) -> int:
        """Return nanoseconds that never step back."""
        ...

    async def sleep_s(self, seconds: float) -> None:
        """Wait `seconds`."""
        ...


class KeyPermissions(msgspec.Struct, frozen=True, kw_only=True):
    """What an API key may do; None means the venue did not say."""

    can_trade: bool | None
    can_withdraw: bool | None
    ip_restricted: bool | None
    can_transfer: bool | None = None


class Venue(Protocol):
    """Requests to one account at one venue.

    Every method raises the VenueError family of bot.domain.errors and nothing else, and has a
    deadline of its own. A method that cannot read something raises; it never returns "empty".
    """

    name: str

    async def instruments(self, symbols: Sequence[str]) -> tuple[Instrument, ...]:
        """Load filters, fees and margin tiers of `symbols`, afresh."""
        ...

    async def account(self) -> AccountState:
        """Read wallet, positions and both order books."""
        ...

    async def submit(self, order: ApprovedOrder) -> OrderState:
        """Send one order. Raises OutcomeUnknown when it may have been executed."""
        ...

    async def cancel(
        self, symbol: str, client_order_id: str, *, conditional: bool, protecting: bool
    ) -> None:
        """Cancel one order; VenueRefused when the venue knows no such open order."""
        ...

    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool
    ) -> OrderState | None:
        """Ask for one order by client id; None when the venue knows none."""
        ...

    async def fills(self, symbol: str, since_ns: int) -> tuple[Fill, ...]:
        """Read executions of one symbol since `since_ns`, oldest first."""
        ...

    async def add_margin(self, symbol: str, side: PositionSide, amount_usd: Decimal) -> None:
        """Add isolated margin to a position."""
        ...

    async def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set the leverage setting of a symbol."""
        ...

    async def candles(
        self, symbol: str, timeframe_s: int, since_ns: int, limit: int
    ) -> tuple[Candle, ...]:
        """Read closed bars, oldest first; `history` is set."""
        ...

    async def open_interest(self, symbol: str) -> OpenInterest:
        """Read open interest in coins."""
        ...

    async def income(self, since_ns: int) -> tuple[IncomeRow, ...]:
        """Read ledger rows since `since_ns`, oldest first."""
        ...

    async def clock_skew_ns(self) -> int:
        """Return venue clock minus ours, measured now."""
        ...

    async def key_permissions(self) -> KeyPermissions:
        """Read what the API key may do."""
        ...

    async def close(self) -> None:
        """Release sockets."""
        ...


class Feed(Protocol):
    """A source of events that runs until cancelled and reports its own gaps as FeedStatus."""

    name: str

    async def run(self, emit: Callable[[Event], None]) -> None:
        """Stream events into `emit`; reconnects by itself."""
        ...


class SourceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What one look at a source gave."""

    events: tuple[Event, ...] = ()
    """Oldest first; nothing that was not known yet."""
    faults: tuple[str, ...] = ()
    """A line for each row that was left out, with its place."""
    trouble: str = ""
    """Why a part of the source could not be read at all; the rest counts."""
    due_ns: int = 0
    """When a row that was held back becomes known; 0: none waits."""


class Source(Protocol):
    """Readings, calendars and watch-lists that no venue's feed gives; asked now and then."""

    name: str
    origin: str
    """Host or folder, without anything secret."""
    every_s: float

    async def look(self) -> SourceAnswer:
        """Ask once. Raises BotError with one line; the shell sets the deadline."""
        ...


class Journal(Protocol):
    """Durable memory. Synchronous; the shell calls it from one writer thread (or inline)."""

    def intent(self, run_id: str, seq: int, order: ApprovedOrder, event_ns: int) -> None:
        """Make the intent to send `order` durable (fsync) before returning.

        Raises:
            JournalBroken: it could not be made durable; the order must not be sent if risking.
        """
        ...

    def append(self, run_id: str, seq: int, event: Event, effects: Sequence[Effect]) -> None:
        """Write the facts of one step: orders, fills, positions, equity, decisions, commands."""
        ...

    def save_snapshot(self, run_id: str, seq: int, event_ns: int, state: bytes) -> None:
        """Keep the kernel's durable state for the next start."""
        ...

    def load_snapshot(self) -> bytes | None:
        """Return the newest durable state, or None on a first start."""
        ...

    def live_orders(self) -> tuple[OrderState, ...]:
        """Return our orders whose end is not known: intents sent or perhaps sent."""
        ...

    def close(self) -> None:
        """Flush and release."""
        ...


class Shelf(Protocol):
    """Where answers come from when history is asked: rows of the journal as plain dicts."""

    def rows(self, table: str, *, limit: int, symbol: str = "") -> list[dict[str, object]]:
        """Return the newest rows of `table`, newest first."""
        ...

    def why(self, ref: str) -> list[dict[str, object]]:
        """Return the chain of decisions that led to order, decision or command `ref`."""
        ...


class House(Protocol):
    """What a door of the operator may do inside: give orders, and tell people something."""

    async def order(
        self, name: str, args: dict[str, str], *, operator: str, key: str = ""
    ) -> Answer:
        """Put a command into the inbox and return the kernel's answer.

        `key` names the command: given twice, it happens once. Raises TimeoutError when there was
        no answer in time; the command may still be executed.
        """
        ...

    def say(self, severity: Severity, kind: str, text: str, symbol: str = "") -> None:
        """Tell people; never blocks."""
        ...


class Door(Protocol):
    """A way in for the operator beside the control socket; its end harms nobody."""

    name: str

    async def run(self, house: House) -> None:
        """Serve until cancelled."""
        ...


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """What people are told: one notice, or several of one kind that waited together."""

    alert_id: str
    event_ns: int
    severity: Severity
    kind: str
    texts: tuple[str, ...]
    """What was said, oldest first; the middle is left out when there was much."""
    symbol: str = ""
    count: int = 1
    repeat: int = 0
    """How often it was told before without anybody acknowledging it."""
    silent: bool = False
    """Deliver without a sound."""


class Channel(Protocol):
    """A way to people. May be slow or fail: what it cannot take now is kept for it."""

    name: str

    async def send(self, alerts: Sequence[Alert]) -> None:
        """Deliver all of `alerts`. Raises ChannelFailed when they may not have arrived."""
        ...


class Keep(Protocol):
    """A small file that is written whole or not at all."""

    def load(self) -> bytes | None:
        """Return what was saved last, None when nothing was. May raise OSError."""
        ...

    async def save(self, data: bytes) -> None:
        """Return when `data` is durable. May raise OSError."""
        ...


Emit = Callable[[Event], None]
OrderLookup = Callable[[str], OrderState | None]
