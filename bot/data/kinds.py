"""What each file of a data folder holds: its columns and their types on disk."""

from typing import Final

import pyarrow as pa

from bot.data.folder import (
    CANDLES,
    FUNDING,
    LIQUIDATION_EVENTS,
    LIQUIDATIONS,
    MARK_CANDLES,
    OPEN_INTEREST,
    SENTIMENT,
    TRADES,
)

_TIME: Final = pa.field("time", pa.timestamp("ns", tz="UTC"))
_WORD: Final = pa.string()
_NUMBER: Final = pa.float64()


def _schema(words: str, numbers: str) -> pa.Schema:
    fields = [pa.field(name, _WORD) for name in words.split()]
    return pa.schema([_TIME, *fields, *(pa.field(name, _NUMBER) for name in numbers.split())])


_BARS: Final = _schema("venue symbol timeframe", "open high low close volume")
SCHEMAS: Final[dict[str, pa.Schema]] = {
    CANDLES: _BARS,
    MARK_CANDLES: _BARS,
    FUNDING: _schema("venue symbol", "rate interval_hours"),
    OPEN_INTEREST: _schema("venue symbol", "open_interest_usd"),
    LIQUIDATIONS: _schema("venue symbol window", "long_usd short_usd"),
    SENTIMENT: pa.schema(
        [
            pa.field("date", pa.date32()),
            *(pa.field(n, _NUMBER) for n in ("fear_greed", "btc_etf_net_flow_usd", "spx_return")),
        ]
    ),
    TRADES: _schema("venue symbol grain trade_id side", "price qty"),
    LIQUIDATION_EVENTS: _schema("venue symbol side", "price qty"),
}
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    name: tuple(schema.names) for name, schema in SCHEMAS.items()
}
WORDS: Final[dict[str, str]] = {
    "candles": CANDLES,
    "mark_candles": MARK_CANDLES,
    "funding": FUNDING,
    "open_interest": OPEN_INTEREST,
    "liquidations": LIQUIDATIONS,
    "trades": TRADES,
    "liquidation_events": LIQUIDATION_EVENTS,
}
"""What a person calls it -> its file."""
