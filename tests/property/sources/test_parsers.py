"""Whatever a service or a file says: finite numbers within bounds, in order, nothing from ahead."""

import json
import math

from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.errors import SourceFailed
from bot.domain.market import EventCalendar, LiquidationSum, Reading, WatchList
from bot.domain.units import NS_PER_DAY, NS_PER_S
from bot.kernel.observe.readings import LIMITS
from bot.ports import SourceAnswer
from bot.sources import coinglass, etf_flow, fear_greed
from bot.sources.daily import Layout
from bot.sources.open import drop_kinds
from bot.sources.rows import from_csv
from bot.sources.told import Look

BTC = "BTC/USDT:USDT"
NOW_NS = 1_770_034_000 * NS_PER_S
LOOK = Look(source="s", origin="o", now_ns=NOW_NS)
KINDS = drop_kinds((BTC,))
BARE = ("btc_", "eth_")

mad = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12),
    st.sampled_from(["NaN", "-inf", "1e999", "", "-", "1,234.5", "(7)", "２", "1769990400",
                     "9" * 400, "2026-02-01", "2026-02-01T00:00:00Z", "9999-12-31",
                     "0001-01-01T00:00:00+14:00", "BTC", BTC, "long", "14400",
                     "2026-02-02T11:00:00Z"]),
    st.integers(1_769_000_000, 1_771_000_000), st.integers(1_769_000_000_000, 1_771_000_000_000),
)  # fmt: skip
columns = st.sampled_from(
    ["date", "time", "value", "timestamp", "close", "asset", "symbol", "side", "liq_price", "qty",
     "as_of", "address", "title", "start", "end", "floor", "window_s", "long_usd", "short_usd",
     coinglass.LONG, coinglass.SHORT, "flow_usd"]
)  # fmt: skip
tables = st.lists(st.dictionaries(columns, mad, max_size=8) | mad, max_size=10)


def sane(told: SourceAnswer) -> None:
    for line in (*told.faults, told.trouble):
        assert len(line.splitlines()) <= 1 or not line
    instants = [event.event_ns for event in told.events if isinstance(event, Reading)]
    assert instants == sorted(instants)
    for event in told.events:
        assert event.received_ns == NOW_NS
        assert event.event_ns <= NOW_NS
        if isinstance(event, Reading):
            name = event.name
            for prefix in BARE:
                name = name.removeprefix(prefix) if name not in LIMITS else name
            least, most, _ = LIMITS.get(name, LIMITS["exchange_netflow_usd"])
            assert least <= event.value <= most
            assert event.event_ns > NOW_NS - 151 * NS_PER_DAY
        elif isinstance(event, LiquidationSum):
            assert 0.0 <= event.long_usd < math.inf
            assert 0.0 <= event.short_usd < math.inf
        elif isinstance(event, EventCalendar):
            assert all(w.start_ns < w.end_ns and 2 <= w.floor <= 5 for w in event.windows)
        elif isinstance(event, WatchList):
            assert all(math.isfinite(p.qty) and p.qty > 0.0 for p in event.positions)
            assert all(p.liq_price > 0.0 and p.known_ns <= NOW_NS + 61 * NS_PER_S
                       for p in event.positions)  # fmt: skip


def tried(read, *given_to) -> SourceAnswer | None:
    """Return what a reader made of it; None where it refused it in one line."""
    try:
        told = read(*given_to)
    except SourceFailed as failed:
        line, told = str(failed), None
    else:
        line = "understood"
        sane(told)
    assert len(line.splitlines()) == 1
    return told


@given(st.binary(max_size=300))
@example(b"\x00\x0b\x00")
def test_bytes_of_any_kind(body: bytes) -> None:
    layout = Layout(kind="json", rows_at="data")
    tried(fear_greed.from_web, body, LOOK)
    tried(coinglass.flows, body, LOOK)
    tried(lambda: coinglass.liquidations(body, LOOK, BTC, "4h"))
    tried(lambda: etf_flow.from_web(body, LOOK, layout))
    for kind in KINDS.values():
        tried(lambda kind=kind: kind.read(from_csv(body, "f.csv"), LOOK))


@given(tables, st.sampled_from(["0", 0, "1", None]))
def test_answers_of_the_right_shape_with_mad_rows(rows: list, code: object) -> None:
    body = json.dumps({"code": code, "data": rows}).encode()
    tried(fear_greed.from_web, body, LOOK)
    tried(coinglass.flows, body, LOOK)
    tried(lambda: coinglass.liquidations(body, LOOK, BTC, "1h"))
    tried(lambda: etf_flow.from_web(body, LOOK, Layout(kind="json", rows_at="data", scale=1e6)))


@given(st.sampled_from(sorted(KINDS)), st.lists(columns, max_size=8), st.data())
def test_files_with_any_columns_and_cells(
    stem: str, header: list[str], data: st.DataObject
) -> None:
    cells = mad.map(lambda value: "" if value is None else str(value).replace('"', ""))
    rows = data.draw(
        st.lists(st.lists(cells, min_size=len(header), max_size=len(header)), max_size=8)
    )
    lines = [",".join(header), *(",".join(f'"{cell}"' for cell in row) for row in rows)]
    body = "\n".join(lines).encode("utf-8", "replace")
    tried(lambda: KINDS[stem].read(from_csv(body, "f.csv"), LOOK))


good = st.lists(
    st.tuples(st.integers(0, 140), st.integers(0, 100)), max_size=20, unique_by=lambda row: row[0]
)


@given(good, st.randoms(use_true_random=False))
def test_no_good_row_is_lost_whatever_the_order(rows: list[tuple[int, int]], dice) -> None:
    day0 = NOW_NS // NS_PER_DAY * NS_PER_DAY // NS_PER_S
    told_rows = [
        {"timestamp": str(day0 - back * 86_400), "value": str(mood)} for back, mood in rows
    ]
    shuffled = [*told_rows, *told_rows[: len(told_rows) // 2]]
    dice.shuffle(shuffled)
    told = tried(fear_greed.from_web, json.dumps({"data": shuffled}).encode(), LOOK)
    if not rows:
        return
    assert told is not None
    assert told.faults == ()
    expected = [float(mood) for _, mood in sorted(rows, reverse=True)]
    assert [event.value for event in told.events] == expected
