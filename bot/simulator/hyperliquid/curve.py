"""secp256k1 as far as a venue needs it: who signed a hash, and which address a key belongs to.

Written apart from the client's library on purpose: what signs is not what judges. Nothing here is
meant to keep a secret: it runs in constant time for nobody.
"""

from typing import Final

from bot.simulator.hyperliquid.keccak import keccak256

FIELD: Final = 2**256 - 2**32 - 977
ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
BASE: Final = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
Point = tuple[int, int]
_Jacobian = tuple[int, int, int]
_ZERO: Final = (0, 1, 0)


def address_of_key(private_key: str) -> str:
    """Return the address (0x, 40 hex digits) of a private key in hex."""
    point = _affine(_times(int(private_key, 16), BASE))
    if point is None:
        raise ValueError("not a private key")
    return address_of_point(point)


def address_of_point(point: Point) -> str:
    """Return the address of a public key."""
    raw = point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")
    return "0x" + keccak256(raw)[12:].hex()


def signer_of(digest: bytes, r: int, s: int, v: int) -> str | None:
    """Return the address whose key made the signature of a 32-byte digest; None: nobody's."""
    if not (0 < r < ORDER and 0 < s < ORDER and v in (27, 28)):
        return None
    y_squared = (pow(r, 3, FIELD) + 7) % FIELD
    y = pow(y_squared, (FIELD + 1) // 4, FIELD)
    if y * y % FIELD != y_squared:
        return None
    if y % 2 != v - 27:
        y = FIELD - y
    inverse = pow(r, -1, ORDER)
    hashed = int.from_bytes(digest, "big")
    from_base = _times(-hashed * inverse % ORDER, BASE)
    point = _affine(_add(from_base, _times(s * inverse % ORDER, (r, y))))
    return address_of_point(point) if point is not None else None


def _times(factor: int, point: Point) -> _Jacobian:
    total: _Jacobian = _ZERO
    for bit in f"{factor:b}":
        total = _double(total)
        if bit == "1":
            total = _add(total, (point[0], point[1], 1))
    return total


def _double(p: _Jacobian) -> _Jacobian:
    x, y, z = p
    if not y or not z:
        return _ZERO
    square = y * y % FIELD
    s = 4 * x * square % FIELD
    m = 3 * x * x % FIELD
    new_x = (m * m - 2 * s) % FIELD
    return new_x, (m * (s - new_x) - 8 * square * square) % FIELD, 2 * y * z % FIELD


def _add(p: _Jacobian, q: _Jacobian) -> _Jacobian:
    if not p[2]:
        return q
    if not q[2]:
        return p
    z1, z2 = p[2] * p[2] % FIELD, q[2] * q[2] % FIELD
    u1, u2 = p[0] * z2 % FIELD, q[0] * z1 % FIELD
    s1, s2 = p[1] * z2 * q[2] % FIELD, q[1] * z1 * p[2] % FIELD
    if u1 == u2:
        return _double(p) if s1 == s2 else _ZERO
    h, r = u2 - u1, s2 - s1
    h2 = h * h % FIELD
    h3, v = h * h2 % FIELD, u1 * h2 % FIELD
    x = (r * r - h3 - 2 * v) % FIELD
    return x, (r * (v - x) - s1 * h3) % FIELD, h * p[2] * q[2] % FIELD


def _affine(p: _Jacobian) -> Point | None:
    if not p[2]:
        return None
    inverse = pow(p[2], -1, FIELD)
    square = inverse * inverse % FIELD
    return p[0] * square % FIELD, p[1] * square * inverse % FIELD
