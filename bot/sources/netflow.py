"""Coins moving onto exchanges less those moving off, in USD a day: positive presses on price."""

import re
from typing import Final

from bot.domain.units import NS_PER_DAY
from bot.kernel.observe.readings import NETFLOW
from bot.ports import SourceAnswer
from bot.sources.daily import VALUE, Layout, value_of
from bot.sources.rows import CellInvalid, Row, Table, cell, short
from bot.sources.told import Look, answer, need, timed

NAME: Final = "exchange_netflow"
HALF_LIFE_NS: Final = 3 * NS_PER_DAY
_ASSET: Final = re.compile(r"[A-Z0-9]{2,20}")


def from_web(body: bytes, look: Look, layout: Layout, asset: str) -> SourceAnswer:
    """Return one asset's flows of a table laid out as the owner says.

    Raises:
        SourceFailed: it cannot be read.
    """
    table = layout.table(body, look.origin)
    name = f"{asset.lower()}_{NETFLOW}"
    scaled = timed(value_of(lambda _: name, NETFLOW, layout.scale))
    return answer(table, look, scaled, HALF_LIFE_NS)


def from_file(table: Table, look: Look) -> SourceAnswer:
    """Return the rows of exchange_netflow.csv: `date`, `asset`, `value` in USD."""
    need(table, "time | date", "asset", VALUE)
    named = value_of(lambda row: f"{asset_in(row).lower()}_{NETFLOW}", NETFLOW)
    return answer(table, look, timed(named), HALF_LIFE_NS)


def asset_in(row: Row) -> str:
    """Return the asset a row is about."""
    text = cell(row, "asset").upper()
    if not _ASSET.fullmatch(text):
        raise CellInvalid(f"asset was {short(text)}, needed one as BTC")
    return text
