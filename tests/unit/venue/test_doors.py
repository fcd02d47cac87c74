"""Play money and real money never share a way out: every mode of every venue against all others."""

import itertools
import re

import ccxt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bot.domain.errors import VenueRefused
from bot.venue import doors
from bot.venue.doors import DOORS, LOOPBACK, Mode
from bot.venue.endpoint import Endpoint
from bot.venue.hosts import Fence
from bot.venue.profiles import binance, bybit

PAIRS = [(venue, mode) for venue, modes in DOORS.items() for mode in modes]
ORDERS = {
    "binance": ("/fapi/v1/order", "/fapi/v1/algoOrder"),
    "bybit": ("/v5/order/create",),
    "okx": ("/api/v5/trade/order", "/api/v5/trade/order-algo"),
    "hyperliquid": ("/exchange",),
}
DEMO = {"x-simulated-trading": "1"}


def headers_of(venue: str, mode: Mode) -> dict[str, str]:
    return DEMO if (venue, mode) == ("okx", "testnet") else {}


def refused(fence: Fence, url: URL, headers: dict[str, str] | None = None) -> str:
    """Return the code of the refusal, or nothing when it would be sent."""
    try:
        fence.check(url, headers or {})
    except VenueRefused as error:
        return error.code
    return ""


def at(host: str, path: str, mode: Mode = "live") -> URL:
    return URL.build(scheme="http" if mode == "paper" else "https", host=host, path=path)


@pytest.mark.parametrize(("venue", "mode"), PAIRS)
def test_a_mode_places_orders_by_its_own_door(venue: str, mode: Mode) -> None:
    fence = Fence(mode, venue)
    open_to = {
        (host, path)
        for host, path in itertools.product(fence.hosts, ORDERS[venue])
        if not refused(fence, at(host, path, mode), headers_of(venue, mode))
    }
    assert {path for _, path in open_to} == set(ORDERS[venue])


@pytest.mark.parametrize("venue", list(DOORS))
@pytest.mark.parametrize("mode", ["paper", "testnet"])
@pytest.mark.parametrize("headers", [{}, DEMO])
def test_no_run_without_real_money_can_place_an_order_that_the_live_mode_would(
    venue: str, mode: Mode, headers: dict[str, str]
) -> None:
    """Whatever host, path and header: what the live door takes, the others refuse."""
    live, other = Fence("live", venue), Fence(mode, venue)
    for host, path in itertools.product(live.hosts, ORDERS[venue]):
        url = at(host, path)
        if not refused(live, url, headers):
            assert refused(other, url, headers) in ("HOST_FORBIDDEN", "PATH_FORBIDDEN")


def test_the_demo_of_okx_is_the_live_host_and_a_header() -> None:
    demo, live = Fence("testnet", "okx"), Fence("live", "okx")
    order = at("www.okx.com", "/api/v5/trade/order")
    assert refused(demo, order, DEMO) == ""
    for headers in ({}, {"x-simulated-trading": "0"}, {"x-simulated-trading": ""}):
        assert refused(demo, order, headers) == "PATH_FORBIDDEN"
    assert refused(live, order) == ""
    assert refused(live, order, DEMO) == "PATH_FORBIDDEN", "a live run must not believe in play"


@pytest.mark.parametrize(("venue", "mode"), PAIRS)
def test_a_mode_speaks_to_nobody_else(venue: str, mode: Mode) -> None:
    fence = Fence(mode, venue)
    everybody = {
        host
        for modes in DOORS.values()
        for each in modes.values()
        for d in each
        for host in d.hosts
    }
    own = sorted(fence.hosts)
    for host in [*sorted(everybody - fence.hosts), "evil.example", f"{own[0]}.evil.example"]:
        assert refused(fence, at(host, "/ws", mode)) == "HOST_FORBIDDEN"
    if mode != "paper":
        for host, scheme in itertools.product(own, ("http", "ws")):
            url = URL.build(scheme=scheme, host=host, path=ORDERS[venue][0])
            assert refused(fence, url, headers_of(venue, mode)) == "HOST_FORBIDDEN"


@pytest.mark.parametrize(
    "path",
    [
        "/sapi/v1/capital/withdraw/apply", "/sapi/v1/asset/transfer", "/fapi/v1/transfer",
        "/sapi/v1/account/apiRestrictions/ipRestriction", "/fapi/v1/batchOrders",
        "/fapi/v1/countdownCancelAll", "/fapi/v1/order/test/../../../sapi/v1/asset/transfer",
        "/v5/asset/withdraw/create", "/api/v5/asset/withdrawal", "/api/v5/asset/transfer", "/",
    ],
)  # fmt: skip
@pytest.mark.parametrize("venue", ["binance", "bybit", "okx"])
def test_money_cannot_be_moved_out(venue: str, path: str) -> None:
    fence = Fence("live", venue)
    for host in fence.hosts:
        assert refused(fence, at(host, path)) == "PATH_FORBIDDEN"


@given(st.text(max_size=60))
def test_junk_behind_the_own_host_is_refused_or_a_known_path(junk: str) -> None:
    fence = Fence("live")
    url = URL.build(scheme="https", host="fapi.binance.com", path="/" + junk.lstrip("/"))
    known = {path for door in DOORS["binance"]["live"] for path in door.paths}
    assert (refused(fence, url) == "") == (url.path in known and url.path.startswith("/f"))


def test_the_modes_of_the_table_are_the_modes_of_the_house() -> None:
    assert set(Mode.__args__) == set(binance.Mode.__args__)
    assert all(set(modes) == set(Mode.__args__) for modes in DOORS.values())
    assert doors.LOOPBACK == LOOPBACK == Fence("paper").hosts


def path_of(call: str) -> str:
    """The path behind one of ccxt's implicit methods."""
    for side, methods in ccxt.bybit().api.items():
        for verb, paths in methods.items():
            for path in paths:
                words = "".join(word.capitalize() for word in re.split("[/-]", path))
                if f"{side}{verb.capitalize()}{words}" == call:
                    return f"/{path}"
    raise AssertionError(f"ccxt has no {call}")


@pytest.mark.parametrize("mode", ["paper", "testnet", "live"])
def test_bybit_has_a_door_for_all_it_asks_and_for_nothing_else(mode: Mode) -> None:
    asked = {
        path_of(value.call) for value in vars(bybit).values() if isinstance(value, Endpoint)
    } | {"/v5/market/funding/history", "/v5/market/open-interest"}
    streams = {bybit.PUBLIC_PATH, bybit.PRIVATE_PATH}
    known = {path for door in DOORS["bybit"][mode] for path in door.paths}
    assert known == asked | streams


def test_a_demo_hears_production_prices_and_signs_in_nowhere_near_real_money() -> None:
    fence = Fence("testnet", "bybit")
    assert refused(fence, at("stream.bybit.com", bybit.PUBLIC_PATH)) == ""
    assert refused(fence, at("stream.bybit.com", bybit.PRIVATE_PATH)) == "PATH_FORBIDDEN"
    assert refused(fence, at("api-demo.bybit.com", "/v5/order/create")) == ""
    assert refused(fence, at("api.bybit.com", "/v5/order/create")) == "HOST_FORBIDDEN"
