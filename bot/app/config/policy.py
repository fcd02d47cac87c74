"""Translates settings into the kernel's Policy: units into nanoseconds, profiles into numbers."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from bot.app.config.rule_policy import rules_of
from bot.app.config.settings import Settings
from bot.app.config.tables import LevelsTable, RiskTable, SizingTable
from bot.domain.policy import (
    GuardPolicy,
    LevelPolicy,
    LevelSpec,
    LimitPolicy,
    Policy,
    SizingPolicy,
    StopPolicy,
    StrategyPolicy,
    guard_of,
)
from bot.domain.risk import Enforce, HandMode
from bot.domain.units import NS_PER_H, NS_PER_MS

_CUSTOM_SIGMA_PER_BUDGET = 3.0
REGIONS = {"none": (LimitPolicy().leverage_max, 0.0), "eu_retail": (2.0, 0.5)}
"""region -> (most leverage, equity over initial margin at which all is closed); ESMA 2018/796."""
_FLOOR_RESERVE_FRAC = 0.01
_FLOOR_RESERVE_SHARE = 0.10


def policy_of(settings: Settings, *, mode: str, profile: str = "") -> Policy:
    """Return the policy for `mode` (paper, testnet, live, replay); `profile` overrides the file's.

    Raises:
        KeyError: no such profile.
    """
    table = settings.breakwater
    strategies = settings.strategies
    leverage, close_out = REGIONS[settings.risk.region]
    return Policy(
        guard=_guard(settings.risk, live=mode == "live", profile=profile),
        rules=rules_of(settings.risk.rules, close_out_frac=close_out),
        sizing=_sizing(settings.risk.sizing, leverage),
        limits=_limits(settings.risk, leverage),
        stops=StopPolicy(**settings.risk.stops.model_dump()),
        levels=_levels(settings.levels),
        strategies=StrategyPolicy(
            enabled=strategies.enabled,
            params={name: dict(params) for name, params in strategies.params.items()},
        ),
        venue=settings.venues.exchange,
        bar_s=table.paper.bar_s if mode == "paper" else table.bar_s,
        bars_from="candles" if mode == "replay" else "trades",
    )


def _sizing(table: SizingTable, leverage: float) -> SizingPolicy:
    """Return the sizing of trades; the region's leverage is never exceeded."""
    numbers = table.model_dump()
    numbers["leverage_max"] = min(table.leverage_max, leverage)
    return SizingPolicy(**numbers)


def _limits(risk: RiskTable, leverage: float) -> LimitPolicy:
    modes = {
        f"{symbol}|{side}": HandMode(getattr(table, side.lower()))
        for symbol, table in sorted(risk.modes.items())
        for side in ("LONG", "SHORT")
    }
    return LimitPolicy(
        symbols=risk.symbols,
        notional_cap_usd=dict(risk.notional_cap_usd),
        notional_cap_default_usd=risk.notional_cap_default_usd,
        leverage_max=leverage,
        loosen_delay_ns=round(risk.loosen_delay_h * NS_PER_H),
        hand_modes={key: mode for key, mode in modes.items() if mode is not HandMode.NORMAL},
    )


def in_market_time(policy: Policy, wall_of: Callable[[int], int]) -> Policy:
    """Return the policy with its levels known when a market that runs on its own time comes there.

    A paper market of February 2026 or of a recorded folder carries today's clock: what was said
    later in that market's time must not be known in it earlier.
    """
    book = tuple(
        msgspec.structs.replace(spec, known_from_ns=wall_of(spec.known_from_ns))
        for spec in policy.levels.book
    )
    levels = msgspec.structs.replace(policy.levels, book=book)
    return msgspec.structs.replace(policy, levels=levels)


def floor_of(budget_frac: float) -> float:
    """Return the loss at which the floor stop rests: the budget less a reserve for costs.

    The reserve is one hundredth of equity, or a tenth of a small budget.
    """
    reserve = min(_FLOOR_RESERVE_FRAC, budget_frac * _FLOOR_RESERVE_SHARE)
    return budget_frac - reserve


def _guard(risk: RiskTable, *, live: bool, profile: str) -> GuardPolicy:
    tuning = risk.guard
    changes: dict[str, object] = {
        "enforce": Enforce(risk.enforce),
        "dead_band_frac": tuning.dead_band_frac,
        "relever": not live if tuning.relever is None else tuning.relever,
        "relever_wait_ns": round(tuning.relever_wait_h * NS_PER_H),
        "relever_step_frac": tuning.relever_step_frac,
        "stop_distance_max_frac": tuning.stop_distance_max_frac,
    }
    if tuning.sigma_target is not None:
        changes["sigma_target"] = tuning.sigma_target
    named = profile or risk.profile
    if named is not None:
        return guard_of(named, **changes)
    budget = risk.loss_budget_frac
    assert budget is not None  # noqa: S101 - RiskTable demands exactly one of the two
    changes.setdefault("sigma_target", _CUSTOM_SIGMA_PER_BUDGET * budget)
    changes |= {"loss_budget_frac": budget, "floor_frac": floor_of(budget)}
    return msgspec.structs.replace(guard_of("L20", **changes), profile="custom")


def _levels(table: LevelsTable) -> LevelPolicy:
    book = tuple(
        LevelSpec(
            symbol=level.symbol,
            name=level.name,
            low=level.low,
            high=level.high,
            known_from_ns=instant_ns(level.known_from),
        )
        for level in table.book
    )
    return LevelPolicy(book=book, **table.model_dump(exclude={"book"}))


def instant_ns(instant: datetime) -> int:
    """Return an aware datetime as nanoseconds UTC."""
    return round(instant.timestamp() * 1000) * NS_PER_MS
