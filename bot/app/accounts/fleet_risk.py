"""What all accounts of a fleet hold together, and what would be left of them: one loss budget."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from bot.answers.question import Answered, rounded
from bot.app.accounts.seen import house_of
from bot.app.accounts.shocks import shocks
from bot.domain.house import House
from bot.kernel.houses import concentration, exposure, exposure_shares, together

FRESH_S = 15.0
WATCHES = "read-only"
FORGOTTEN = "forgotten"
NOTE = (
    "Every price of every venue moves at once. An account that is not known now is counted as"
    " lost. The joint peak is the sum of each account's own, so it is never too low."
)
Row = Mapping[str, Any]


def counted(rows: Sequence[Row], mode: str) -> list[Row]:
    """Return the accounts of a mode; one that only watches has no money of its own.

    One that was forgotten is left out until it is driven again.
    """
    return [
        row
        for row in rows
        if row.get("mode", mode) == mode and not (row["state"] or {}).get(FORGOTTEN)
    ]


def houses_of(rows: Sequence[Row], *, older_s: float = 0.0) -> list[House]:
    """Return the accounts of an overview that was read `older_s` ago.

    One that nobody drives, or that told nothing new for FRESH_S, is not known.

    Raises:
        DataInvalid: an account tells what no program of ours says.
    """
    found = []
    for row in rows:
        told = (row["state"] or {}).get("house") or {}
        fresh = bool(row["driven"]) and float(row["age_s"]) + older_s <= FRESH_S
        venue = str(told.get("venue") or "unknown")
        found.append(house_of(str(row["account"]), venue, told, fresh=fresh))
    return found


def fleet_risk(rows: Sequence[Row], *, loss_budget_frac: float, venue_max_frac: float) -> Answered:
    """Return exposure by asset, venue shares and joint shocks over rows of a fleet's overview.

    Raises:
        DataInvalid: an account tells what no program of ours says.
    """
    houses = houses_of(rows)
    exposures, unknown = exposure(houses)
    joint = together(houses)
    return {
        "accounts": len(houses),
        "unknown": list(unknown),
        "bound": sorted(str(row["account"]) for row in rows if (row["state"] or {}).get("bound")),
        "equity_usd": rounded(sum(h.equity_usd or 0.0 for h in houses), 2),
        "at_least_usd": rounded(joint.at_least_usd, 2),
        "peak_usd": rounded(joint.peak_usd, 2),
        "loss_budget_frac": loss_budget_frac,
        "exposure": [msgspec.to_builtins(each) for each in exposures],
        "venues": [msgspec.to_builtins(s) for s in concentration(houses, venue_max_frac)],
        "venue_held_frac": exposure_shares(exposures),
        "venue_max_frac": venue_max_frac,
        "shocks": shocks(
            houses, exposures, peak_usd=joint.peak_usd, loss_budget_frac=loss_budget_frac
        ),
        "note": NOTE,
    }
