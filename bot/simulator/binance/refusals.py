"""How the protocol says no: code, text and HTTP status of an answer that is not success."""

from collections.abc import Mapping
from typing import Final

import msgspec

HTTP_STATUS: Final[Mapping[int, int]] = {
    -1000: 500,
    -1001: 503,
    -1002: 401,
    -1003: 429,
    -1007: 408,
    -1008: 503,
    -2014: 401,
    -2015: 401,
}

UNKNOWN_ORDER: Final = "Unknown order sent."
NO_SUCH_ORDER: Final = "Order does not exist."
NOT_ON_THIS_ENDPOINT: Final = (
    "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
)


class Refused(Exception):
    """An error answer: HTTP `status`, venue `code` (None: the body has no code) and `message`."""

    def __init__(
        self,
        code: int | None,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.status = status if status is not None else HTTP_STATUS.get(code or 0, 400)
        self.retry_after_s = retry_after_s

    def body(self) -> bytes:
        """Return the JSON body, in the venue's shape."""
        if self.code is None:
            return msgspec.json.encode({"msg": self.message})
        return msgspec.json.encode({"code": self.code, "msg": self.message})


def missing(name: str) -> Refused:
    """Return the answer to an absent or empty parameter."""
    return Refused(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def illegal(name: str) -> Refused:
    """Return the answer to a parameter with characters or a value that cannot be."""
    return Refused(-1100, f"Illegal characters found in parameter '{name}'.")
