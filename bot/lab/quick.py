"""Held positions from every start at compiled speed: the loss budget alone, nothing else."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np

from bot.domain.account import MarginMode
from bot.domain.errors import ConfigInvalid
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.kernel.guard import CLOSE_SLIP_FRAC
from bot.kernel.observe.flows import DUE_WITHIN_NS
from bot.lab.baselines import FORMULAS, Setting, plan_of, play, tiers_of, walk_of
from bot.lab.fast import budget
from bot.lab.fast.budget import Guarded, Path
from bot.lab.fast.compiler import compiled
from bot.lab.fast.held import Walk
from bot.lab.material import Material, material_of
from bot.lab.options import ReplayOptions
from bot.lab.stress import Case, Row, blank, recorded

LEFT_OUT = ("worst_margin_ratio", "unprotected_s_max", "fees_usd", "funding_usd")
"""What only a replay can tell; rows carry zero there."""


@lru_cache(maxsize=1)
def engine() -> Any:  # noqa: ANN401 - a module, compiled or as it stands
    """Return the compiled loops, or the same source interpreted where the extra is missing."""
    try:
        return compiled("bot.lab.fast.budget", FORMULAS)
    except ConfigInvalid:
        return budget


def play_all(cases: Iterable[Case]) -> list[Row]:
    """Return a row of every case, guarded and not; cases that differ by start alone go together.

    Raises:
        ConfigInvalid: a case that only a replay can play.
        DataInvalid: a folder cannot be used.
    """
    groups: dict[tuple[object, ...], list[Case]] = {}
    for case in cases:
        key = (
            case.data, case.symbols, case.hold, case.margin, case.leverage, case.guard,
            case.policy.guard.profile, case.stop_fill, case.label,
        )  # fmt: skip
        groups.setdefault(key, []).append(case)
    rows: list[Row] = []
    for group in groups.values():
        starts = [case.start for case in group]
        rows += (play_starts if group[0].guard else play_bare)(group[0], starts)
    return rows


def path_of(material: Material) -> Path:
    """Return the first symbol's bars, with what was settled and what was due by what was known."""
    track, plan = material.tracks[0], material.funding[material.symbols[0]]
    walk = walk_of(material)
    end_ns = walk.ns + track.timeframe_s * NS_PER_S
    return Path(
        begin_ns=walk.ns,
        end_ns=end_ns,
        first=walk.first,
        high=walk.high,
        low=walk.low,
        close=walk.close,
        fast=walk.fast,
        paid=walk.funding,
        due=_due(plan.rates, plan.interval_s * NS_PER_S, end_ns),
        decide=end_ns % (material.bar_s * NS_PER_S) == 0,
    )


def _due(rates: dict[int, float], step_ns: int, at_ns: Any) -> Any:  # noqa: ANN401 - arrays
    """Return the last settled rate where the next settlement is near, else nothing.

    NaN before the first one: not known, so that the assumed rate is due.
    """
    out = np.zeros(len(at_ns))
    settled = np.array(sorted(rates), np.int64)
    for n, ns in enumerate(at_ns.tolist()):
        before = int(np.searchsorted(settled, ns)) - 1
        near = ns % step_ns == 0 or step_ns - ns % step_ns <= DUE_WITHIN_NS
        if before < 0:
            out[n] = np.nan
        elif near:
            out[n] = rates[int(settled[before])]
    return out


def guarded_of(case: Case, material: Material) -> Guarded:
    """Return how a case is opened and guarded."""
    guard = case.policy.guard
    coin = material.symbols[0].split("/", 1)[0]
    return Guarded(
        sign=1 if case.hold == "long" else -1,
        leverage=float(case.leverage),
        fee_frac=material.instruments[0].taker_fee_frac,
        close_slip_frac=CLOSE_SLIP_FRAC,
        assumed_frac=case.policy.sizing.funding_assumed_frac,
        at_low=int(case.stop_fill == "low"),
        floor_frac=guard.floor_frac,
        sigma_target=guard.sigma_target,
        dead_band_frac=guard.dead_band_frac,
        relever=int(guard.relever),
        wait_ns=guard.relever_wait_ns,
        step_frac=guard.relever_step_frac,
        distance_max_frac=guard.stop_distance_max_frac,
        prior_sigma=guard.prior_sigma.get(coin, guard.prior_sigma_other),
        half_fast_ns=guard.half_life_fast_ns,
        half_slow_ns=guard.half_life_slow_ns,
    )


