"""What a daemon is made of: the parts the composition root hands to the supervisor."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from bot.domain.messages import Effect, Event, Notify
from bot.domain.orders import PositionSide
from bot.domain.policy import Policy
from bot.kernel.quiet import QuietBand
from bot.kernel.snapshot import BotState
from bot.ports import Clock, Door, Feed, Source, Venue
from bot.runtime.memory import Memory

Tell = Callable[[Notify], Awaitable[None] | None]
"""Carries a notice to people; may be slow or fail, which harms nobody."""

Ask = Callable[[str, dict[str, str]], Awaitable[dict[str, object]] | dict[str, object]]
"""Answers a read-only question (name, args); raises BotError with one clear line."""


class Past(Protocol):
    """What the venue remembers beside candles: settled funding and open interest of past hours."""

    async def once(self, emit: Callable[[Event], None]) -> None:
        """Tell all of it, oldest first by symbol; what fails is told as FeedStatus."""
        ...


class Machine(Protocol):
    """The kernel as the shell sees it: one event in, effects out."""

    @property
    def policy(self) -> Policy:
        """What the owner decided."""
        ...

    @property
    def state(self) -> BotState:
        """The belief; read it, never write it."""
        ...

    def step(self, event: Event) -> list[Effect]:
        """Fold `event` into the state and return what must happen now."""
        ...

    def quiet(self, symbol: str) -> QuietBand | None:
        """Return between which prices, until when, trades may be told folded; None: nowhere."""
        ...

    def freeze(self) -> bytes:
        """Return the whole state for the next start."""
        ...

    def restore_account(self, blob: bytes) -> None:
        """Take back the account part of a frozen state; ValueError when it cannot be read."""
        ...

    def wanted_stop(self, symbol: str, side: PositionSide) -> Decimal | None:
        """Return the stop trigger wanted for a leg, None when it cannot tell."""
        ...


class Tenure(Protocol):
    """The right to drive the account, which another process may come to have."""

    def held(self) -> bool:
        """Tell whether it is certainly still ours."""
        ...

    async def lost(self) -> str:
        """Return why it is lost, once it is; it does not come back."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Periods and deadlines of the shell, in seconds unless the name says otherwise."""

    read_only: bool = False
    second_s: float = 1.0
    coverage_s: float = 1.0
    lag_s: float = 0.1
    read_deadline_s: float = 3.0
    write_deadline_s: float = 10.0
    protect_deadline_s: float = 5.0
    """How long a protecting order that provably did not leave is tried again."""
    intent_deadline_s: float = 2.0
    entry_age_max_s: float = 5.0
    """A risking order older than this is not sent: the reason for it has passed."""
    history_s: int = 30 * 86_400
    history_timeframe_s: int = 3_600
    history_deadline_s: float = 20.0
    start_deadline_s: float = 60.0
    drain_s: float = 10.0
    snapshot_s: float = 5.0
    snapshot_gap_s: float = 0.25
    reconcile_s: float = 10.0
    """Coverage tells the account every second through its own door; this asks the other one."""
    open_interest_s: float = 60.0
    income_s: float = 60.0
    income_back_s: int = 7 * 86_400
    instruments_s: float = 3_600.0
    permissions_s: float = 21_600.0
    skew_s: float = 300.0
    skew_max_s: float = 0.5
    prove_key: bool = False
    """Whether nothing is opened before the venue has said what the key may do."""
    key_deadline_s: float = 1.5
    """How long a start may wait to hear what the key may do."""
    prove_stop: bool = True
    prove_again_s: float = 60.0
    prove_daily_s: float = 86_400.0
    rescue_distance_frac: float = 0.10
    scheduler: bool = True
    """False: the same jobs are driven by the Clock alone (simulated time)."""
    owns_process: bool = False
    """Whether nothing else lives in this process: its heap may be set aside for good."""
    signals: bool = True
    """Whether SIGTERM and SIGINT stop this daemon."""


@dataclass(kw_only=True, slots=True)
class DaemonParts:
    """Everything a daemon needs; opened and closed by whoever made it, not by the daemon."""

    kernel: Machine
    venue: Venue
    guard: Venue
    feeds: tuple[Feed, ...]
    memory: Memory
    clock: Clock
    symbols: tuple[str, ...]
    notify: Tell
    ask: Ask
    run_id: str
    sources: tuple[Source, ...] = ()
    """Asked by a job of the scheduler; their health stands in `health["sources"]`."""
    doors: tuple[Door, ...] = ()
    """Ways in for the operator beside the socket; one that ends is opened again."""
    socket_path: Path | None = None
    notify_address: str | None = None
    """$NOTIFY_SOCKET of systemd, when there is one."""
    backup: Callable[[], Awaitable[None]] | None = None
    tenure: Tenure | None = None
    """None: nobody else can come to drive this account."""
    past: Past | None = None
    """Asked at the start, so that the first judgement knows more than prices; None: nothing."""
    options: Options = field(default_factory=Options)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Set to end the daemon in order, as SIGTERM does."""
    clean: Callable[[str], str] = str
    """Takes secrets out of what is told at the control socket."""
    health: dict[str, object] = field(default_factory=dict)
    """Written by the daemon every second: ready, lag_s, inbox, journal, entries, blind."""
