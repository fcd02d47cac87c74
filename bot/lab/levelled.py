"""Bracket trades at levels under the ladder, one set of numbers at compiled speed: a trial."""

from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bot.domain.errors import BotError, ConfigInvalid
from bot.domain.instrument import Instrument
from bot.domain.units import NS_PER_DAY, NS_PER_S
from bot.lab.baselines import walk_of
from bot.lab.fast import laddered
from bot.lab.fast.brackets import Bracket
from bot.lab.fast.compiler import compiled
from bot.lab.fast.laddered import BORROWED, Bars
from bot.lab.fast.rungs import MONEY_SIZE, TIMES_SIZE, Contract, Rules
from bot.lab.material import Material, material_of
from bot.lab.options import ReplayOptions
from bot.lab.stress import recorded
from bot.lab.sweep.ledger import Trial
from bot.lab.sweep.space import Params

RULE = ("band_frac", "stop_frac", "target_frac", "risk_frac", "leverage_max")
LADDER = (
    "half_frac", "halt_frac", "cool_down_h", "cool_down_max_h", "ramp_per_h", "dwell_s",
    "cycles_max", "heat_max_frac",
)  # fmt: skip
NUMBERS = (*RULE, *LADDER)
"""What may be varied: a bracket's own numbers, and those of the strategies' loss of the day."""
KEPT_FRAC = 0.02
"""Of the notional, what maintenance and costs take of the way to liquidation at most."""
Level = tuple[float, int]
"""A price, and the instant (ns UTC) from which it is known."""


class LevelledTrial(msgspec.Struct, frozen=True, kw_only=True):
    """What all trials of a compiled sweep share; calling it plays one."""

    folders: tuple[Path, ...]
    symbol: str
    levels: tuple[Level, ...]
    cash_usd: float = 100_000.0

    def __call__(self, params: Params, share: float) -> Trial:
        """Return the daily returns of one set over the first `share` of each folder."""
        days: dict[str, list[float]] = {}
        trades = liquidations = 0
        worst = 0.0
        try:
            for folder in self.folders:
                material = material_at(folder, self.symbol)
                rule, rules = numbers_of(params, material.instruments[0], self.cash_usd)
                played = play(material, self.levels, rule, rules, share)
                days[folder.name] = played.days
                trades += played.trades
                liquidations += played.liquidations
                worst = max(worst, played.max_drawdown_frac)
        except BotError as error:
            return Trial(params=params, share=share, error=str(error))
        return Trial(
            params=params, share=share, days=days, trades=trades, liquidations=liquidations,
            max_drawdown_frac=worst,
        )  # fmt: skip


class Played(msgspec.Struct, frozen=True):
    """One set over one folder; returns and drawdown as fractions, marked at closes.

    `liquidations` is 1 where a gap took more than there was: the venue's fund pays the rest.
    """

    days: list[float]
    trades: int
    cuts: int
    liquidations: int
    final_equity_usd: float
    max_drawdown_frac: float


def numbers_of(params: Params, contract: Instrument, cash_usd: float) -> tuple[Bracket, Rules]:
    """Return bracket and ladder with the numbers of a set; the rest is as shipped.

    Raises:
        ConfigInvalid: a name nobody knows, a number out of bounds, or a leverage at which
            liquidation comes before the gate's two stop distances, which this does not model.
    """
    refuse_unknown(params)
    bad = [name for name, value in params.items() if not value > 0.0]
    if bad:
        raise ConfigInvalid(f"--param {bad[0]}: was {params[bad[0]]:g}, must be above 0")
    rule = Bracket(fee_frac=contract.taker_fee_frac, cash_usd=cash_usd)._replace(
        **{name: params[name] for name in RULE if name in params}
    )
    shipped = Rules()._asdict()
    ladder: dict[str, Any] = {name: params.get(name, shipped[name]) for name in LADDER}
    rules = Rules()._replace(**{**ladder, "cycles_max": int(ladder["cycles_max"])})
    if rule.leverage_max * (2.0 * rule.stop_frac + KEPT_FRAC) >= 1.0:
        raise ConfigInvalid(
            f"leverage_max {rule.leverage_max:g} with stop_frac {rule.stop_frac:g}: liquidation "
            "would lie within two stop distances, where the gate sizes down; play it by `replay`"
        )
    return rule, rules


