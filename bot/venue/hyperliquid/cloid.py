"""Our client ids as the venue's: 128 bits, there and back without a table.

A mark of 12 bits, then the id as a number: of the characters behind "bw" in an alphabet of 38.
Orders of others keep the name they have: their own 128 bits, or the venue's number.
"""

import re
from typing import Final

from bot.domain.errors import VenueRefused

OURS: Final = "bw"
ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyz-_"
LENGTH_MAX: Final = 22
MARK: Final = 0xB3E
"""A foreign id with this mark by chance must also spell an id of ours to be taken for one."""
NUMBERED: Final = "oid-"
_BITS: Final = 116
_OURS: Final = re.compile(r"bw[0-9a-z]{1,12}-([cp][0-9]{1,9}|[0-9]{1,12}-[0-9]{1,6})")
_HEX: Final = re.compile(r"0x[0-9a-f]{32}")


def to_cloid(client_order_id: str) -> str:
    """Return the 128 bits of a client id of ours, or of another's that has them already.

    Raises:
        VenueRefused: it cannot be carried (code CLIENT_ID); nothing was sent.
    """
    if _HEX.fullmatch(client_order_id):
        return client_order_id
    tail = client_order_id.removeprefix(OURS)
    if tail == client_order_id or len(tail) > LENGTH_MAX or not set(tail) <= set(ALPHABET):
        raise VenueRefused(
            f"client id {client_order_id[:40]!r} does not fit into 128 bits", code="CLIENT_ID"
        )
    number = 0
    for letter in tail:
        number = number * len(ALPHABET) + ALPHABET.index(letter) + 1
    return f"0x{MARK << _BITS | number:032x}"


def from_cloid(cloid: object, oid: object) -> str:
    """Return the client id of an order: ours, the foreign 128 bits, or one made of its number."""
    if not isinstance(cloid, str) or not _HEX.fullmatch(cloid):
        return f"{NUMBERED}{oid}"
    bits = int(cloid, 16)
    if bits >> _BITS != MARK:
        return cloid
    number, letters = bits & ((1 << _BITS) - 1), ""
    while number:
        number, place = divmod(number - 1, len(ALPHABET))
        letters = ALPHABET[place] + letters
    ours = OURS + letters
    return ours if _OURS.fullmatch(ours) else cloid


def number_of(client_order_id: str) -> int | None:
    """Return the venue's number of an order that has no client id, None for one that has."""
    digits = client_order_id.removeprefix(NUMBERED)
    if digits == client_order_id or not digits.isascii() or not digits.isdigit():
        return None
    return int(digits)
