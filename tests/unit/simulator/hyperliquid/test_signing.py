"""Who signed is found without the client's library, and agrees with it on every action."""

import ccxt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.simulator.hyperliquid.curve import ORDER, address_of_key, signer_of
from bot.simulator.hyperliquid.keccak import keccak256
from bot.simulator.hyperliquid.signing import AHEAD_MS, Nonces, action_hash, digest_of, signer

KEY = "0x" + "11" * 32
ADDRESS = "0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a"
NOW_MS = 1_800_000_000_000
CLIENT = ccxt.hyperliquid({"walletAddress": "0x" + "ab" * 20, "privateKey": KEY})
PLAIN = st.one_of(
    st.booleans(),
    st.integers(0, 2**63),
    st.text(max_size=40),
    st.none(),
    st.floats(allow_nan=False),
)
ACTIONS = st.dictionaries(
    st.text(max_size=12), st.one_of(PLAIN, st.lists(st.dictionaries(st.text(max_size=4), PLAIN)))
)


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
    ],
)
def test_the_hash_by_its_published_examples(data: bytes, digest: str) -> None:
    assert keccak256(data).hex() == digest


@given(st.binary(max_size=400))
@settings(max_examples=40)
def test_the_hash_agrees_with_the_clients(data: bytes) -> None:
    assert keccak256(data).hex() == CLIENT.hash(data, "keccak", "hex")


def test_the_address_of_a_key() -> None:
    assert address_of_key(KEY) == ADDRESS


@given(ACTIONS, st.integers(2**40, 2**43), st.booleans())
@settings(max_examples=15, deadline=None)
def test_the_signer_of_any_action_is_found(
    action: dict[str, object], nonce: int, for_another: bool
) -> None:
    vault = "ab" * 20 if for_another else None
    made = CLIENT.sign_l1_action(action, nonce, vault)
    assert signer(action, nonce, made, vault=vault) == ADDRESS
    assert signer(action, nonce + 1, made, vault=vault) != ADDRESS
    assert signer({**action, "more": 1}, nonce, made, vault=vault) != ADDRESS


def test_testnet_and_main_net_do_not_take_each_others_signatures() -> None:
    hashed = action_hash({"type": "cancel"}, NOW_MS)
    assert digest_of(hashed, "a") != digest_of(hashed, "b")


@given(st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1), st.integers(0, 40))
@settings(max_examples=25, deadline=None)
def test_nonsense_is_signed_by_nobody_we_know(r: int, s: int, v: int) -> None:
    found = signer_of(b"\x01" * 32, r, s, v)
    assert found is None or (found != ADDRESS and len(found) == 42)
    if v not in (27, 28) or not 0 < r < ORDER:
        assert found is None


def test_nonces_are_new_and_near() -> None:
    nonces, now_ns = Nonces(), NOW_MS * 1_000_000
    assert not nonces.take(ADDRESS, NOW_MS, now_ns)
    assert "duplicate" in nonces.take(ADDRESS, NOW_MS, now_ns)
    assert not nonces.take("0xother", NOW_MS, now_ns)
    assert not nonces.take(ADDRESS, NOW_MS - 5, now_ns), "an older one is good while few are kept"
    for n in range(1, 101):
        assert not nonces.take(ADDRESS, NOW_MS + n, now_ns)
    assert "too old" in nonces.take(ADDRESS, NOW_MS - 4, now_ns)
    assert "one day ahead" in nonces.take(ADDRESS, NOW_MS + AHEAD_MS, now_ns)
