"""Live and testnet by their production names: same codes, same fence, over TLS with a test CA."""

import json
import os
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app.clock import SystemClock
from bot.domain.errors import (
    ConfigInvalid,
    VenueRefused,
    VenueThrottled,
    VenueUnreachable,
)
from bot.domain.market import FeedStatus, MarkPrice
from bot.domain.messages import Fill
from bot.domain.orders import OrderStatus
from bot.simulator.faults import FaultKind
from bot.venue.open import VenueConfig, open_room
from tests.fakes.embedded import BTC, EmbeddedVenue, LoopbackResolver, embedded_venue
from tests.venue.adapter.scene import config_of, entry, listening, opened_by_name, stop

SHARED = Path(os.environ.get("BREAKWATER_SHARED", Path(__file__).resolve().parents[4] / "shared"))
RECORDED = SHARED / "fixtures" / "binance_errors.json"
MODES = pytest.mark.parametrize("mode", ["testnet", "live"])


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[EmbeddedVenue]:
    async with embedded_venue(tls=True, tls_folder=tmp_path) as running:
        yield running


@MODES
async def test_a_trade_and_its_stop_by_the_production_names(
    venue: EmbeddedVenue, mode: str
) -> None:
    async with opened_by_name(venue, mode) as room, listening(*room.feeds) as heard:
        await heard.until(FeedStatus, lambda event: event.stream == "user" and event.live)
        await heard.until(MarkPrice, lambda event: event.symbol == BTC)
        assert (await room.venue.submit(entry())).status is OrderStatus.FILLED
        await room.guard.submit(stop())
        fill = await heard.until(Fill, lambda event: event.client_order_id == "bw00000001-1-0")
        assert fill.symbol == BTC
        account = await room.guard.account()
        assert len(account.positions) == len(account.orders) == 1


@pytest.mark.skipif(
    not RECORDED.exists(), reason="recorded error bodies are not beside the project"
)
@MODES
async def test_recorded_errors_map_by_code_under_production_urls(
    venue: EmbeddedVenue, mode: str
) -> None:
    for status, body in json.loads(RECORDED.read_text())["cases"]:
        async with opened_by_name(venue, mode) as room:
            venue.faults.add(
                FaultKind.REJECT,
                path="/fapi/v1/order",
                http_status=status,
                code=body["code"],
                message=body["msg"],
            )
            expected = VenueThrottled if body["code"] in (-1003, -1015) else VenueRefused
            with pytest.raises(expected) as caught:
                await room.venue.submit(entry())
            if isinstance(caught.value, VenueRefused):
                assert caught.value.code == str(body["code"])
            else:
                assert caught.value.banned is (status == 418)
            venue.faults.clear()


async def test_key_rights_are_read_where_the_venue_tells_them(tmp_path: Path) -> None:
    async with embedded_venue(tls=True, tls_folder=tmp_path, can_withdraw=True) as venue:
        async with opened_by_name(venue, "live") as room:
            rights = await room.venue.key_permissions()
            assert (rights.can_trade, rights.can_withdraw) == (True, True)
        async with opened_by_name(venue, "testnet") as room:
            silent = await room.venue.key_permissions()
            assert (silent.can_trade, silent.can_withdraw, silent.ip_restricted) == (None,) * 3


async def test_a_certificate_nobody_vouches_for_is_no_venue(venue: EmbeddedVenue) -> None:
    room = await open_room(
        config_of(venue, mode="live", base_url=""),
        SystemClock(),
        ssl_context=ssl.create_default_context(),
        resolver=LoopbackResolver(venue.port),
    )
    try:
        with pytest.raises(VenueUnreachable):
            await room.venue.submit(entry())
    finally:
        await room.close()
    assert not venue.requests("/fapi/v1/order")


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": "live", "base_url": "http://127.0.0.1:1"},
        {"mode": "testnet", "ws_url": "ws://127.0.0.1:1"},
        {"mode": "paper", "base_url": ""},
        {"mode": "paper", "base_url": "https://fapi.binance.com"},
        {"mode": "paper", "base_url": "http://127.0.0.1:1", "ws_url": "wss://fstream.binance.com"},
        {"mode": "live", "symbols": ("BTC/USD:BTC",)},
        {"mode": "live", "symbols": ()},
        {"mode": "live", "api_key": "k"},
    ],
    ids=str,
)
async def test_a_configuration_that_does_not_fit_opens_nothing(changes: dict[str, object]) -> None:
    with pytest.raises(ConfigInvalid):
        await open_room(VenueConfig(**{"symbols": (BTC,), **changes}), SystemClock())


def test_secrets_are_not_in_what_is_printed() -> None:
    config = VenueConfig(mode="live", symbols=(BTC,), api_key="KEYKEY", api_secret="SECSEC")
    for text in (repr(config), str(config), f"{config}"):
        assert "KEYKEY" not in text
        assert "SECSEC" not in text
