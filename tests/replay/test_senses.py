"""What the senses say when a recorded folder runs through the whole kernel, minute by minute."""

import datetime as dt
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from bot.domain.policy import Policy
from bot.lab.options import ReplayOptions, ReplayResult
from bot.lab.replay import replay_folder
from bot.lab.sense_file import write_sense

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
    assert table["threat"].null_count == 0
    assert set(table["threat"].unique().to_pylist()) <= {1, 2, 3, 4, 5}
    minutes = (cascade.to_ns - cascade.from_ns) // (60 * 10**9)
    assert table.num_rows >= minutes * len(cascade.symbols)
    assert pc.any(table["reset"]).as_py(), "leverage was reset in this week"


def test_the_map_earns_its_weight_from_what_was_really_forced(cascade: ReplayResult) -> None:
    strips = cascade.traces.sense.strips["BTC/USDT:USDT"]
    assert len(strips) > 24 * 20
    assert any(sum(bins.values()) > 0.0 for _, bins in strips)
