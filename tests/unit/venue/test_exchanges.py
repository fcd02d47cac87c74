"""What an exchange must bring to be called traded or embedded; the rest is refused in one line."""

import pytest

from bot.app.clock import SystemClock
from bot.domain.errors import ConfigInvalid
from bot.domain.exchanges import EMBEDDED, EXCHANGES, TRADED, check_traded
from bot.simulator.protocols import protocol_of
from bot.venue.doors import DOORS
from bot.venue.open import VenueConfig, open_room
from bot.venue.room import VenueRoom
from tests.fakes.embedded import KEYS


@pytest.mark.parametrize("exchange", TRADED)
async def test_a_traded_exchange_has_a_room_and_doors(exchange):
    key, secret = KEYS.get(exchange, ("k", "s"))
    config = VenueConfig(
        mode="testnet", exchange=exchange, symbols=("BTC/USDT:USDT",), api_key=key,
        api_secret=secret, api_passphrase="p",
    )  # fmt: skip
    room = await open_room(config, SystemClock())
    try:
        assert isinstance(room, VenueRoom)
        assert room.venue.name == exchange
        assert set(DOORS[exchange]) == {"paper", "testnet", "live"}
    finally:
        await room.close()


@pytest.mark.parametrize("exchange", [name for name in TRADED if name != "bybit"])
async def test_a_demo_site_is_bybits_alone(exchange):
    config = VenueConfig(mode="testnet", site="demo", exchange=exchange, symbols=("BTC/USDT:USDT",))
    with pytest.raises(ConfigInvalid, match="only bybit has a demo"):
        await open_room(config, SystemClock())


@pytest.mark.parametrize("exchange", EMBEDDED)
def test_an_embedded_exchange_has_a_protocol(exchange):
    assert protocol_of(exchange).conditional_path.startswith("/")


def test_what_is_not_built_is_refused_in_one_line():
    assert set(TRADED) <= set(EXCHANGES)
    with pytest.raises(ConfigInvalid, match="nowhere cannot be traded yet; use one of binance"):
        check_traded("nowhere", on_paper=False)


async def test_a_key_of_okx_has_three_parts():
    config = VenueConfig(
        mode="live", exchange="okx", symbols=("BTC/USDT:USDT",), api_key="k", api_secret="s"
    )
    with pytest.raises(ConfigInvalid, match="passphrase is missing"):
        await open_room(config, SystemClock())
