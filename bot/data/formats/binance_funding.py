"""Binance archive, funding: BTCUSDT-fundingRate-2026-01.zip, settled rates."""

from collections.abc import Iterator

from bot.data.folder import FUNDING
from bot.data.format import Candidate, Format, Given, Rows, contract_symbol, on_the_hour
from bot.data.text import blocks

COLUMNS = ("calc_time", "funding_interval_hours", "last_funding_rate")


def _claims(found: Candidate) -> bool:
    return "-fundingRate-" in found.stem or found.cells == COLUMNS


def _read(found: Candidate, given: Given) -> Iterator[Rows]:
    symbol = contract_symbol(found.path, found.stem.split("-")[0], given)
    for cells in blocks(found.path, COLUMNS):
        yield Rows(
            kind=FUNDING,
            columns={
                "time": on_the_hour(cells.instants("calc_time")),
                "venue": given.venue or "binance",
                "symbol": symbol,
                "rate": cells.numbers("last_funding_rate"),
                "interval_hours": cells.numbers("funding_interval_hours"),
            },
            path=found.path,
            lines=cells.lines,
        )


FORMAT = Format("binance-funding", "Binance archive: fundingRate", _claims, _read)