def play_starts(case: Case, starts: Sequence[str]) -> list[Row]:
    """Return one row per start of a guarded case of one symbol.

    Raises:
        ConfigInvalid: a case that only a replay can play.
        DataInvalid: the folder cannot be used.
    """
    _check(case)
    material = _material(case)
    path, plan = path_of(material), guarded_of(case, material)
    begins = _begins(material, path.begin_ns, starts)
    tiers = tiers_of(_setting(case, material))
    out = np.zeros((len(begins), budget.STATE_SIZE))
    engine().play_starts(out, path, plan, tiers, begins, np.zeros(budget.STATE_SIZE))
    return [
        _row(replace(case, start=start), path, plan, bar, state)
        for start, bar, state in zip(starts, begins, out, strict=True)
    ]


def play_bare(case: Case, starts: Sequence[str]) -> list[Row]:
    """Return one row per start of the same position without a guard."""
    _check(case)
    material = _material(case)
    setting = _setting(case, material)
    walk, plan = walk_of(material), plan_of(setting)
    rows = []
    for start, bar in zip(starts, _begins(material, walk.ns, starts), strict=True):
        found = play(setting, Walk(*(column[bar:] for column in walk)), plan)
        rows.append(
            msgspec.structs.replace(
                blank(replace(case, start=start, guard=False)),
                return_frac=found["final_equity_usd"] / setting.wallet_usd - 1.0,
                final_equity_usd=found["final_equity_usd"],
                max_drawdown_frac=found["max_drawdown_frac"],
                liquidations=found["liquidations"],
            )
        )
    return rows


def _check(case: Case) -> None:
    if len(case.symbols) != 1 or case.margin is not MarginMode.ISOLATED:
        raise ConfigInvalid("--compiled: one position with isolated margin; else leave it out")
    if case.stop_fill == "gap" or case.sense_on or case.label.startswith("without "):
        raise ConfigInvalid("--compiled: the loss budget alone, --stop-fill touch or low")


def _setting(case: Case, material: Material) -> Setting:
    return Setting(material, case.policy, case.hold, case.leverage, Guarded().cash_usd)


def _begins(material: Material, begin_ns: Any, starts: Sequence[str]) -> Any:  # noqa: ANN401 - arrays
    hours = [0 if start == "first" else int(start.removesuffix("h")) for start in starts]
    wanted = [material.start_ns + hour * NS_PER_H for hour in hours]
    return np.searchsorted(begin_ns, np.array(wanted, np.int64))


def _row(case: Case, path: Path, plan: Guarded, bar: int, state: Any) -> Row:  # noqa: ANN401 - an array
    final = budget.equity_usd(state, plan.sign, float(path.close[-1]))
    opened_usd = float(state[budget.FIRST_QTY] * path.first[bar])
    return msgspec.structs.replace(
        blank(case),
        return_frac=final / plan.cash_usd - 1.0,
        final_equity_usd=final,
        max_drawdown_frac=float(state[budget.DRAWDOWN]),
        liquidations=int(state[budget.LIQUIDATIONS]),
        delever_actions=int(state[budget.ACTIONS]),
        actions_a_day_max=int(state[budget.DAY_MOST]),
        days=float(path.end_ns[-1] - path.begin_ns[bar]) / (24 * NS_PER_H),
        latched=bool(state[budget.LATCHED]),
        first_leverage=opened_usd / plan.cash_usd,
    )


def _material(case: Case) -> Material:
    options = ReplayOptions(
        data=case.data, policy=case.policy, symbols=case.symbols, hold=case.hold,
        leverage=case.leverage, sense_on=False,
    )  # fmt: skip
    return material_of(recorded(case.data), options)
