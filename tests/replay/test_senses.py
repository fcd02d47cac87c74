"""What the senses say when a recorded folder runs through the whole kernel, minute by minute."""

import datetime as dt
import os
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from bot.domain.policy import Policy
from bot.lab.options import ReplayOptions, ReplayResult
from bot.lab.pages.sense_file import write_sense
from bot.lab.replay import replay_folder

SHARED = Path(os.environ.get("BREAKWATER_SHARED", Path(__file__).resolve().parents[3] / "shared"))
CASCADE = SHARED / "market-data" / "2026-01-cascade"

pytestmark = [
    pytest.mark.skipif(not CASCADE.is_dir(), reason=f"no recorded data at {CASCADE}"),
    pytest.mark.xdist_group("replay-senses"),
]


@pytest.fixture(scope="module")
def cascade() -> ReplayResult:
    return replay_folder(ReplayOptions(data=CASCADE, policy=Policy(), sense=True))


@pytest.fixture(scope="module")
def table(cascade: ReplayResult, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    path = tmp_path_factory.mktemp("sense") / "out.parquet"
    assert write_sense(cascade, path) > 0
    return pq.read_table(path)


def at(table: pa.Table, *when: int) -> dict[str, object]:
    instant = dt.datetime(*when, tzinfo=dt.UTC)
    (row,) = table.filter(pc.equal(table["time"], instant)).to_pylist()
    return row


def test_the_afternoon_of_the_first_of_february(table: pa.Table) -> None:
    row = at(table, 2026, 2, 1, 14, 55)
    assert row["pulse"] == pytest.approx(37.4, abs=1.0)
    assert row["stress"] == pytest.approx(90.8, abs=2.0)
    assert row["threat"] == 4
    assert row["price"] == pytest.approx(78_200.0, rel=2e-3)


def test_threat_stands_through_both_waves(table: pa.Table) -> None:
    for first, last in (((2026, 1, 31, 18), (2026, 2, 3)), ((2026, 2, 5), (2026, 2, 7))):
        start, end = (dt.datetime(*each, tzinfo=dt.UTC) for each in (first, last))
        inside = table.filter(
            pc.and_(pc.greater_equal(table["time"], start), pc.less(table["time"], end))
        )
        high = pc.sum(pc.greater_equal(inside["threat"], 4).cast(pa.int64())).as_py()
        assert high / inside.num_rows >= 0.95


def test_every_minute_has_a_row_with_the_agreed_types(
    table: pa.Table, cascade: ReplayResult
) -> None:
    assert table.schema.field("time").type == pa.timestamp("us", tz="UTC")
    agreed = {
        "symbol": pa.string(), "price": pa.float64(), "pulse": pa.float64(),
        "stress": pa.float64(), "cascade_state": pa.string(), "reset": pa.bool_(),
        "funding_8h_frac": pa.float64(), "open_interest_coin": pa.float64(),
        "liq_long_24h_usd": pa.float64(), "liq_short_24h_usd": pa.float64(),
        "zone_below": pa.float64(), "zone_above": pa.float64(),
    }  # fmt: skip
    assert {name: table.schema.field(name).type for name in agreed} == agreed
    assert pa.types.is_integer(table.schema.field("threat").type)
    assert table["threat"].null_count == 0
    assert set(table["threat"].unique().to_pylist()) <= {1, 2, 3, 4, 5}
    minutes = (cascade.to_ns - cascade.from_ns) // (60 * 10**9)
    assert table.num_rows >= minutes * len(cascade.symbols)
    assert pc.any(table["reset"]).as_py(), "leverage was reset in this week"


def test_the_map_earns_its_weight_from_what_was_really_forced(cascade: ReplayResult) -> None:
    strips = cascade.traces.sense.strips["BTC/USDT:USDT"]
    assert len(strips) > 24 * 20
    assert any(sum(bins.values()) > 0.0 for _, bins in strips)


def test_zones_lie_on_their_side_of_every_price(table: pa.Table) -> None:
    for row in table.select(["price", "zone_below", "zone_above"]).to_pylist():
        assert row["zone_below"] is None or row["zone_below"] <= row["price"]
        assert row["zone_above"] is None or row["zone_above"] >= row["price"]
    assert table["zone_below"].null_count < 0.01 * table.num_rows


def test_a_venue_that_falls_out_of_open_interest_is_no_flush(table: pa.Table) -> None:
    known = [each for each in table["open_interest_coin"].to_pylist() if each is not None]
    assert len(known) > 0.99 * table.num_rows
    steps = [now / before - 1.0 for before, now in pairwise(known)]
    assert max(map(abs, steps)) < 0.10, "one of three venues is silent on 19 January"


def test_funding_is_read_before_it_can_be_judged(table: pa.Table) -> None:
    assert table["funding_8h_frac"].null_count == 0
