"""Several accounts at several venues judged as one: money, exposure, joint shocks, one budget.

Pure. An account that is not known now is never counted on: a sum with it is unknown, a shock takes
its money for lost and its hedges for gone, and every answer names it.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from bot.domain.house import Holding, House

SLIDE_SLIP_FRAC = 0.0015
"""What a stop loses against its trigger when every price in between trades, fee included."""
UNKNOWN_MAINTENANCE_FRAC = 0.01
CUT_STEPS = 100


class Joint(msgspec.Struct, frozen=True, kw_only=True):
    """The money of all accounts together, USD."""

    equity_usd: float | None
    """None: some account is not seen now."""
    at_least_usd: float | None
    """With the floor in the place of what is not seen; None: even that is not known."""
    peak_usd: float | None
    """Sum of the accounts' own peaks: never too low for the whole; None: one has none."""
    unseen: tuple[str, ...]


class AssetExposure(msgspec.Struct, frozen=True, kw_only=True):
    """What all accounts hold of one asset, USD at their marks; longs are positive."""

    asset: str
    net_usd: float
    gross_usd: float
    by_venue: dict[str, float]


class VenueShare(msgspec.Struct, frozen=True, kw_only=True):
    """How much of all equity lies at one venue."""

    venue: str
    equity_usd: float | None
    """None: at least one of its accounts is not known."""
    share_frac: float | None
    over_limit: bool


class HouseAfter(msgspec.Struct, frozen=True, kw_only=True):
    """What a joint shock leaves of one account, USD."""

    account: str
    venue: str
    equity_usd: float
    loss_usd: float
    liquidated: tuple[str, ...] = ()
    closed_by_stop: tuple[str, ...] = ()


class JointAfter(msgspec.Struct, frozen=True, kw_only=True):
    """What a joint shock leaves of all accounts, USD."""

    equity_usd: float
    houses: tuple[HouseAfter, ...]
    counted_as_lost: tuple[str, ...]
    """Accounts that are not known."""


class JointBudget(msgspec.Struct, frozen=True, kw_only=True):
    """One loss budget over all accounts, USD."""

    floor_usd: float
    after_usd: float
    room_usd: float
    """What may be lost beyond the shock before the floor; negative: too much is at risk."""
    cut_frac: float
    """By which all exposure must shrink for the shock to end at the floor; 0: nothing."""


def together(houses: Sequence[House]) -> Joint:
    """Return the sum of accounts; what is not seen is never counted with an old number."""
    known = [each.equity_usd for each in houses if each.equity_usd is not None]
    dark = [each for each in houses if not each.known]
    floors = [each.floor_usd for each in dark if each.floor_usd is not None]
    peaks = [each.peak_usd for each in houses if each.peak_usd]
    return Joint(
        equity_usd=None if dark else math.fsum(known),
        at_least_usd=math.fsum([*known, *floors]) if len(floors) == len(dark) else None,
        peak_usd=math.fsum(peaks) if peaks and len(peaks) == len(houses) else None,
        unseen=tuple(each.account for each in dark),
    )


def is_spent(joint: Joint, budget_frac: float) -> bool:
    """Whether the accounts together have lost the joint budget; what is unknown has not."""
    if joint.equity_usd is None or joint.peak_usd is None or budget_frac <= 0.0:
        return False
    return joint.equity_usd <= (1.0 - budget_frac) * joint.peak_usd


def exposure(houses: Iterable[House]) -> tuple[tuple[AssetExposure, ...], tuple[str, ...]]:
    """Return exposure by asset, the largest gross first, and the accounts nobody knows of."""
    signed: dict[str, list[tuple[str, float]]] = {}
    unknown = []
    for house in houses:
        if not house.known:
            unknown.append(house.account)
            continue
        for held in house.holdings:
            usd = held.side.sign * held.notional_usd
            signed.setdefault(held.asset, []).append((house.venue, usd))
    found = [_asset(asset, parts) for asset, parts in signed.items()]
    return tuple(sorted(found, key=lambda a: (-a.gross_usd, a.asset))), tuple(sorted(unknown))


def _asset(asset: str, parts: Sequence[tuple[str, float]]) -> AssetExposure:
    by_venue: dict[str, float] = {}
    for venue, usd in parts:
        by_venue[venue] = by_venue.get(venue, 0.0) + usd
    return AssetExposure(
        asset=asset,
        net_usd=sum(usd for _, usd in parts),
        gross_usd=sum(abs(usd) for _, usd in parts),
        by_venue=dict(sorted(by_venue.items())),
    )


def concentration(houses: Sequence[House], limit_frac: float) -> tuple[VenueShare, ...]:
    """Return each venue's share of all equity; over the limit also when it cannot be told."""
    venues: dict[str, list[House]] = {}
    for house in houses:
        venues.setdefault(house.venue, []).append(house)
    known = {
        venue: sum(house.equity_usd or 0.0 for house in members)
        for venue, members in venues.items()
        if all(house.known for house in members)
    }
    total = sum(known.values())
    whole = len(known) == len(venues) and total > 0.0
    rows = []
    for venue in sorted(venues):
        share = known[venue] / total if whole else None
        over = len(venues) > 1 and (share is None or share > limit_frac)
        rows.append(
            VenueShare(venue=venue, equity_usd=known.get(venue), share_frac=share, over_limit=over)
        )
    return tuple(rows)


