"""Binance archive, forced orders: BTCUSDT-liquidationSnapshot-2024-01-01.zip.

The venue showed at most one forced order a second and symbol: the sum of them is a lower bound.
"""

from collections.abc import Iterator

import numpy as np

from bot.data.folder import LIQUIDATION_EVENTS
from bot.data.format import Candidate, Format, Given, Rows, contract_symbol
from bot.data.text import blocks

COLUMNS = (
    "time", "side", "order_type", "time_in_force", "original_quantity", "price", "average_price",
    "order_status", "last_fill_quantity", "accumulated_fill_quantity",
)  # fmt: skip
_LONG_WAS_SOLD = {"sell": 1, "buy": 0}
_NEEDED = {"side", "price", "average_price", "accumulated_fill_quantity", "original_quantity"}


def _claims(found: Candidate) -> bool:
    return "-liquidationSnapshot-" in found.stem or set(found.cells) >= _NEEDED


def _read(found: Candidate, given: Given) -> Iterator[Rows]:
    symbol = contract_symbol(found.path, found.stem.split("-")[0], given)
    for cells in blocks(found.path, COLUMNS):
        longs = cells.one_of("side", _LONG_WAS_SOLD)
        paid, asked = cells.numbers("average_price"), cells.numbers("price")
        filled, wanted = (
            cells.numbers("accumulated_fill_quantity"), cells.numbers("original_quantity"),
        )  # fmt: skip
        yield Rows(
            kind=LIQUIDATION_EVENTS,
            columns={
                "time": cells.instants("time"),
                "venue": given.venue or "binance",
                "symbol": symbol,
                "side": ["long" if each else "short" for each in longs.tolist()],
                "price": np.where(paid > 0.0, paid, asked),
                "qty": np.where(filled > 0.0, filled, wanted),
            },
            path=found.path,
            lines=cells.lines,
        )


FORMAT = Format("binance-liquidations", "Binance archive: liquidationSnapshot", _claims, _read)
