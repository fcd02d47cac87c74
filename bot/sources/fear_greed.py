"""Fear and greed, 0 (extreme fear) to 100: the index of alternative.me, told once a day."""

from typing import Final

from bot.domain.errors import SourceFailed
from bot.domain.units import NS_PER_DAY
from bot.kernel.observe.readings import FEAR_GREED
from bot.ports import SourceAnswer
from bot.sources.daily import days
from bot.sources.rows import Row, Table, decoded, from_json, instant_ns, number, short
from bot.sources.told import Found, Look, answer, bounds, need

NAME: Final = "fear_greed"
HALF_LIFE_NS: Final = NS_PER_DAY


def from_web(body: bytes, look: Look) -> SourceAnswer:
    """Return the index as the service tells it; each value stands from its timestamp on.

    Raises:
        SourceFailed: the answer is not the service's.
    """
    whole = decoded(body, look.origin)
    meta = whole.get("metadata") if isinstance(whole, dict) else None
    error = meta.get("error") if isinstance(meta, dict) else None
    if error:
        raise SourceFailed(f"{look.origin}: the service says {short(error)}")
    table = from_json(body, look.origin, "data")
    need(table, "timestamp", "value")
    return answer(table, look, _told, HALF_LIFE_NS)


def _told(row: Row) -> Found | None:
    value = number(row, "value", *bounds(FEAR_GREED))
    return Found(instant_ns(row, "timestamp"), FEAR_GREED, value, row.where)


def from_file(table: Table, look: Look) -> SourceAnswer:
    """Return the rows of fear_greed.csv: `time` or `date`, and `value`."""
    return days(table, look, FEAR_GREED, HALF_LIFE_NS)
