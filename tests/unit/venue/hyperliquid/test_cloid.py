"""Client ids survive the way to 128 bits and back; those of others are never taken for ours."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import VenueRefused
from bot.venue.hyperliquid.cloid import ALPHABET, from_cloid, number_of, to_cloid

RUN = st.text("0123456789abcdef", min_size=8, max_size=8)
OURS = st.one_of(
    st.builds(
        lambda run, seq, index: f"bw{run}-{seq}-{index}",
        RUN,
        st.integers(0, 10**9),
        st.integers(0, 99),
    ),
    st.builds(
        lambda run, kind, n: f"bw{run}-{kind}{n}",
        RUN,
        st.sampled_from("cp"),
        st.integers(0, 10**6),
    ),
)


@given(OURS)
def test_our_ids_go_there_and_back(name: str) -> None:
    cloid = to_cloid(name)
    assert re.fullmatch("0x[0-9a-f]{32}", cloid)
    assert from_cloid(cloid, 7) == name


@given(st.integers(0, 2**128 - 1))
def test_foreign_bits_stay_what_they_are(bits: int) -> None:
    cloid = f"0x{bits:032x}"
    assert from_cloid(cloid, 7) == cloid
    assert to_cloid(cloid) == cloid


@given(st.sets(st.text(ALPHABET, max_size=22), min_size=2, max_size=20))
def test_different_ids_are_different_bits(tails: set[str]) -> None:
    assert len({to_cloid(f"bw{tail}") for tail in tails}) == len(tails)


def test_an_order_without_an_id_is_named_by_its_number() -> None:
    assert from_cloid(None, 123) == "oid-123"
    assert number_of("oid-123") == 123
    assert number_of("bw00000001-1-0") is None
    assert number_of("oid-x") is None


@pytest.mark.parametrize("name", ["", "hand_1", "bw" + "a" * 23, "bwABC-1-0", "bwä-1-0"])
def test_what_does_not_fit_is_not_sent(name: str) -> None:
    with pytest.raises(VenueRefused, match="128 bits") as refused:
        to_cloid(name)
    assert refused.value.code == "CLIENT_ID"
