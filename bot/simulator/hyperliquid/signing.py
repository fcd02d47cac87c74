"""Who signed an action: the venue's hash of it, the typed message around the hash, and the nonces.

An action is hashed as MessagePack, with nonce, sub-account and expiry behind it. A wallet signs an
EIP-712 message of a phantom agent that carries this hash; its `source` tells main net from testnet.
"""

from bisect import insort
from collections.abc import Mapping
from typing import Final

import msgspec

from bot.domain.units import NS_PER_MS
from bot.simulator.hyperliquid.curve import signer_of
from bot.simulator.hyperliquid.keccak import keccak256

NONCES_KEPT: Final = 100
DAY_MS: Final = 86_400_000
BACK_MS: Final = 2 * DAY_MS
AHEAD_MS: Final = DAY_MS
MAINNET: Final = "a"
_DOMAIN: Final = keccak256(
    keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
    + keccak256(b"Exchange")
    + keccak256(b"1")
    + (1337).to_bytes(32, "big")
    + bytes(32)
)
_AGENT: Final = keccak256(b"Agent(string source,bytes32 connectionId)")


def action_hash(
    action: object, nonce: int, vault: str | None = None, expires_after: int | None = None
) -> bytes:
    """Return the hash that stands for an action; `vault` is a sub-account's address or None."""
    data = msgspec.msgpack.encode(action) + nonce.to_bytes(8, "big")
    data += b"\x00" if vault is None else b"\x01" + bytes.fromhex(vault.removeprefix("0x"))
    if expires_after is not None:
        data += b"\x00" + expires_after.to_bytes(8, "big")
    return keccak256(data)


def digest_of(connection: bytes, source: str = MAINNET) -> bytes:
    """Return what is signed: the typed message of the phantom agent."""
    agent = keccak256(_AGENT + keccak256(source.encode()) + connection)
    return keccak256(b"\x19\x01" + _DOMAIN + agent)


def signer(
    action: object,
    nonce: int,
    signature: Mapping[str, object],
    *,
    vault: str | None = None,
    expires_after: int | None = None,
) -> str | None:
    """Return the address that signed a request, None when the signature is none.

    A signature that is wrong in any bit is right for somebody else: the venue then does not know
    the address it recovers.
    """
    try:
        r, s = int(str(signature["r"]), 16), int(str(signature["s"]), 16)
        v = int(str(signature["v"]))
        connection = action_hash(action, nonce, vault, expires_after)
    except (KeyError, ValueError, OverflowError):
        return None
    return signer_of(digest_of(connection), r, s, v)


class Nonces:
    """The nonces of each signer: new ones only, above the smallest of the hundred highest."""

    def __init__(self) -> None:
        self._seen: dict[str, list[int]] = {}

    def take(self, address: str, nonce: int, now_ns: int) -> str:
        """Use a nonce; return why it cannot be, or nothing."""
        now_ms = now_ns // NS_PER_MS
        if not now_ms - BACK_MS < nonce < now_ms + AHEAD_MS:
            return f"Invalid nonce: {nonce} is not within two days back and one day ahead"
        seen = self._seen.setdefault(address, [])
        full = len(seen) >= NONCES_KEPT
        if nonce in seen or (full and nonce <= seen[0]):
            return f"Invalid nonce: duplicate or too old nonce {nonce}"
        insort(seen, nonce)
        del seen[:-NONCES_KEPT]
        return ""
