"""What else one could have done with a held position, and whether the guard's timing was luck."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from bot.domain.errors import ConfigInvalid
from bot.domain.policy import Policy
from bot.lab.fast import held
from bot.lab.fast.compiler import compiled
from bot.lab.fast.held import Plan, Tier, Walk
from bot.lab.material import Material
from bot.lab.options import Hold

FORMULAS = ("bot.kernel.indicators.volatility", "bot.kernel.margin")
STOPS = (0.02, 0.05, 0.10)
DRAWS = 1_000
Figures = dict[str, Any]


class Setting(NamedTuple):
    """One position that all baselines hold: where, which way, how much."""

    material: Material
    policy: Policy
    hold: Hold
    leverage: int
    wallet_usd: float


@lru_cache(maxsize=1)
def engine() -> Any:  # noqa: ANN401 - a module, compiled or as it stands
    """Return the compiled loops, or the same source interpreted where the extra is missing."""
    try:
        return compiled("bot.lab.fast.held", FORMULAS)
    except ConfigInvalid:
        return held


def walk_of(material: Material, change: Mapping[int, float] | None = None) -> Walk:
    """Return the first symbol's bars as columns; `change`: bar number -> share of first quantity.

    Funding is paid at the first bar that opens at its settlement or after it.
    """
    track = material.tracks[0]
    keep = [n for n, ns in enumerate(track.open_ns) if ns >= material.start_ns]
    cut = keep[0] if keep else 0
    size = len(track.open_ns) - cut
    changes = np.zeros(size)
    for bar, share in (change or {}).items():
        changes[bar] += share
    ns = np.array(track.open_ns[cut:], np.int64)
    return Walk(
        ns=ns,
        first=np.array(track.open[cut:]),
        high=np.array(track.high[cut:]),
        low=np.array(track.low[cut:]),
        close=np.array(track.close[cut:]),
        fast=np.array(track.fast[cut:], np.bool_),
        funding=_funding(material, ns),
        change=changes,
    )


def _funding(material: Material, ns: Any) -> Any:  # noqa: ANN401 - an array of instants
    paid = np.zeros(len(ns))
    for settled_ns, rate in material.funding[material.symbols[0]].rates.items():
        at = int(np.searchsorted(ns, settled_ns))
        if 0 < at < len(ns):
            paid[at] += rate
    return paid


def plan_of(setting: Setting) -> Plan:
    """Return how the position is simply held."""
    symbol = setting.material.symbols[0]
    guard = setting.policy.guard
    return Plan(
        sign=1 if setting.hold == "long" else -1,
        leverage=float(setting.leverage),
        cash_usd=setting.wallet_usd,
        fee_frac=setting.material.instruments[0].taker_fee_frac,
        dead_band_frac=guard.dead_band_frac,
        prior_sigma=guard.prior_sigma.get(symbol.split("/", 1)[0], guard.prior_sigma_other),
        half_fast_ns=guard.half_life_fast_ns,
        half_slow_ns=guard.half_life_slow_ns,
    )


def tiers_of(setting: Setting) -> tuple[Tier, ...]:
    """Return the contract's margin tiers as the loops read them."""
    return tuple(
        Tier(t.floor_usd, t.cap_usd, t.maint_frac, t.deduction_usd)
        for t in setting.material.instruments[0].tiers
    )


def steps_of(policy: Policy) -> tuple[tuple[float, float], ...]:
    """Return the margin ladder as (ratio, factor)."""
    return tuple((step.enter, step.factor) for step in policy.rules.margin_ratio)


def play(setting: Setting, walk: Walk, plan: Plan) -> Figures:
    """Hold one position by `plan` and return its figures."""
    state = np.zeros(held.STATE_SIZE)
    engine().play_held(state, walk, plan, tiers_of(setting), steps_of(setting.policy))
    return {
        "liquidations": int(state[held.LIQUIDATIONS]),
        "final_equity_usd": held.equity_usd(state, plan.sign, float(walk.close[-1])),
        "max_drawdown_frac": float(state[held.DRAWDOWN]),
        "actions": int(state[held.ACTIONS]),
        "costs_usd": float(state[held.COSTS]),
    }


def baselines(setting: Setting) -> dict[str, Figures]:
    """Return the figures of every rule of thumb, by its name."""
    walk, plan = walk_of(setting.material), plan_of(setting)
    plans = {f"stop_{100.0 * frac:.0f}pct": plan._replace(stop_frac=frac) for frac in STOPS}
    plans["volatility_target"] = plan._replace(sigma_target=setting.policy.guard.sigma_target)
    plans["margin_ratio_only"] = plan._replace(ratio_on=1)
    return {name: play(setting, walk, each) for name, each in plans.items()}


def permuted(setting: Setting, change: Mapping[int, float], *, draws: int, seed: int) -> Figures:
    """Return what random timing of the same changes does, and how often it does as well.

    The changes keep their sizes and their order; their instants are drawn anew, uniformly. The
    guard's own instants are played by the same loops. p-values count the guard among the draws.
    """
    walk, plan = walk_of(setting.material, change), plan_of(setting)
    own = play(setting, walk, plan)
    if not change:
        return {**own, "p_value": None, "p_value_drawdown": None, "draws": 0}
    dice = np.random.default_rng(seed)
    size = len(walk.close)
    orders = np.sort(dice.integers(1, size, (draws, len(change))), axis=1)
    finals, drawdowns, fallen = (np.zeros(draws) for _ in range(3))
    engine().play_schedules(
        finals, drawdowns, fallen, orders, walk, plan, tiers_of(setting),
        steps_of(setting.policy), np.zeros(held.STATE_SIZE),
    )  # fmt: skip
    better = int((finals >= own["final_equity_usd"]).sum())
    calmer = int((drawdowns <= own["max_drawdown_frac"]).sum())
    return {
        "liquidations": round(float(np.median(fallen))),
        "liquidated_frac": float((fallen > 0).mean()),
        "final_equity_usd": float(np.median(finals)),
        "max_drawdown_frac": float(np.median(drawdowns)),
        "actions": len(change),
        "costs_usd": own["costs_usd"],
        "p_value": (1 + better) / (1 + draws),
        "p_value_drawdown": (1 + calmer) / (1 + draws),
        "draws": draws,
        "guard_timing_final_equity_usd": own["final_equity_usd"],
    }
