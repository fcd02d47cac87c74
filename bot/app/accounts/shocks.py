"""What joint moves of all prices would leave of several accounts, each also with a venue silent."""

from collections.abc import Iterator, Mapping, Sequence

from bot.answers.question import Answered, rounded
from bot.domain.house import House
from bot.kernel.houses import AssetExposure, budget, joint_shock

MOVES_FRAC = (-0.20, -0.10, 0.10, 0.20)


def shocks(
    houses: Sequence[House],
    exposures: Sequence[AssetExposure],
    *,
    peak_usd: float | None,
    loss_budget_frac: float,
) -> list[Answered]:
    """Return a row for each move, and for each move with each venue silent; flat: none."""
    return list(_rows(houses, [each.asset for each in exposures], peak_usd, loss_budget_frac))


def _rows(
    houses: Sequence[House], assets: Sequence[str], peak_usd: float | None, budget_frac: float
) -> Iterator[Answered]:
    venues = sorted({house.venue for house in houses})
    for move in MOVES_FRAC if assets else ():
        for silent in ("", *(venues if len(venues) > 1 else ())):
            row = _shock(houses, dict.fromkeys(assets, move), silent, peak_usd, budget_frac)
            yield {"move_frac": move, **row}


def _shock(
    houses: Sequence[House],
    moves: Mapping[str, float],
    silent: str,
    peak_usd: float | None,
    budget_frac: float,
) -> Answered:
    dark = frozenset({silent} if silent else ())
    left = joint_shock(houses, moves, silent=dark)
    row: Answered = {
        "silent_venue": silent or None,
        "equity_usd": rounded(left.equity_usd, 2),
        "liquidated": [f"{h.account}: {name}" for h in left.houses for name in h.liquidated],
        "loses_most": max(left.houses, key=lambda h: h.loss_usd).account if left.houses else None,
    }
    if peak_usd is None or budget_frac <= 0.0:
        return row | dict.fromkeys(("floor_usd", "room_usd", "within_budget", "cut_frac"))
    found = budget(houses, moves, peak_usd=peak_usd, loss_budget_frac=budget_frac, silent=dark)
    return row | {
        "floor_usd": rounded(found.floor_usd, 2),
        "room_usd": rounded(found.room_usd, 2),
        "within_budget": found.room_usd >= 0.0,
        "cut_frac": found.cut_frac,
    }
