"""Bybit's numbers into the house's errors: certain noes, unknown outcomes, and silences."""

import pytest

from bot.domain.errors import (
    OutcomeUnknown,
    VenueDataInvalid,
    VenueError,
    VenueRefused,
    VenueThrottled,
    VenueUnreachable,
)
from bot.venue.bybit.answers import error_of_reply, reply_of

NOW_MS = 1_795_000_000_000


def error(status: int, code: object, words: str = "x", *, acts: bool = True,
          headers: dict[str, str] | None = None, text: str = "") -> VenueError:  # fmt: skip
    body = {"retCode": code, "retMsg": words} if code is not None else None
    reply = reply_of(status, headers or {}, text or words, body, NOW_MS)
    assert reply is not None
    return error_of_reply(reply, acts=acts, now_ns=0)


@pytest.mark.parametrize(
    ("code", "words", "house"),
    [
        (110001, "order not exists or too late to cancel", "-2011"),
        (110010, "The order has been cancelled", "-2011"),
        (110072, "OrderLinkedID is duplicate", "-4116"),
        (110092, "expect Rising, but trigger_price[1] <= current[2]", "-2021"),
        (110093, "expect Falling, but trigger_price[2] >= current[1]", "-2021"),
        (110017, "current position is zero, cannot fix reduce-only order qty", "-2022"),
        (110007, "ab not enough for new order", "-2019"),
        (10001, "position idx not match position mode", "-4061"),
        (10001, "Qty invalid", "10001"),
        (110043, "leverage not modified", "110043"),
        (10002, "invalid request, please check your server timestamp", "10002"),
        (10004, "error sign!", "10004"),
        (10005, "Permission denied", "10005"),
        (33004, "Your api key has expired", "33004"),
    ],
)
def test_a_certain_no_has_the_houses_word_and_keeps_the_venues_number(
    code: int, words: str, house: str
) -> None:
    no = error(200, code, words)
    assert isinstance(no, VenueRefused)
    assert no.code == house
    assert str(code) in str(no)


@pytest.mark.parametrize(
    ("status", "code"), [(200, 10000), (200, 10016), (200, 10019), (500, None), (502, None),
                         (504, 10001), (200, None), (408, None)]
)  # fmt: skip
def test_what_the_venue_could_not_say_is_unknown_where_something_was_asked_to_be_done(
    status: int, code: int | None
) -> None:
    assert isinstance(error(status, code), OutcomeUnknown)
    reading = error(status, code, acts=False)
    assert isinstance(reading, VenueUnreachable | VenueDataInvalid)


def test_403_is_ten_minutes_of_silence_whatever_the_body() -> None:
    ban = error(403, None, text="access too frequent")
    assert isinstance(ban, VenueThrottled)
    assert (ban.banned, ban.retry_after_s) == (True, 600.0)


@pytest.mark.parametrize(
    ("reset", "waits_s"),
    [(None, 1.0), (NOW_MS + 3_000, 3.0), (NOW_MS - 9, 1.0), (NOW_MS + 10**9, 600.0)],
)
def test_too_many_visits_wait_for_the_reset_and_no_longer_than_a_ban(
    reset: int | None, waits_s: float
) -> None:
    headers = {} if reset is None else {"X-Bapi-Limit-Reset-Timestamp": str(reset)}
    limited = error(200, 10006, headers=headers)
    assert isinstance(limited, VenueThrottled)
    assert (limited.banned, limited.retry_after_s) == (False, waits_s)


def test_success_is_retcode_zero_and_nothing_else() -> None:
    assert reply_of(200, {}, "", {"retCode": 0, "result": {}}, NOW_MS) is None
    for body in ({}, {"retCode": "0"}, {"retCode": False}, [], None, "ok"):
        assert reply_of(200, {}, "", body, NOW_MS) is not None
