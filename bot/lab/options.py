"""What a replay is asked and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal

import msgspec

from bot.domain.account import MarginMode
from bot.domain.market import Candle
from bot.domain.messages import MARKET_EVENTS, Event
from bot.domain.policy import LevelSpec, Policy
from bot.domain.strategy import Strategy
from bot.kernel.snapshot import Trade
from bot.lab.sense_tape import SenseTape
from bot.ports import Clock

Hold = Literal["long", "short"]
StopFill = Literal["touch", "gap", "low"]
InBar = Literal["adverse", "favourable"]
"""Which extreme of a bar comes first, seen from what is held."""
Progress = Callable[[float], None]


class Silence(msgspec.Struct, frozen=True):
    """From when until when (ns UTC) the kernel hears no prices, or, with `whole`, nothing."""

    from_ns: int
    until_ns: int
    whole: bool

    def hides(self, event: Event, now_ns: int) -> bool:
        """Whether an event does not get through."""
        silent = self.from_ns <= now_ns < self.until_ns
        return silent and (self.whole or isinstance(event, MARKET_EVENTS))


class Adl(msgspec.Struct, frozen=True):
    """A hedge, and when (ns UTC, the start of a bar) the venue closes all of its winning leg.

    `worse_frac`: how far beyond the market somebody's bankruptcy price lies, against the winner.
    """

    at_ns: int
    worse_frac: float


@dataclass(frozen=True, kw_only=True)
class ReplayOptions:
    """One replay of one data folder.

    `symbols` empty means what the policy allows; a held position is opened in the first of them.
    `start` is "first" or a number of hours after the first bar ("12h"): earlier bars then only
    warm the kernel. `latency_ms` is the way of an order to the venue. `clock` measures the speed;
    without one it is not reported. `strategies` are those that shall run, already loaded.
    """

    data: Path
    policy: Policy = field(default_factory=Policy)
    symbols: tuple[str, ...] = ()
    hold: Hold | None = None
    leverage: int = 1
    margin: MarginMode = MarginMode.ISOLATED
    guard: bool = True
    stop_fill: StopFill = "touch"
    start: str = "first"
    seed: int = 1
    wallet_usd: Decimal = Decimal(10_000)
    latency_ms: int = 80
    in_bar: InBar = "adverse"
    strategies: tuple[Strategy, ...] = ()
    clock: Clock | None = None
    progress: Progress | None = None
    sense: bool = False
    """Whether to keep what the senses said, for the page and the file of readings."""
    hold_all: bool = False
    """Hold every symbol, each with an equal part of the wallet, instead of the first alone."""
    sense_on: bool = True
    """Whether the market is judged at all; what a human holds is guarded without it."""
    silence: Silence | None = None
    """A part of the time in which feeds or the whole venue are out of reach; stops still rest."""
    slip_fast_bps: float = 30.0
    """What a market order loses in a fast bar."""
    adl: Adl | None = None
    """Hold the other side as well, of the same size, until the venue takes the winner away."""
    resume: Path | None = None
    """Where the replay is kept as it goes; one that was cut off goes on from there."""


class StoryLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the story: when, at which price, what, why."""

    event_ns: int
    kind: str
    symbol: str
    price: float
    what: str
    why: str
    measured: str = ""
    limit: str = ""


class EquityPoint(msgspec.Struct, frozen=True):
    """Equity at the close of a bar and its worst within that bar, USD."""

    event_ns: int
    equity_usd: float
    worst_usd: float


class FillMark(msgspec.Struct, frozen=True, kw_only=True):
    """One execution as a chart shows it."""

    event_ns: int
    symbol: str
    side: str
    qty: float
    price: float
    purpose: str


class StopMark(msgspec.Struct, frozen=True):
    """The trigger of the working stop from `event_ns` on; 0.0: none."""

    event_ns: int
    symbol: str
    trigger: float


@dataclass(frozen=True, kw_only=True)
class Traces:
    """What a report draws: bars, equity, executions, stops and levels."""

    bars: dict[str, list[Candle]]
    equity: list[EquityPoint]
    fills: list[FillMark]
    stops: list[StopMark]
    levels: tuple[LevelSpec, ...]
    sense: SenseTape = field(default_factory=SenseTape)


@dataclass(frozen=True, kw_only=True)
class ReplayResult:
    """A finished replay: the numbers, the story, and what the report draws.

    `return_frac` is of the first wallet; `funding_usd` is negative when paid, `fees_usd` positive;
    `max_drawdown_frac` is positive, from the running peak, marked at intrabar extremes.
    """

    data: str
    from_ns: int
    to_ns: int
    symbols: tuple[str, ...]
    hold: Hold | None
    leverage: int
    margin: str
    guard: bool
    profile: str
    stop_fill: StopFill
    start: str
    seed: int
    strategies: tuple[str, ...]
    events: int
    events_per_s: float | None
    trades: int
    wins: int
    wallet_usd: float
    final_equity_usd: float
    return_frac: float
    max_drawdown_frac: float
    max_drawdown_ns: int
    liquidations: int
    delever_actions: int
    stops_filled: int
    latched: bool
    fees_usd: float
    funding_usd: float
    unprotected_s_max: float
    worst_margin_ratio: float
    """Maintenance over equity at its worst point, of any leg; 1 is liquidation."""
    actions_a_day_max: int
    refused_orders: int
    digest: str
    actions: list[StoryLine]
    story: list[StoryLine]
    caveats: list[str]
    traces: Traces
    closed: tuple[Trade, ...] = ()
    """The strategies' finished trades, oldest first (the newest 500)."""
    signals: int = 0
    """Different wishes of strategies that came to sizing, taken or refused."""
