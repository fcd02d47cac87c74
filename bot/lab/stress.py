"""Many replays side by side: held positions through recorded weeks, guarded and unguarded."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec

from bot.data.folder import Folder, read_folder
from bot.domain.account import MarginMode
from bot.domain.errors import BotError
from bot.domain.policy import Policy
from bot.domain.units import NS_PER_H
from bot.lab.material import material_of
from bot.lab.options import Hold, ReplayOptions, ReplayResult, StopFill
from bot.lab.path import Track
from bot.lab.pool import spread
from bot.lab.replay import replay_material

START_EVERY_H = 12
START_HORIZON_FRAC = 0.6
"""Later starts see too little of what follows to be judged (definition of retention)."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One held position through one folder; `policy` carries profile, guard and rules."""

    data: Path
    symbols: tuple[str, ...]
    leverage: int
    margin: MarginMode
    policy: Policy
    guard: bool = True
    hold: Hold = "long"
    stop_fill: StopFill = "touch"
    start: str = "first"
    label: str = ""
    sense_on: bool = False
    """Whether the market is judged: only rules beyond the loss budget need it."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one case; fractions of the first equity, USD, seconds."""

    data: str
    symbols: str
    hold: str
    leverage: int
    margin: str
    profile: str
    guard: bool
    stop_fill: str
    start: str
    label: str
    return_frac: float
    final_equity_usd: float
    max_drawdown_frac: float
    liquidations: int
    worst_margin_ratio: float
    unprotected_s_max: float
    delever_actions: int
    actions_a_day_max: int
    days: float
    fees_usd: float
    funding_usd: float
    latched: bool
    first_leverage: float
    """Exposure over equity that the guard left of the position at the start; 0.0 unguarded."""
    changes: tuple[tuple[int, float], ...] = ()
    """What was changed of the first leg: bar from the start, share of its first quantity."""
    error: str = ""


@lru_cache(maxsize=2)
def recorded(path: Path) -> Folder:
    """Return a folder, the newest two from memory.

    Raises:
        DataInvalid: the folder cannot be used.
    """
    return read_folder(path)


def starts_of(hours: float, horizon_frac: float = START_HORIZON_FRAC) -> list[str]:
    """Return start texts every 12 hours over the first `horizon_frac` of `hours`."""
    last = int(hours * horizon_frac) // START_EVERY_H
    return ["first", *(f"{START_EVERY_H * n}h" for n in range(1, last + 1))]


def hours_of(path: Path, symbol: str) -> float | None:
    """Return how many hours of a symbol a folder holds; None when it holds none.

    Raises:
        DataInvalid: the folder cannot be used.
    """
    spans = [
        float(rows.open_ns[-1] - rows.open_ns[0]) / NS_PER_H
        for key, rows in recorded(path).candles.items()
        if key[0] == symbol
    ]
    return max(spans) if spans else None


def play(case: Case) -> Row:
    """Replay one case; what the data or the exchange refuse is told in `error`."""
    options = ReplayOptions(
        data=case.data,
        policy=case.policy,
        symbols=case.symbols,
        hold=case.hold,
        hold_all=len(case.symbols) > 1,
        leverage=case.leverage,
        margin=case.margin,
        guard=case.guard,
        stop_fill=case.stop_fill,
        start=case.start,
        sense_on=case.sense_on,
    )
    try:
        material = material_of(recorded(case.data), options)
        result = replay_material(material, options)
    except BotError as error:
        return msgspec.structs.replace(blank(case), error=str(error))
    changes = changes_of(result, material.tracks[0], material.start_ns)
    return msgspec.structs.replace(_row(case, result), changes=changes)


def run_cases(cases: Iterable[Case], workers: int, told: Callable[[Row], None]) -> list[Row]:
    """Play every case on `workers` processes; `told` hears each row as it comes.

    Rows are returned in the order of the cases.
    """
    wanted = list(cases)
    rows: dict[int, Row] = {}
    for number, row in spread(play, dict(enumerate(wanted)), workers):
        rows[number] = row
        told(row)
    return [rows[number] for number in range(len(wanted))]


def blank(case: Case) -> Row:
    """Return a row that says which case it is, and nothing of what became of it."""
    return Row(
        data=case.data.name,
        symbols="+".join(symbol.split("/", 1)[0] for symbol in case.symbols),
        hold=case.hold,
        leverage=case.leverage,
        margin=case.margin.value.lower(),
        profile=case.policy.guard.profile,
        guard=case.guard,
        stop_fill=case.stop_fill,
        start=case.start,
        label=case.label,
        return_frac=0.0,
        final_equity_usd=0.0,
        max_drawdown_frac=0.0,
        liquidations=0,
        worst_margin_ratio=0.0,
        unprotected_s_max=0.0,
        delever_actions=0,
        actions_a_day_max=0,
        days=0.0,
        fees_usd=0.0,
        funding_usd=0.0,
        latched=False,
        first_leverage=0.0,
    )


def _row(case: Case, result: ReplayResult) -> Row:
    return msgspec.structs.replace(
        blank(case),
        return_frac=result.return_frac,
        final_equity_usd=result.final_equity_usd,
        max_drawdown_frac=result.max_drawdown_frac,
        liquidations=result.liquidations,
        worst_margin_ratio=result.worst_margin_ratio,
        unprotected_s_max=result.unprotected_s_max,
        delever_actions=result.delever_actions,
        actions_a_day_max=result.actions_a_day_max,
        days=(result.to_ns - result.from_ns) / (24 * NS_PER_H),
        fees_usd=result.fees_usd,
        funding_usd=result.funding_usd,
        latched=result.latched,
        first_leverage=_first_leverage(result),
    )


def changes_of(result: ReplayResult, track: Track, start_ns: int) -> tuple[tuple[int, float], ...]:
    """Return what was changed of a leg: bars from the start, shares of its first quantity."""
    fills = [fill for fill in result.traces.fills if fill.symbol == track.symbol]
    if not fills:
        return ()
    first = bisect_left(track.open_ns, start_ns)
    whole, entry = fills[0].qty, fills[0].side
    out: dict[int, float] = {}
    for fill in fills[1:]:
        bar = bisect_right(track.open_ns, fill.event_ns) - 1 - first
        sign = 1.0 if fill.side == entry else -1.0
        out[bar] = out.get(bar, 0.0) + sign * fill.qty / whole
    return tuple(out.items())


def _first_leverage(result: ReplayResult) -> float:
    """Return the exposure that was left when the guard had first cut to the budget."""
    if not result.guard:
        return 0.0
    held: dict[str, float] = {}
    last: dict[str, float] = {}
    for fill in result.traces.fills:
        if fill.event_ns - result.from_ns > NS_PER_H:
            break
        sign = 1.0 if fill.side == "BUY" else -1.0
        held[fill.symbol] = held.get(fill.symbol, 0.0) + sign * fill.qty
        last[fill.symbol] = fill.price
    return sum(abs(qty) * last[symbol] for symbol, qty in held.items()) / result.wallet_usd
