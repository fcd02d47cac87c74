"""The fence stands in the transport itself: nothing reaches a host that is not the mode's."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from bot.app.clock import SystemClock
from bot.domain.errors import VenueRefused
from bot.venue.open import VenueConfig, open_room
from tests.fakes.embedded import BTC


@pytest.fixture
async def decoy() -> AsyncIterator[tuple[str, list[str]]]:
    """A server on loopback that sends every caller elsewhere, and what it was asked."""
    asked: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        asked.append(request.path)
        target = f"http://stranger.invalid:{request.url.port}{request.path_qs}"
        raise web.HTTPTemporaryRedirect(target)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", elsewhere)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    await runner.cleanup()


async def test_a_redirection_does_not_lead_a_signed_request_out(
    decoy: tuple[str, list[str]],
) -> None:
    url, asked = decoy
    config = VenueConfig(mode="paper", symbols=(BTC,), api_key="k", api_secret="s", base_url=url)
    room = await open_room(config, SystemClock())
    try:
        with pytest.raises(VenueRefused) as caught:
            await room.venue.set_leverage(BTC, 3)
        assert caught.value.code == "HOST_FORBIDDEN"
        assert asked == ["/fapi/v1/leverage"]
    finally:
        await room.close()


@pytest.mark.parametrize("url", ["ws://stranger.invalid/ws", "wss://fstream.binance.com/ws"])
async def test_a_socket_is_not_opened_elsewhere_either(url: str) -> None:
    config = VenueConfig(mode="paper", symbols=(BTC,), base_url="http://127.0.0.1:1")
    room = await open_room(config, SystemClock())
    try:
        with pytest.raises(VenueRefused):
            await room.public.book._session.ws_connect(url)
    finally:
        await room.close()
