"""What all accounts of a fleet hold together, and what would be left of them: one loss budget."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from bot.answers.question import Answered, rounded
from bot.domain.errors import DataInvalid
from bot.domain.house import Holding, House
from bot.kernel.houses import budget, concentration, exposure, joint_shock

FRESH_S = 15.0
MOVES_FRAC = (-0.20, -0.10, 0.10, 0.20)
NOTE = (
    "Every price of every venue moves at once. An account that is not known now is counted as"
    " lost. The joint peak is the sum of each account's own, so it is never too low."
)


def fleet_risk(
    rows: Sequence[Mapping[str, Any]], *, loss_budget_frac: float, venue_max_frac: float
) -> Answered:
    """Return exposure by asset, venue shares and joint shocks over rows of a fleet's overview.

    Raises:
        DataInvalid: an account tells what no program of ours says.
    """
    houses = [house_of(row) for row in rows]
    exposures, unknown = exposure(houses)
    peaks = [_told(row).get("high_water_usd") for row in rows]
    peak_usd = sum(float(peak) for peak in peaks if peak is not None)
    assets = [each.asset for each in exposures]
    venues = sorted({house.venue for house in houses})
    return {
        "accounts": len(houses),
        "unknown": list(unknown),
        "equity_usd": rounded(sum(h.equity_usd or 0.0 for h in houses), 2),
        "peak_usd": rounded(peak_usd, 2),
        "loss_budget_frac": loss_budget_frac,
        "exposure": [msgspec.to_builtins(each) for each in exposures],
        "venues": [msgspec.to_builtins(s) for s in concentration(houses, venue_max_frac)],
        "venue_max_frac": venue_max_frac,
        "shocks": [
            _shock(houses, dict.fromkeys(assets, move), silent, peak_usd, loss_budget_frac)
            for move in MOVES_FRAC
            for silent in ("", *(venues if len(venues) > 1 else ()))
        ]
        if assets
        else [],
        "note": NOTE,
    }


def house_of(row: Mapping[str, Any]) -> House:
    """Return an account of the overview; not known when nobody drives it or it told nothing new.

    Raises:
        DataInvalid: its words cannot be read.
    """
    told = _told(row)
    fresh = bool(row["driven"]) and float(row["age_s"]) <= FRESH_S
    try:
        return House(
            account=str(row["account"]),
            venue=str(told.get("venue") or "unknown"),
            equity_usd=msgspec.convert(told.get("equity_usd"), float | None) if fresh else None,
            holdings=msgspec.convert(told.get("holdings", ()), tuple[Holding, ...], strict=False),
        )
    except msgspec.ValidationError as error:
        raise DataInvalid(f"fleet: account {row['account']} tells nonsense: {error}") from None


def _told(row: Mapping[str, Any]) -> Mapping[str, Any]:
    state = row["state"] or {}
    found = state.get("house") or {}
    return found if isinstance(found, Mapping) else {}


def _shock(
    houses: Sequence[House],
    moves: Mapping[str, float],
    silent: str,
    peak_usd: float,
    loss_budget_frac: float,
) -> Answered:
    dark = frozenset({silent} if silent else ())
    move = next(iter(moves.values()))
    left = joint_shock(houses, moves, silent=dark)
    found = budget(houses, moves, peak_usd=peak_usd, loss_budget_frac=loss_budget_frac, silent=dark)
    return {
        "move_frac": move,
        "silent_venue": silent or None,
        "equity_usd": rounded(left.equity_usd, 2),
        "floor_usd": rounded(found.floor_usd, 2),
        "room_usd": rounded(found.room_usd, 2),
        "within_budget": found.room_usd >= 0.0,
        "cut_frac": found.cut_frac,
        "liquidated": [f"{h.account}: {name}" for h in left.houses for name in h.liquidated],
        "loses_most": max(left.houses, key=lambda h: h.loss_usd).account if left.houses else None,
    }
