"""Net flow of the US spot bitcoin funds in USD a day; weekends and holidays have none."""

from typing import Final

from bot.kernel.observe.readings import ETF_FLOW, ETF_HALF_LIFE_NS
from bot.ports import SourceAnswer
from bot.sources.daily import Layout, days
from bot.sources.rows import Table
from bot.sources.told import Look

NAME: Final = "btc_etf_net_flow_usd"


def from_web(body: bytes, look: Look, layout: Layout) -> SourceAnswer:
    """Return the flows of a table laid out as the owner says.

    Raises:
        SourceFailed: it cannot be read.
    """
    table = layout.table(body, look.origin)
    return days(table, look, ETF_FLOW, ETF_HALF_LIFE_NS, layout.scale)


def from_file(table: Table, look: Look) -> SourceAnswer:
    """Return the rows of btc_etf_net_flow_usd.csv: `date`, and `value` in USD."""
    return days(table, look, ETF_FLOW, ETF_HALF_LIFE_NS)
