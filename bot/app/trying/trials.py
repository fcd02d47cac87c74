"""Plays one trial of a sweep: a strategy with given numbers over part of each recorded folder."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import msgspec

from bot.app.trying.discover import find_strategies
from bot.data.folder import Folder, read_folder
from bot.domain.errors import BotError
from bot.domain.policy import Policy
from bot.domain.units import NS_PER_DAY
from bot.lab.material import Material, material_of
from bot.lab.options import EquityPoint, ReplayOptions
from bot.lab.replay import replay_material
from bot.lab.sweep.ledger import Trial
from bot.lab.sweep.space import Params


class StrategyTrial(msgspec.Struct, frozen=True, kw_only=True):
    """What all trials of a sweep share; calling it plays one."""

    folders: tuple[Path, ...]
    strategies: Path
    name: str
    fixed: dict[str, float]
    policy: Policy
    symbols: tuple[str, ...]
    stop_fill: str = "touch"

    def __call__(self, params: Params, share: float) -> Trial:
        """Return the daily returns of one set over the first `share` of each folder."""
        days: dict[str, list[float]] = {}
        trades = liquidations = 0
        worst = 0.0
        try:
            numbers = {self.name: {**self.fixed, **params}}
            for folder in self.folders:
                chosen = find_strategies(self.strategies, (self.name,), numbers)
                options = ReplayOptions(
                    data=folder, policy=self.policy, symbols=self.symbols, strategies=chosen,
                    stop_fill=self.stop_fill,  # type: ignore[arg-type]
                )  # fmt: skip
                material = shortened(material_of(_folder(folder), options), share)
                result = replay_material(material, options)
                days[folder.name] = daily(result.traces.equity, result.wallet_usd)
                trades += result.trades
                liquidations += result.liquidations
                worst = max(worst, result.max_drawdown_frac)
        except BotError as error:
            return Trial(params=params, share=share, error=str(error))
        return Trial(
            params=params, share=share, days=days, trades=trades, liquidations=liquidations,
            max_drawdown_frac=worst,
        )  # fmt: skip


@lru_cache(maxsize=4)
def _folder(path: Path) -> Folder:
    return read_folder(path)


def shortened(material: Material, share: float) -> Material:
    """Return the material ended after `share` of its time."""
    span_ns = material.end_ns - material.start_ns
    return replace(material, end_ns=material.start_ns + max(1, round(share * span_ns)))


def daily(curve: list[EquityPoint], wallet_usd: float) -> list[float]:
    """Return the return of equity on each UTC day, from the last point of the day before."""
    out: list[float] = []
    before = last = wallet_usd
    day = curve[0].event_ns // NS_PER_DAY if curve else 0
    for point in curve:
        now = point.event_ns // NS_PER_DAY
        if now != day:
            out.append(last / before - 1.0 if before > 0.0 else 0.0)
            day, before = now, last
        last = point.equity_usd
    if curve:
        out.append(last / before - 1.0 if before > 0.0 else 0.0)
    return out
