"""Binance archive, metrics: BTCUSDT-metrics-2026-01-15.zip; of them the open interest in USD."""

from collections.abc import Iterator

from bot.data.folder import OPEN_INTEREST
from bot.data.format import Candidate, Format, Given, Rows, contract_symbol
from bot.data.text import blocks

COLUMNS = (
    "create_time", "symbol", "sum_open_interest", "sum_open_interest_value",
    "count_toptrader_long_short_ratio", "sum_toptrader_long_short_ratio",
    "count_long_short_ratio", "sum_taker_long_short_vol_ratio",
)  # fmt: skip


def _claims(found: Candidate) -> bool:
    return "-metrics-" in found.stem or found.cells == COLUMNS


def _read(found: Candidate, given: Given) -> Iterator[Rows]:
    names: dict[str, str] = {}
    for cells in blocks(found.path, COLUMNS):
        contracts = cells.words("symbol")
        for name in set(contracts) - set(names):
            names[name] = contract_symbol(found.path, name, given)
        yield Rows(
            kind=OPEN_INTEREST,
            columns={
                "time": cells.instants("create_time"),
                "venue": given.venue or "binance",
                "symbol": [names[name] for name in contracts],
                "open_interest_usd": cells.numbers("sum_open_interest_value"),
            },
            path=found.path,
            lines=cells.lines,
        )


FORMAT = Format("binance-metrics", "Binance archive: metrics (open interest)", _claims, _read)