def refuse_unknown(params: Params) -> None:
    """Refuse names of numbers that nobody knows.

    Raises:
        ConfigInvalid: with those that there are.
    """
    unknown = [name for name in params if name not in NUMBERS]
    if unknown:
        raise ConfigInvalid(
            f"--param {unknown[0]}: --compiled has no such number; known: {', '.join(NUMBERS)}"
        )


@lru_cache(maxsize=1)
def engine() -> Any:  # noqa: ANN401 - a module, compiled or as it stands
    """Return the compiled loops, or the same source interpreted where the extra is missing."""
    try:
        return compiled("bot.lab.fast.laddered", BORROWED)
    except ConfigInvalid:
        return laddered


def bars_of(material: Material, share: float = 1.0) -> Bars:
    """Return the first symbol's bars up to `share` of the time, funding at the closes it is due."""
    walk = walk_of(material)
    until_ns = material.start_ns + round(share * (material.end_ns - material.start_ns))
    size = max(2, int(np.searchsorted(walk.ns, until_ns)))
    due = np.append(walk.funding[1:], 0.0)
    return Bars(*(column[:size] for column in (*walk[:5], due)))


def play(
    material: Material, levels: tuple[Level, ...], rule: Bracket, rules: Rules, share: float = 1.0
) -> Played:
    """Walk the bars of a folder with one set of numbers."""
    bars = bars_of(material, share)
    length = len(bars.close)
    money, times = np.zeros(MONEY_SIZE), np.zeros(TIMES_SIZE, np.int64)
    deals, cuts = np.zeros((length + 1, 5)), np.zeros((2 * length + 1, 3))
    curve = np.zeros(length)
    rising = sorted(levels)
    prices = np.array([price for price, _ in rising])
    since = np.array([ns for _, ns in rising], np.int64)
    found, final = engine().play_laddered(
        money, times, bars, prices, since, rule, rules, contract_of(material), deals, cuts, curve
    )
    return Played(
        days=_daily(bars.ns, curve, rule.cash_usd),
        trades=int(found),
        cuts=int(np.count_nonzero(cuts[:, 1])),
        liquidations=int(final <= 0.0),
        final_equity_usd=float(final),
        max_drawdown_frac=_worst(curve, rule.cash_usd),
    )


def contract_of(material: Material) -> Contract:
    """Return the grids of the first symbol's contract, and the length of its bars."""
    found = material.instruments[0]
    return Contract(
        lots=float(1 / found.lot),
        ticks=float(1 / found.tick),
        qty_min=float(found.qty_min),
        notional_min_usd=float(found.notional_min_usd),
        bar_ns=material.tracks[0].timeframe_s * NS_PER_S,
    )


def _daily(ns: Any, curve: Any, cash_usd: float) -> list[float]:  # noqa: ANN401 - arrays
    """Return the return of each UTC day, from the last close of the day before."""
    day = ns // NS_PER_DAY
    last = np.append(np.flatnonzero(np.diff(day)), len(day) - 1)
    ends = np.concatenate(([cash_usd], curve[last]))
    return [
        float(after / before - 1.0) if before > 0.0 else 0.0 for before, after in pairwise(ends)
    ]


def _worst(curve: Any, cash_usd: float) -> float:  # noqa: ANN401 - an array
    peak = np.maximum(np.maximum.accumulate(curve), cash_usd)
    return float(np.max(1.0 - curve / peak, initial=0.0))


@lru_cache(maxsize=8)
def material_at(folder: Path, symbol: str) -> Material:
    """Return the bars of one symbol of a folder.

    Raises:
        ConfigInvalid: the folder does not hold the symbol.
        DataInvalid: nothing in it can be played.
    """
    options = ReplayOptions(data=folder, symbols=(symbol,), sense_on=False)
    return material_of(recorded(folder), options)
