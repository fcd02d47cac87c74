"""Writes what the senses said, minute by minute, as one Parquet file."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bot.lab.options import ReplayResult
from bot.lab.sense_tape import SenseRow

SCHEMA = pa.schema(
    [
        pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("price", pa.float64(), nullable=False),
        pa.field("pulse", pa.float64()),
        pa.field("stress", pa.float64(), nullable=False),
        pa.field("threat", pa.int8(), nullable=False),
        pa.field("threat_short", pa.int8(), nullable=False),
        pa.field("stress_short", pa.float64(), nullable=False),
        pa.field("cascade_state", pa.string(), nullable=False),
        pa.field("flush_state", pa.string(), nullable=False),
        pa.field("reset", pa.bool_(), nullable=False),
        pa.field("funding_8h_frac", pa.float64()),
        pa.field("open_interest_coin", pa.float64()),
        pa.field("liq_long_24h_usd", pa.float64()),
        pa.field("liq_short_24h_usd", pa.float64()),
        pa.field("zone_below", pa.float64()),
        pa.field("zone_below_state", pa.string()),
        pa.field("zone_above", pa.float64()),
        pa.field("zone_above_state", pa.string()),
        pa.field("degraded", pa.string(), nullable=False),
    ]
)
"""Prices in quote; zones by their nearer edge; null is unknown, or no such zone."""


def write_sense(result: ReplayResult, path: Path) -> int:
    """Write one row a minute and symbol to `path`; return how many.

    Raises:
        OSError: the file cannot be written.
    """
    rows = [_row(row) for row in result.traces.sense.rows(result.from_ns, result.to_ns)]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), path)
    return len(rows)


def _row(row: SenseRow) -> dict[str, object]:
    found = row.point.assessment
    below, above = row.point.below(row.price), row.point.above(row.price)
    return {
        "time": row.ns // 1_000,
        "symbol": row.symbol,
        "price": row.price,
        "pulse": found.pulse,
        "stress": found.stress,
        "threat": found.threat,
        "threat_short": found.threat_short,
        "stress_short": found.stress_short,
        "cascade_state": found.cascade,
        "flush_state": found.flush.state,
        "reset": found.reset,
        "funding_8h_frac": found.funding_8h_frac,
        "open_interest_coin": found.open_interest_known_qty,
        "liq_long_24h_usd": found.liq_long_24h_usd,
        "liq_short_24h_usd": found.liq_short_24h_usd,
        "zone_below": below.high if below is not None else None,
        "zone_below_state": below.state if below is not None else None,
        "zone_above": above.low if above is not None else None,
        "zone_above_state": above.state if above is not None else None,
        "degraded": "; ".join(found.degraded),
    }
