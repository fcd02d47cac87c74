"""Several accounts as one: what they hold together, and what a common shock leaves of them."""

import math
from collections.abc import Mapping, Sequence

import msgspec

SHOCKS = (-0.2, -0.1, 0.1, 0.2)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One account as last seen; USD."""

    name: str
    venue: str
    fresh: bool
    """Whether venue and prices are heard now; numbers of an account that is not are no facts."""
    equity_usd: float | None
    floor_usd: float | None
    """What its resting floor stop leaves; None: it has no peak yet."""
    peak_usd: float
    notional_usd: Mapping[str, float]
    """asset -> signed notional at the mark."""


class Joint(msgspec.Struct, frozen=True, kw_only=True):
    """All accounts together."""

    equity_usd: float | None
    """None: some account is not seen now."""
    at_least_usd: float | None
    """With the floor in the place of what is not seen; None: even that is not known."""
    peak_usd: float | None
    """Sum of the accounts' own peaks, as transfers and re-arming left them; None: one has none."""
    unseen: tuple[str, ...]
    net_usd: Mapping[str, float]
    """asset -> signed notional over the accounts that are seen."""
    gross_usd: float
    venue_share_frac: Mapping[str, float]
    """venue -> its share of all notional; empty while nothing is held."""
    shocks: tuple[tuple[float, float], ...]
    """(move of all prices, equity of the seen accounts after it); no floor stop helps here."""


def together(accounts: Sequence[Seen]) -> Joint:
    """Return the sum of accounts; what is not seen is never counted with an old number."""
    seen = [each for each in accounts if each.fresh and each.equity_usd is not None]
    unseen = tuple(each.name for each in accounts if each not in seen)
    known = math.fsum(each.equity_usd or 0.0 for each in seen)
    floors = [each.floor_usd for each in accounts if each.name in unseen]
    bounded = all(floor is not None for floor in floors)
    peaks = [each.peak_usd for each in accounts]
    net: dict[str, float] = {}
    by_venue: dict[str, float] = {}
    for each in seen:
        for asset, notional in each.notional_usd.items():
            net[asset] = net.get(asset, 0.0) + notional
            by_venue[each.venue] = by_venue.get(each.venue, 0.0) + abs(notional)
    gross = sum(by_venue.values())
    return Joint(
        equity_usd=None if unseen else known,
        at_least_usd=math.fsum([known, *(floor or 0.0 for floor in floors)]) if bounded else None,
        peak_usd=math.fsum(peaks) if accounts and all(peaks) else None,
        unseen=unseen,
        net_usd=net,
        gross_usd=gross,
        venue_share_frac={v: usd / gross for v, usd in by_venue.items()} if gross > 0.0 else {},
        shocks=tuple((move, known + move * sum(net.values())) for move in SHOCKS),
    )


def is_spent(joint: Joint, budget_frac: float) -> bool:
    """Whether the accounts together have lost the joint budget; what is unknown has not."""
    if joint.equity_usd is None or joint.peak_usd is None or budget_frac <= 0.0:
        return False
    return joint.equity_usd <= (1.0 - budget_frac) * joint.peak_usd


def crowded(joint: Joint, limit_frac: float) -> str:
    """Return the venue that holds more than its share of the notional; "" for none."""
    worst = max(joint.venue_share_frac, key=lambda v: joint.venue_share_frac[v], default="")
    over = worst and limit_frac < 1.0 and joint.venue_share_frac[worst] > limit_frac
    return worst if over else ""
