"""Option skew from a file, where nobody asks a venue for it: puts over calls, volatility points."""

from typing import Final

from bot.domain.units import NS_PER_H
from bot.kernel.observe.readings import SKEW
from bot.ports import SourceAnswer
from bot.sources.daily import VALUE, value_of
from bot.sources.netflow import asset_in
from bot.sources.rows import Table
from bot.sources.told import Look, answer, need, timed

NAME: Final = "option_skew"
HALF_LIFE_NS: Final = 6 * NS_PER_H


def from_file(table: Table, look: Look) -> SourceAnswer:
    """Return the rows of option_skew.csv: `time`, `asset`, `value` (25-delta put less call)."""
    need(table, "time | date", "asset", VALUE)
    named = value_of(lambda row: f"{asset_in(row).lower()}_{SKEW}", SKEW)
    return answer(table, look, timed(named), HALF_LIFE_NS)
