"""What a loss budget costs: the studied figures of each profile, and what no budget promises."""

from typing import Final

import msgspec

from bot.answers.question import Answered
from bot.domain.policy import GuardPolicy


class BudgetPrice(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of BTC and ETH longs at 3, 5 and 10 times on recorded crashes; shares of equity."""

    worst_drawdown_frac: float
    """Stops filled where they rested."""
    worst_drawdown_gap_frac: float
    """Stops filled at the low of a fast bar."""
    rally_kept_frac: float
    """Of the gain of an unguarded BTC long of 3 times in the rally of April 2025, first bar."""
    rally_kept_median_frac: float
    """The same over starts every twelve hours, in the median."""


STUDIED: Final = {
    "L20": BudgetPrice(
        worst_drawdown_frac=0.192,
        worst_drawdown_gap_frac=0.223,
        rally_kept_frac=0.39,
        rally_kept_median_frac=0.43,
    ),
    "L25": BudgetPrice(
        worst_drawdown_frac=0.243,
        worst_drawdown_gap_frac=0.307,
        rally_kept_frac=0.48,
        rally_kept_median_frac=0.61,
    ),
    "L30": BudgetPrice(
        worst_drawdown_frac=0.293,
        worst_drawdown_gap_frac=0.367,
        rally_kept_frac=0.66,
        rally_kept_median_frac=0.78,
    ),
}
"""Four recorded folders, finest candles, adverse first; docs/risk-model.md tells how."""


def price_of(guard: GuardPolicy) -> Answered:
    """Return the choice, its price, and that a gap can exceed it; figures None where unstudied."""
    found = STUDIED.get(guard.profile)
    none = dict.fromkeys(BudgetPrice.__struct_fields__)
    return {
        "profile": guard.profile,
        "loss_budget_frac": guard.loss_budget_frac,
        "floor_frac": guard.floor_frac,
        "sigma_target": guard.sigma_target,
        **(msgspec.structs.asdict(found) if found is not None else none),
        "in_words": _words(guard, found),
    }


def _words(guard: GuardPolicy, found: BudgetPrice | None) -> str:
    start = f"{guard.profile}: you can bear to lose {guard.loss_budget_frac:.0%} from the peak. "
    if found is None:
        return (
            start + "No figures were studied for this number; those of L20, L25 and L30 are in "
            "docs/risk-model.md. A gap can exceed any budget."
        )
    return (
        start + f"On recorded crashes it cost {found.worst_drawdown_frac:.1%}, and "
        f"{found.worst_drawdown_gap_frac:.1%} where stops filled at the low of a fast bar: a gap "
        f"can exceed the budget. The price: a 3x long kept {found.rally_kept_frac:.0%} of the "
        "rally of April 2025, because it was smaller."
    )
