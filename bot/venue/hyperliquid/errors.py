"""From the venue's texts to our tree of errors. It has no numbers: its words are all there is.

Where the house asks for a meaning by number (a stop that would trigger at once, nothing to reduce,
an id that is taken), the number is the house's own, which is Binance's.
"""

from typing import Final

from bot.domain.errors import (
    OutcomeUnknown,
    VenueDataInvalid,
    VenueError,
    VenueRefused,
    VenueThrottled,
    VenueUnreachable,
)
from bot.venue.errors import RETRY_AFTER_S, VenueReply
from bot.venue.hyperliquid.wire import ALLOWANCE, REFUSED

ALLOWANCE_PAUSE_S: Final = 10.0
"""An address whose allowance is used up may act once in so many seconds."""
CLOCK_APART: Final = -1021
DUPLICATE: Final = "-4116"
NO_SUCH_ORDER: Final = "-2011"
_CODES: Final = (
    ("Invalid TP/SL price", "-2021"),
    ("Reduce only order would increase", "-2022"),
    ("Insufficient margin", "-2019"),
    ("minimum value", "-4164"),
    ("divisible by tick size", "-4014"),
    ("invalid price", "-4014"),
    ("invalid size", "-1111"),
    ("zero size", "-4003"),
    ("could not immediately match", "NO_MATCH"),
    ("No liquidity available", "NO_LIQUIDITY"),
    ("Post only order", "-5022"),
    ("away from the reference price", "-4016"),
    ("never placed, already canceled", NO_SUCH_ORDER),
    ("cloid", DUPLICATE),
    ("open interest", "OPEN_INTEREST_CAP"),
    ("margin tier limit", "-2027"),
    ("Too many open orders", "-2025"),
    ("does not exist", "AGENT_UNKNOWN"),
    ("Cannot switch leverage type", "-4048"),
    ("halted", "HALTED"),
)


def code_of(words: str) -> str:
    """Return the code of a refusal by the venue's words."""
    return next((code for part, code in _CODES if part.lower() in words.lower()), "REFUSED")


def refusal(words: str) -> VenueError:
    """Return the error that a text of refusal stands for: nothing was done."""
    if "nonce" in words.lower():
        return VenueRefused(words, code=str(CLOCK_APART))
    if "cumulative requests" in words:
        return VenueThrottled(
            f"the address's allowance is used up: {words}", retry_after_s=ALLOWANCE_PAUSE_S
        )
    return VenueRefused(words, code=code_of(words))


def error_of_reply(reply: VenueReply, *, acts: bool, now_ns: int) -> VenueError:
    """Translate a bad answer; `acts` says that the request would have changed something."""
    del now_ns
    label = f"{reply.words[:160]} (HTTP {reply.status})"
    if reply.code in (REFUSED, ALLOWANCE):
        return refusal(reply.words)
    if reply.status in (418, 429):
        wait_s = reply.retry_after_s or RETRY_AFTER_S
        return VenueThrottled(f"too many requests: {label}", retry_after_s=wait_s)
    if reply.status >= 500 or reply.status == 408:
        if acts:
            return OutcomeUnknown(f"venue could not say whether it was done: {label}")
        return VenueUnreachable(f"venue could not answer: {label}")
    if reply.status < 400:
        if acts:
            return OutcomeUnknown(f"venue answered with something that is not JSON: {label}")
        return VenueDataInvalid(f"venue answered with something that is not JSON: {label}")
    return VenueRefused(label, code=f"HTTP{reply.status}")
