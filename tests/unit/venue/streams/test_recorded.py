"""Frames recorded from the venues decode to what is known of them; old dialects are not misread."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from bot.domain.errors import VenueDataInvalid
from bot.venue.feeds.contracts import Contract
from bot.venue.feeds.reader import SenseReader
from bot.venue.streams import binance, bybit, okx
from bot.venue.streams.told import Forced, Trade

SHARED = Path(os.environ.get("BREAKWATER_SHARED", Path(__file__).resolve().parents[5] / "shared"))
FIXTURES = SHARED / "fixtures"
LIVE = FIXTURES / "live_liquidations" / "frames.jsonl"
WIRE = FIXTURES / "cryptofeed"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FIXTURES.exists(), reason="recorded frames are not beside the project"),
]


def heard(name: str) -> Iterator[tuple[int, str]]:
    """(our time in ns, frame) of a wire recording; what we said ourselves is left out."""
    for line in (WIRE / name).read_text().splitlines():
        stamp, colon, frame = line.partition(": ")
        if colon and "<-" not in stamp and "<->" not in stamp:
            yield int(float(stamp) * 1e9), frame


@pytest.mark.parametrize("venue", ["bybit", "okx"])
def test_live_liquidations_have_the_stated_side_and_size(venue: str) -> None:
    decode = {"bybit": bybit.decode, "okx": okx.decode}[venue]
    rows = [json.loads(line) for line in LIVE.read_text().splitlines()]
    rows = [row for row in rows if row["venue"] == venue]
    assert rows
    for row in rows:
        (forced,) = decode(json.dumps(row["frame"]))
        assert isinstance(forced, Forced)
        truth = row["truth"]
        assert forced.side.lower() == truth["position"]
        assert forced.units == truth.get("qty", truth.get("contracts"))


def test_an_hour_of_binance_futures_is_read_whole() -> None:
    kinds: Counter[str] = Counter()
    asked = {"aggTrade": binance.AggTrade, "bookTicker": binance.BookTicker}
    for _, raw in heard("BINANCE_FUTURES.ws.1.0"):
        kind = json.loads(raw)["data"]["e"]
        frame = binance.decode(raw)
        if kind in asked:
            assert isinstance(frame, asked[kind])
            kinds[kind] += 1
        else:
            assert frame is None
    assert kinds == {"aggTrade": 91, "bookTicker": 613}


def test_okx_trades_count_up_without_a_hole_and_answers_are_silent() -> None:
    contract = Contract(symbol="UNI/USDT:USDT", venue_id="UNI-USD-SWAP")
    reader = SenseReader("okx", okx.decode, [contract])
    reader.connected()
    trades, numbers = 0, []
    for received_ns, raw in heard("OKX.ws.1.0"):
        told = [item for item in okx.decode(raw) if isinstance(item, Trade)]
        trades += len(told)
        numbers += [item.number for item in told if item.contract == "UNI-USD-SWAP"]
        reader.read(raw, received_ns)
    assert trades > 50
    assert numbers
    fresh = len(set(numbers))
    (flow,) = reader.take_flows()
    assert flow.count == fresh
    assert reader.repeats == len(numbers) - fresh
    assert reader.gaps == sum(1 for last, new in pairwise(numbers) if new > last + 1)


def test_bybit_s_retired_dialect_is_refused_or_silent_never_misread() -> None:
    frames = refused = 0
    for _, raw in heard("BYBIT.ws.26.0"):
        frames += 1
        try:
            assert bybit.decode(raw) == ()
        except VenueDataInvalid:
            refused += 1
    assert frames > 1000
    assert refused < frames
