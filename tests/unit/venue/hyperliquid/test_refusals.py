"""The venue's words become the errors of our tree; what may have been done is never a refusal."""

import pytest

from bot.app.clock import SystemClock
from bot.domain.errors import (
    InvariantBroken,
    OutcomeUnknown,
    VenueDataInvalid,
    VenueRefused,
    VenueThrottled,
    VenueUnreachable,
)
from bot.venue.errors import VenueReply
from bot.venue.hyperliquid.errors import error_of_reply, refusal
from bot.venue.hyperliquid.wire import ALLOWANCE, REFUSED, NonceSource, check_action
from bot.venue.wire import VenueTime


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Invalid TP/SL price. asset=0", "-2021"),
        ("Reduce only order would increase position. asset=4", "-2022"),
        ("Insufficient margin to place order. asset=84", "-2019"),
        ("Order must have minimum value of $10. asset=1", "-4164"),
        ("Price must be divisible by tick size. asset=1", "-4014"),
        ("Order could not immediately match against any resting orders. asset=0", "NO_MATCH"),
        ("Order was never placed, already canceled, or filled. asset=0", "-2011"),
        ("User or API Wallet 0x11 does not exist.", "AGENT_UNKNOWN"),
        ("something nobody heard before", "REFUSED"),
    ],
)
def test_a_refusal_has_the_meaning_of_its_words(words: str, code: str) -> None:
    error = refusal(words)
    assert isinstance(error, VenueRefused)
    assert (error.code, str(error)) == (code, words)


def test_a_nonce_that_is_off_means_that_the_clock_is() -> None:
    error = refusal("Invalid nonce: duplicate or too old nonce 1")
    assert isinstance(error, VenueRefused)
    assert error.code == "-1021"


def test_a_used_up_allowance_is_waited_for() -> None:
    words = "Too many cumulative requests sent (10001 > 10000) for cumulative volume traded $5."
    reply = VenueReply(200, ALLOWANCE, words)
    error = error_of_reply(reply, acts=True, now_ns=0)
    assert isinstance(error, VenueThrottled)
    assert error.retry_after_s == 10.0


@pytest.mark.parametrize(
    ("status", "code", "acts", "kind"),
    [
        (429, None, True, VenueThrottled),
        (502, None, True, OutcomeUnknown),
        (502, None, False, VenueUnreachable),
        (200, None, True, OutcomeUnknown),
        (200, None, False, VenueDataInvalid),
        (422, None, True, VenueRefused),
        (200, REFUSED, True, VenueRefused),
    ],
)
def test_answers_that_are_no_success(
    status: int, code: int | None, acts: bool, kind: type[Exception]
) -> None:
    assert type(error_of_reply(VenueReply(status, code, "x"), acts=acts, now_ns=0)) is kind


@pytest.mark.parametrize(
    "action",
    [
        {"type": "withdraw3"},
        {"type": "usdSend"},
        {"type": "approveBuilderFee"},
        {"type": "setReferrer"},
        {"type": "scheduleCancel"},
        {"type": "order", "orders": [], "builder": {"b": "0x0", "f": 0}},
        {},
    ],
)
def test_what_must_never_be_signed_is_not_signed(action: dict[str, object]) -> None:
    with pytest.raises(InvariantBroken):
        check_action(action)


def test_nonces_rise_even_within_one_millisecond_and_when_the_clock_steps_back() -> None:
    class Hands(SystemClock):
        at_ns = 1_700_000_000_000_000_000

        def now_ns(self) -> int:
            return self.at_ns

    clock = Hands()
    source = NonceSource(VenueTime(clock))
    given = [source.next() for _ in range(5)]
    clock.at_ns -= 3_000_000
    given += [source.next() for _ in range(5)]
    clock.at_ns += 60_000_000_000
    given.append(source.next())
    assert given == sorted(set(given))
    assert given[-1] == clock.at_ns // 1_000_000
