"""Several accounts under one loss budget: what is known of their money together, now."""

import math
from collections.abc import Sequence

import msgspec

from bot.domain.house import House


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One account as last seen; its house has no equity while it cannot be told."""

    house: House
    floor_usd: float | None
    """What its resting floor stop leaves; None: it has no peak yet."""
    peak_usd: float


class Joint(msgspec.Struct, frozen=True, kw_only=True):
    """The money of all accounts together, USD."""

    equity_usd: float | None
    """None: some account is not seen now."""
    at_least_usd: float | None
    """With the floor in the place of what is not seen; None: even that is not known."""
    peak_usd: float | None
    """Sum of the accounts' own peaks, as transfers and re-arming left them; None: one has none."""
    unseen: tuple[str, ...]


def together(accounts: Sequence[Seen]) -> Joint:
    """Return the sum of accounts; what is not seen is never counted with an old number."""
    known = [each.house.equity_usd for each in accounts if each.house.equity_usd is not None]
    dark = [each for each in accounts if not each.house.known]
    floors = [each.floor_usd for each in dark if each.floor_usd is not None]
    peaks = [each.peak_usd for each in accounts]
    return Joint(
        equity_usd=None if dark else math.fsum(known),
        at_least_usd=math.fsum([*known, *floors]) if len(floors) == len(dark) else None,
        peak_usd=math.fsum(peaks) if peaks and all(peaks) else None,
        unseen=tuple(each.house.account for each in dark),
    )


def is_spent(joint: Joint, budget_frac: float) -> bool:
    """Whether the accounts together have lost the joint budget; what is unknown has not."""
    if joint.equity_usd is None or joint.peak_usd is None or budget_frac <= 0.0:
        return False
    return joint.equity_usd <= (1.0 - budget_frac) * joint.peak_usd
