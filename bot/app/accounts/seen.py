"""What one account shows the others: numbers it would act on itself, or none."""

from collections.abc import Mapping
from typing import Any

import msgspec

from bot.answers import house as house_answer
from bot.answers.question import Answered, Question, rounded
from bot.domain.errors import DataInvalid
from bot.domain.house import Holding, House
from bot.domain.units import NS_PER_S, ZERO
from bot.kernel.guard import is_unexplained
from bot.kernel.snapshot import BotState
from bot.kernel.track import settled
from bot.runtime.parts import DaemonParts

MARK_AGE_NS = 30 * NS_PER_S
ACCOUNT_AGE_NS = 15 * NS_PER_S
"""By a running clock: a kernel whose daemon ended stands still, and all of it looks fresh to it."""


def shown(parts: DaemonParts, now_ns: int) -> Answered:
    """Return the answer `house` with the account's floor; no equity while it cannot be trusted.

    It cannot while the daemon starts or is blind, a mark is old, or wallet and positions do not
    tell of the same instant: a loss that the wallet shows before the position is gone would count
    twice, and latch all.
    """
    state, policy = parts.kernel.state, parts.kernel.policy
    told = house_answer.answer(Question(state=state, policy=policy, args={}))
    peak = state.anchors.high_water_usd
    sound = not is_dark(parts, now_ns) and settled(state) and not is_unexplained(state)
    sound = sound and _marked(state, now_ns)
    floor_usd = rounded((1.0 - policy.guard.floor_frac) * peak, 2) if peak > 0.0 else None
    return told | {"equity_usd": told["equity_usd"] if sound else None, "floor_usd": floor_usd}


def is_dark(parts: DaemonParts, now_ns: int) -> bool:
    """Whether the venue of an account cannot be read, or nobody drives it."""
    blind = not parts.health.get("ready") or parts.health.get("blind")
    return bool(blind) or now_ns - parts.kernel.state.account_ns > ACCOUNT_AGE_NS


def house_of(account: str, venue: str, told: Mapping[str, Any], *, fresh: bool = True) -> House:
    """Return an account from what it has shown; its money is not known unless that is fresh.

    Raises:
        DataInvalid: no program of ours shows this.
    """
    try:
        return House(
            account=account,
            venue=venue,
            equity_usd=msgspec.convert(told.get("equity_usd"), float | None) if fresh else None,
            holdings=msgspec.convert(told.get("holdings", ()), tuple[Holding, ...], strict=False),
            floor_usd=msgspec.convert(told.get("floor_usd"), float | None),
            peak_usd=msgspec.convert(told.get("high_water_usd"), float | None),
        )
    except msgspec.ValidationError as error:
        raise DataInvalid(f"fleet: account {account} tells nonsense: {error}") from None


def _marked(state: BotState, now_ns: int) -> bool:
    """Whether every held leg has a mark that is not old."""
    for leg in state.legs.values():
        market = state.markets.get(leg.symbol)
        if leg.qty > ZERO and (market is None or now_ns - market.mark_received_ns > MARK_AGE_NS):
            return False
    return True
