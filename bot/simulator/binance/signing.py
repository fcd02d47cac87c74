"""Who asks: API keys, the HMAC signature and the window of time a signed request is good for."""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec

from bot.domain.units import NS_PER_MS
from bot.simulator.binance.refusals import Refused, missing

RECV_WINDOW_MS_DEFAULT: Final = 5_000
RECV_WINDOW_MS_MAX: Final = 60_000
AHEAD_MS_MAX: Final = 1_000


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key of one account; without `can_trade` it may only read."""

    key: str
    secret: str
    account_id: str
    can_trade: bool = True
    can_withdraw: bool = False
    ip_restricted: bool = True


def find_key(keys: Mapping[str, ApiKey], header: str | None) -> ApiKey:
    """Return the key named by the X-MBX-APIKEY header.

    Raises:
        Refused: -2014 for a header that is no key at all, -2015 for a key nobody knows.
    """
    if not header or not header.isprintable() or " " in header:
        raise Refused(-2014, "API-key format invalid.")
    found = keys.get(header)
    if found is None:
        raise Refused(-2015, "Invalid API-key, IP, or permissions for action.")
    return found


def check_signature(key: ApiKey, query: str, body: str) -> None:
    """Compare the signature with the HMAC of query and body as they were sent.

    Raises:
        Refused: -1102 without a signature, -1022 with a wrong one.
    """
    payload, signature = _without_signature(query, body)
    if not signature:
        raise missing("signature")
    expected = hmac.new(key.secret.encode(), payload.encode(), sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise Refused(-1022, "Signature for this request is not valid.")


def _without_signature(query: str, body: str) -> tuple[str, str]:
    signature = ""
    parts: list[str] = []
    for text in (query, body):
        kept = []
        for pair in text.split("&"):
            name, _, value = pair.partition("=")
            if name == "signature":
                signature = value
            elif pair:
                kept.append(pair)
        parts.append("&".join(kept))
    return "".join(parts), signature


def check_window(params: Mapping[str, str], now_ns: int) -> None:
    """Refuse a request that is too old, or from too far in the future, by the venue's clock.

    Raises:
        Refused: -1102 without a timestamp, -1021 outside of the window, -1131 for a window
            above 60 s.
    """
    stamp = params.get("timestamp", "")
    if not stamp.isascii() or not stamp.isdigit():
        raise missing("timestamp")
    text = params.get("recvWindow") or str(RECV_WINDOW_MS_DEFAULT)
    if not text.isascii() or not text.isdigit():
        raise missing("recvWindow")
    if int(text) > RECV_WINDOW_MS_MAX:
        raise Refused(-1131, "recvWindow must be less than 60000")
    now_ms = now_ns // NS_PER_MS
    if int(stamp) >= now_ms + AHEAD_MS_MAX:
        raise Refused(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - int(stamp) > int(text):
        raise Refused(-1021, "Timestamp for this request is outside of the recvWindow.")
