"""Tardis CSV: trades and liquidations, the names of the files tell which (their columns do not)."""

from collections.abc import Iterator
from typing import Any

from bot.data.folder import LIQUIDATION_EVENTS, TRADES
from bot.data.format import Candidate, Format, Given, Rows, contract_symbol
from bot.data.tardis_ticker import COLUMNS as TICKER
from bot.data.tardis_ticker import ticker_rows, venue_name
from bot.data.text import Cells, blocks
from bot.domain.errors import DataInvalid

COLUMNS = ("exchange", "symbol", "timestamp", "local_timestamp", "id", "side", "price", "amount")
_TOOK = {"buy": 0, "sell": 1, "unknown": 2}
_FORCED = {"sell": 0, "buy": 1}
"""A forced sale closes a long."""


def _claims(found: Candidate) -> bool:
    return found.cells in {COLUMNS, TICKER}


def _read(found: Candidate, given: Given) -> Iterator[Rows]:
    if found.cells == TICKER:
        yield from ticker_rows(found, given)
        return
    if found.cells != COLUMNS:
        raise DataInvalid(f"{found.path}: its columns are not those of Tardis: {COLUMNS}")
    forced = given.kind == "liquidation_events" or (
        not given.kind and "_liquidations_" in found.path.name
    )
    for cells in blocks(found.path, COLUMNS):
        shared = _shared(cells, found, given)
        if forced:
            sides = cells.one_of("side", _FORCED)
            told = {**shared, "side": [("long", "short")[n] for n in sides.tolist()]}
            yield Rows(LIQUIDATION_EVENTS, told, found.path, cells.lines)
        else:
            sides = cells.one_of("side", _TOOK)
            cells.refuse(sides == _TOOK["unknown"], "side", "is not told")
            told = {**shared, "side": [("buy", "sell")[n] for n in sides.tolist()]}
            told |= {"grain": "trade", "trade_id": cells.words("id")}
            yield Rows(TRADES, told, found.path, cells.lines)


def _shared(cells: Cells, found: Candidate, given: Given) -> dict[str, Any]:
    contracts, exchanges = cells.words("symbol"), cells.words("exchange")
    symbols = {name: contract_symbol(found.path, name, given) for name in set(contracts)}
    return {
        "time": cells.instants("timestamp"),
        "venue": given.venue or [venue_name(each) for each in exchanges],
        "symbol": [symbols[name] for name in contracts],
        "price": cells.numbers("price"),
        "qty": cells.numbers("amount"),
    }


FORMAT = Format("tardis", "Tardis CSV: trades, liquidations, derivative_ticker", _claims, _read)
