"""Whatever three venues send: events that can be believed, or VenueDataInvalid; never invented."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.errors import VenueDataInvalid
from bot.domain.market import Liquidation, OpenInterest
from bot.venue.proof.fuzz import RECEIVED_NS, SYMBOL, fault_of, fuzz_decoders, probes, unsound
from bot.venue.proof.fuzz_frames import MS, SOUND
from bot.venue.streams.believe import INTERVALS_S

VENUES = ("bybit", "okx", "hyperliquid")


@pytest.mark.parametrize("venue", VENUES)
@given(raw=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_bytes_on_a_socket(venue: str, raw: bytes) -> None:
    reader = probes()[venue].make()
    reader.connected()
    try:
        assert not reader.read(raw, RECEIVED_NS)
    except VenueDataInvalid:
        return


def test_a_short_fuzz_finds_no_crash_and_no_invented_number() -> None:
    report = fuzz_decoders(4_000, seed=11)
    assert set(report) == set(SOUND)
    for venue, found in report.items():
        assert (found["crashes"], found["unfounded"]) == (0, 0), (venue, found["examples"])
        assert found["cases"] == found["sound"] + found["refused"] + found["silent"]
        assert min(found["sound"], found["refused"], found["silent"]) > 100


def test_the_fuzz_repeats_itself() -> None:
    def counted(seed: int) -> list[object]:
        report = fuzz_decoders(300, seed)
        return [(found["sound"], found["refused"]) for found in report.values()]

    assert counted(3) == counted(3) != counted(4)


def test_the_fuzz_sees_an_invented_and_an_unsound_number() -> None:
    raw = b'{"p": "80000", "q": 2}'
    assert fault_of([{"price": 80000.0, "qty": 2.0}], raw) == ""
    assert "qty" in fault_of([{"price": 80000.0, "qty": 0.0}], raw)
    assert "mark" in unsound([{"mark": math.nan}])
    assert unsound([{"mark": 1.0}]) == ""


@pytest.mark.parametrize("venue", VENUES)
@settings(max_examples=60)
@given(data=st.data())
def test_repeats_and_order_do_not_change_what_was_liquidated(
    venue: str, data: st.DataObject
) -> None:
    frames = [json.dumps(frame) for frame in SOUND[venue]]
    told = data.draw(st.permutations(frames * 2))

    def forced(messages: list[str]) -> list[tuple[object, ...]]:
        reader = probes()[venue].make()
        reader.connected()
        events = [event for raw in messages for event in reader.read(raw, RECEIVED_NS)]
        for event in events:
            assert MS * 10**6 - 86_400 * 10**9 < event.event_ns < RECEIVED_NS
            assert getattr(event, "interval_s", 3600) in INTERVALS_S
            assert event.symbol == SYMBOL
            if isinstance(event, OpenInterest | Liquidation):
                assert event.qty > 0.0
        return sorted(
            (event.side, event.qty, event.price, event.event_ns)
            for event in events
            if isinstance(event, Liquidation)
        )

    assert forced(told) == forced(frames)
