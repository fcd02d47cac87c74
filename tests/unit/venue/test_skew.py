"""Option skew: from a known smile back to its 25-delta points, and over HTTP through ccxt."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import ConfigInvalid, SourceFailed
from bot.domain.units import NS_PER_DAY
from bot.venue import skew
from bot.venue.deribit import OptionSkew
from tests.fakes.pages import serving

NOW_NS = 1_770_034_000 * 10**9
FORWARD = 78_000.0
STRIKES = range(40_000, 160_001, 1_000)
PATH = "/api/v2/public/get_book_summary_by_currency"


class StillClock:
    def now_ns(self) -> int:
        return NOW_NS

    def monotonic_ns(self) -> int:
        return 0

    async def sleep_s(self, seconds: float) -> None:
        raise AssertionError


def smile_pts(strike: float, tilt: float) -> float:
    """Volatility grows by `tilt` points for each tenth that a strike lies below the forward."""
    return 55.0 - tilt * math.log(strike / FORWARD) / 0.1


def row(name: str, strike: float, tilt: float, open_qty: float = 10.0, **more: object) -> dict:
    return {
        "instrument_name": name, "mark_iv": smile_pts(strike, tilt), "underlying_price": FORWARD,
        "open_interest": open_qty, "creation_timestamp": NOW_NS // 10**6 - 500, "mark_price": 0.01,
        "underlying_index": "BTC-27MAR26", "base_currency": "BTC", "quote_currency": "BTC",
        "bid_price": None, "ask_price": None, "interest_rate": 0.0, **more,
    }  # fmt: skip


def summary(tilts: dict[str, float], asset: str = "BTC") -> list[dict]:
    return [
        row(f"{asset}-{expiry}-{strike}-{kind}", strike, tilt,
            900.0 if (strike, kind) in ((75_000, "P"), (100_000, "C")) else 10.0)
        for expiry, tilt in tilts.items()
        for strike in STRIKES
        for kind in "PC"
    ]  # fmt: skip


def expected(days: float, tilt: float) -> float:
    """Solve for the strikes of 25 delta by bisection, apart from the code under test."""

    def at(is_put: bool) -> float:
        low, high = (30_000.0, FORWARD) if is_put else (FORWARD, 400_000.0)
        for _ in range(100):
            middle = (low + high) / 2
            spread = smile_pts(middle, tilt) / 100 * math.sqrt(days / 365)
            d1 = (math.log(FORWARD / middle) + spread**2 / 2) / spread
            reached = 0.5 * math.erfc((d1 if is_put else -d1) / math.sqrt(2))
            too_high = reached > 0.25
            if is_put:
                low, high = (low, middle) if too_high else (middle, high)
            else:
                low, high = (middle, high) if too_high else (low, middle)
        return smile_pts(low, tilt)

    return at(True) - at(False)


def book_of(rows: list) -> list[skew.Quote]:
    return skew.quotes(rows, "BTC", NOW_NS)[0]


def test_a_known_smile_gives_its_skew_back() -> None:
    rows = summary({"27FEB26": 3.0})
    book, refused, made_ns = skew.quotes(rows, "BTC", NOW_NS)
    assert (len(book), refused, made_ns) == (len(rows), 0, NOW_NS - 500 * 10**6)
    days = (book[0].expiry_ns - NOW_NS) / NS_PER_DAY
    assert skew.skew_25d(book, NOW_NS) == pytest.approx(expected(days, 3.0), abs=0.02)


def test_thirty_days_lie_between_two_expiries() -> None:
    near, far = book_of(summary({"27FEB26": 2.0})), book_of(summary({"24APR26": 6.0}))
    one, other = skew.skew_25d(near, NOW_NS), skew.skew_25d(far, NOW_NS)
    both = skew.skew_25d([*near, *far], NOW_NS)
    assert one is not None
    assert other is None  # 81 days alone are too far
    assert both is not None
    assert one < both < 2 * one


def test_puts_with_most_open_and_what_they_cost_over_the_money() -> None:
    book = book_of(summary({"27FEB26": 3.0}))
    first = skew.strikes(book, NOW_NS, is_put=True)[0]
    assert (first.price, first.open_qty) == (75_000.0, 900.0)
    assert first.skew_pts == pytest.approx(smile_pts(75_000, 3.0) - 55.0, abs=0.01)
    (call, *_) = skew.strikes(book, NOW_NS, is_put=False)
    assert (call.price, call.skew_pts) == (100_000.0, None)


def test_a_flat_smile_has_no_skew_and_one_wing_alone_is_unknown() -> None:
    book = book_of(summary({"27FEB26": 0.0}))
    assert skew.skew_25d(book, NOW_NS) == pytest.approx(0.0, abs=1e-9)
    assert skew.skew_25d([q for q in book if q.is_put], NOW_NS) is None
    assert skew.skew_25d([], NOW_NS) is None


junk = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.sampled_from(["NaN", "inf", -1.0, 0.0, 1e308]),
)  # fmt: skip
fields = st.sampled_from(["mark_iv", "underlying_price", "open_interest", "creation_timestamp"])
names = st.one_of(
    st.text(max_size=24),
    st.sampled_from(["BTC-31FEB26-75000-P", "BTC-27FEB26-0-P", "BTC-1JAN20-75000-C",
                     "ETH-27FEB26-75000-P", "BTC-27FEB26-0d0001-C", "BTC_USDC-27FEB26-75000-P"]),
)  # fmt: skip


@given(st.lists(st.tuples(names, fields, junk), max_size=8), st.lists(junk, max_size=3))
def test_junk_rows_are_counted_and_nothing_mad_comes_out(rows: list, more: list) -> None:
    told = [{**row(name, 75_000, 1.0), field: value} for name, field, value in rows]
    book, refused, _ = skew.quotes([*told, *more], "BTC", NOW_NS)
    assert len(book) + refused == len(told) + len(more)
    for quote in book:
        assert 0.0 <= skew.delta(quote, NOW_NS) <= 1.0
        assert math.isfinite(quote.iv_pts)
    found = skew.skew_25d(book, NOW_NS)
    assert found is None or math.isfinite(found)
    for strike in skew.strikes(book, NOW_NS, is_put=True):
        assert math.isfinite(strike.open_qty)


async def test_the_book_is_asked_for_through_ccxt() -> None:
    async with serving() as served:
        answer = {"jsonrpc": "2.0", "result": summary({"27FEB26": 3.0}), "usIn": 1, "usOut": 2}
        served.put(PATH, json.dumps(answer).encode())
        source = OptionSkew(("BTC",), StillClock(), every_s=300.0, loopback=served.url)
        try:
            told = await source.look()
        finally:
            await source.close()
        assert [path for path, _ in served.asked] == [f"{PATH}?currency=BTC&kind=option"]
    values = {event.name: event for event in told.events}
    whole = values["btc_skew_25d_vol_pts"]
    assert whole.value == pytest.approx(expected(25.0, 3.0), abs=0.5)
    assert (whole.source, whole.origin) == ("option_skew", "www.deribit.com")
    assert whole.event_ns == NOW_NS - 500 * 10**6
    assert values["btc_put_oi_at_75000_qty"].value == 900.0
    assert values["btc_put_skew_at_75000_vol_pts"].value > 0.0
    assert told.faults == ()


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b'{"jsonrpc":"2.0","result":[]}', 200, "no option is quoted"),
        (b'{"jsonrpc":"2.0","result":{}}', 200, "no list of options"),
        (b'{"jsonrpc":"2.0","error":{"message":"Invalid params","code":-32602}}', 400, "BTC"),
        (b"<html>maintenance</html>", 503, "BTC"),
    ],
)
async def test_what_is_no_book_is_a_failure_in_one_line(body, status, says) -> None:
    async with serving() as served:
        served.put(PATH, body, status)
        source = OptionSkew(("BTC",), StillClock(), every_s=300.0, loopback=served.url)
        try:
            with pytest.raises(SourceFailed, match=says) as caught:
                await source.look()
        finally:
            await source.close()
    assert len(str(caught.value).splitlines()) == 1


def test_only_this_machine_may_stand_in() -> None:
    with pytest.raises(ConfigInvalid, match="only loopback"):
        OptionSkew(("BTC",), StillClock(), every_s=300.0, loopback="https://example.com")
