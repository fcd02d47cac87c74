"""Binance archive, trades: BTCUSDT-trades-2026-01-15.zip and BTCUSDT-aggTrades-2026-01-15.zip."""

from collections.abc import Iterator

from bot.data.folder import TRADES
from bot.data.format import Candidate, Format, Given, Rows, contract_symbol
from bot.data.text import blocks

TRADE = ("id", "price", "qty", "quote_qty", "time", "is_buyer_maker")
AGGREGATE = (
    "agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time",
    "is_buyer_maker",
)  # fmt: skip
_MAKER_BOUGHT = {"true": 1, "false": 0}


def _claims(found: Candidate) -> bool:
    kind = found.stem.split("-")[1] if "-" in found.stem else ""
    return kind in {"trades", "aggTrades"} or found.cells in {TRADE, AGGREGATE}


def _read(found: Candidate, given: Given) -> Iterator[Rows]:
    folded = len(found.cells) >= len(AGGREGATE)
    columns = AGGREGATE if folded else TRADE
    ident, qty, time = ("agg_trade_id", "quantity", "transact_time") if folded else (
        "id", "qty", "time",
    )  # fmt: skip
    symbol = contract_symbol(found.path, found.stem.split("-")[0], given)
    for cells in blocks(found.path, columns):
        sold = cells.one_of("is_buyer_maker", _MAKER_BOUGHT)
        yield Rows(
            kind=TRADES,
            columns={
                "time": cells.instants(time),
                "venue": given.venue or "binance",
                "symbol": symbol,
                "grain": "aggregate" if folded else "trade",
                "trade_id": cells.words(ident),
                "side": ["sell" if each else "buy" for each in sold.tolist()],
                "price": cells.numbers("price"),
                "qty": cells.numbers(qty),
            },
            path=found.path,
            lines=cells.lines,
        )


FORMAT = Format("binance-trades", "Binance archive: trades, aggTrades", _claims, _read)
