"""Codes, statuses and transport failures land on the branch of our tree that says what to do."""

import json
import os
import socket
from pathlib import Path

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from bot.domain.errors import (
    OutcomeUnknown,
    VenueDataInvalid,
    VenueError,
    VenueRefused,
    VenueThrottled,
    VenueUnreachable,
)
from bot.venue.errors import BAN_S, RETRY_AFTER_S, error_of_failure, error_of_reply, reply_of

NOW_NS = 1_795_000_000 * 10**9
SHARED = Path(os.environ.get("BREAKWATER_SHARED", Path(__file__).resolve().parents[4] / "shared"))
RECORDED = SHARED / "fixtures" / "binance_errors.json"


def error_of(status: int, body: object, *, acts: bool = True, **headers: str) -> VenueError:
    text = body if isinstance(body, str) else json.dumps(body)
    parsed = None if isinstance(body, str) else body
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    reply = reply_of(status, fields, text, parsed)
    assert reply is not None
    return error_of_reply(reply, acts=acts, now_ns=NOW_NS)


@pytest.mark.skipif(
    not RECORDED.exists(), reason="recorded error bodies are not beside the project"
)
def test_every_recorded_error_body_maps_by_its_code() -> None:
    cases = json.loads(RECORDED.read_text())["cases"]
    assert len(cases) >= 10
    for status, body in cases:
        error = error_of(status, body)
        if body["code"] in (-1003, -1015):
            assert isinstance(error, VenueThrottled)
            assert error.banned is (status == 418)
        else:
            assert isinstance(error, VenueRefused)
            assert error.code == str(body["code"])


@pytest.mark.parametrize("code", [-1000, -1001, -1006, -1007, -1008])
@pytest.mark.parametrize("status", [400, 500, 503])
def test_a_venue_that_does_not_know_leaves_the_outcome_open(status: int, code: int) -> None:
    body = {"code": code, "msg": "execution status unknown"}
    assert isinstance(error_of(status, body), OutcomeUnknown)
    assert isinstance(error_of(status, body, acts=False), VenueUnreachable)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_broken_gateway_leaves_the_outcome_open(status: int) -> None:
    assert isinstance(error_of(status, "<html>bad gateway</html>"), OutcomeUnknown)
    assert isinstance(error_of(status, {"msg": "Unknown error"}), OutcomeUnknown)
    assert isinstance(error_of(status, "", acts=False), VenueUnreachable)


@pytest.mark.parametrize("status", [401, 403, 404, 451])
def test_a_refusal_without_a_code_is_named_by_its_status(status: int) -> None:
    error = error_of(status, "forbidden")
    assert isinstance(error, VenueRefused)
    assert error.code == f"HTTP{status}"


def test_an_answer_that_is_not_json_is_nonsense_to_read_and_unknown_to_write() -> None:
    assert isinstance(error_of(200, "<html>", acts=False), VenueDataInvalid)
    assert isinstance(error_of(200, "<html>"), OutcomeUnknown)


@pytest.mark.parametrize("body", [{}, [], {"code": 200, "msg": "success"}, {"code": "200"}])
def test_success_is_not_an_error(body: object) -> None:
    assert reply_of(200, {}, json.dumps(body), body) is None


def test_a_negative_code_is_an_error_under_any_status() -> None:
    error = error_of(200, {"code": -2011, "msg": "Unknown order sent."})
    assert isinstance(error, VenueRefused)
    assert error.code == "-2011"


def test_silence_is_as_long_as_the_venue_asks() -> None:
    told = error_of(429, {"code": -1003, "msg": "x"}, Retry_After="7")
    assert isinstance(told, VenueThrottled)
    assert (told.retry_after_s, told.banned) == (7.0, False)
    untold = error_of(429, {"code": -1003, "msg": "x"})
    assert isinstance(untold, VenueThrottled)
    assert untold.retry_after_s == RETRY_AFTER_S
    banned = error_of(418, {"code": -1003, "msg": "x"})
    assert isinstance(banned, VenueThrottled)
    assert (banned.retry_after_s, banned.banned) == (BAN_S, True)


def test_the_end_of_a_ban_is_read_from_the_words() -> None:
    until_ms = NOW_NS // 10**6 + 90_000
    words = f"Way too many requests; IP(1.2.3.4) banned until {until_ms}. Please use the websocket."
    error = error_of(418, {"code": -1003, "msg": words}, Retry_After="5")
    assert isinstance(error, VenueThrottled)
    assert error.retry_after_s == 90.0


@pytest.mark.parametrize("value", ["soon", "-5", "nan", "inf"])
def test_a_senseless_retry_after_is_not_believed(value: str) -> None:
    error = error_of(429, {}, Retry_After=value)
    assert isinstance(error, VenueThrottled)
    assert error.retry_after_s == RETRY_AFTER_S


KEY = ConnectionKey("fapi.binance.com", 443, True, True, None, None, None)


@pytest.mark.parametrize(
    "cause",
    [
        aiohttp.ClientConnectorError(KEY, OSError(111, "refused")),
        aiohttp.ConnectionTimeoutError("connect"),
        socket.gaierror("no such host"),
    ],
    ids=lambda cause: type(cause).__name__,
)
def test_a_connection_that_never_was_did_nothing(cause: Exception) -> None:
    assert isinstance(error_of_failure(wrapped(cause), acts=True), VenueUnreachable)


@pytest.mark.parametrize(
    "cause",
    [
        aiohttp.ServerDisconnectedError(),
        aiohttp.SocketTimeoutError("read"),
        aiohttp.ClientPayloadError("cut"),
        ConnectionResetError("reset"),
        TimeoutError(),
    ],
    ids=lambda cause: type(cause).__name__,
)
def test_an_answer_lost_on_the_way_leaves_an_act_open(cause: Exception) -> None:
    assert isinstance(error_of_failure(wrapped(cause), acts=True), OutcomeUnknown)
    assert isinstance(error_of_failure(wrapped(cause), acts=False), VenueUnreachable)


def test_what_was_signed_stays_out_of_the_words() -> None:
    text = (
        "Connection timeout to host https://fapi.binance.com/fapi/v1/order?timestamp=1&signature=ab"
    )
    error = error_of_failure(wrapped(aiohttp.ConnectionTimeoutError(text)), acts=True)
    assert "fapi.binance.com" in str(error)
    assert "signature" not in str(error)


def wrapped(cause: Exception) -> Exception:
    """What ccxt makes of it: its own class, ours as the cause."""
    try:
        raise RuntimeError("ccxt") from cause
    except RuntimeError as failure:
        return failure