def exposure_shares(exposures: Iterable[AssetExposure]) -> dict[str, float]:
    """Return venue -> its share of what is held net of each asset there; empty: nothing is held."""
    held: dict[str, float] = {}
    for each in exposures:
        for venue, usd in each.by_venue.items():
            held[venue] = held.get(venue, 0.0) + abs(usd)
    whole = sum(held.values())
    return {venue: usd / whole for venue, usd in held.items()} if whole > 0.0 else {}


def joint_shock(
    houses: Sequence[House],
    moves: Mapping[str, float],
    *,
    gap: bool = False,
    silent: frozenset[str] = frozenset(),
    scale: float = 1.0,
) -> JointAfter:
    """Return what a move of all venues at once leaves.

    `moves`: asset -> change as a fraction of the mark. `gap`: stops fill at its end. Venues in
    `silent` fill no stop. `scale`: share of every quantity that is held. An account loses at most
    its equity; an isolated leg at most its margin and result.
    """
    after, lost = [], []
    for house in houses:
        if house.equity_usd is None:
            lost.append(house.account)
            continue
        mute = house.venue in silent
        after.append(_shocked(house, house.equity_usd, moves, gap=gap, mute=mute, scale=scale))
    return JointAfter(
        equity_usd=sum(each.equity_usd for each in after),
        houses=tuple(after),
        counted_as_lost=tuple(sorted(lost)),
    )


def _shocked(
    house: House,
    equity_usd: float,
    moves: Mapping[str, float],
    *,
    gap: bool,
    mute: bool,
    scale: float,
) -> HouseAfter:
    walled_usd, shared_usd, needed_usd = 0.0, equity_usd, 0.0
    stopped, dead, open_cross = [], [], []
    for held in house.holdings:
        name = f"{held.symbol} {held.side.value}"
        closed = not mute and _stops(held, moves)
        move_usd = scale * _move_usd(held, moves, closed=closed, gap=gap)
        needs_usd = 0.0 if closed else scale * _needed_usd(held, moves)
        if closed:
            stopped.append(name)
        if held.isolated_margin_usd is None:
            shared_usd += move_usd
            needed_usd += needs_usd
            if not closed:
                open_cross.append(name)
            continue
        own_usd = scale * (held.isolated_margin_usd + held.upnl_usd)
        shared_usd -= own_usd
        left_usd = own_usd + move_usd
        if left_usd <= needs_usd and not closed:
            dead.append(name)
            left_usd = 0.0
        walled_usd += left_usd
    if open_cross and shared_usd <= needed_usd:
        dead += open_cross
        shared_usd = 0.0
    left = max(shared_usd, 0.0) + max(walled_usd, 0.0)
    return HouseAfter(
        account=house.account,
        venue=house.venue,
        equity_usd=left,
        loss_usd=equity_usd - left,
        liquidated=tuple(dead),
        closed_by_stop=tuple(stopped),
    )


def budget(
    houses: Sequence[House],
    moves: Mapping[str, float],
    *,
    peak_usd: float,
    loss_budget_frac: float,
    silent: frozenset[str] = frozenset(),
    gap: bool = False,
) -> JointBudget:
    """Return how a joint shock stands to one loss budget over all accounts, from a joint peak.

    `cut_frac` is in hundredths.
    """
    floor_usd = peak_usd * (1.0 - loss_budget_frac)

    def left_usd(scale: float) -> float:
        return joint_shock(houses, moves, gap=gap, silent=silent, scale=scale).equity_usd

    after_usd = left_usd(1.0)
    return JointBudget(
        floor_usd=floor_usd,
        after_usd=after_usd,
        room_usd=after_usd - floor_usd,
        cut_frac=_least_cut(left_usd, floor_usd),
    )


def _least_cut(left_usd: Callable[[float], float], floor_usd: float) -> float:
    """Return the least cut in hundredths that keeps the floor; 1 when none does.

    Asked step by step: a liquidation that a smaller quantity avoids makes the way no straight one.
    """
    for step in range(CUT_STEPS):
        if left_usd(1.0 - step / CUT_STEPS) >= floor_usd:
            return step / CUT_STEPS
    return 1.0


def _stops(held: Holding, moves: Mapping[str, float]) -> bool:
    """Tell whether the move goes through the leg's stop."""
    if held.stop_price is None:
        return False
    end = held.mark * (1.0 + moves.get(held.asset, 0.0))
    return held.side.sign * (end - held.stop_price) <= 0.0


def _move_usd(held: Holding, moves: Mapping[str, float], *, closed: bool, gap: bool) -> float:
    end = held.mark * (1.0 + moves.get(held.asset, 0.0))
    price, qty = end, float(held.qty)
    if closed and not gap and held.stop_price is not None:
        price = held.stop_price
    cost_usd = qty * price * SLIDE_SLIP_FRAC if closed else 0.0
    return held.side.sign * qty * (price - held.mark) - cost_usd


def _needed_usd(held: Holding, moves: Mapping[str, float]) -> float:
    """Return maintenance at the end of the move; an unknown rate is taken for one in a hundred."""
    end = held.mark * (1.0 + moves.get(held.asset, 0.0))
    rate = UNKNOWN_MAINTENANCE_FRAC if held.maintenance_frac is None else held.maintenance_frac
    return float(held.qty) * end * rate
