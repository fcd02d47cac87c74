"""Every command speaks to the real venue alike: the same site, all parts of the key."""

import pytest

from bot.app.accounts.keyed import keyed_config
from bot.app.config.places import places_of
from bot.app.config.settings import load_settings
from bot.app.embedded.truth import _config


@pytest.mark.parametrize(
    ("exchange", "site", "third"), [("okx", "testnet", "the third"), ("bybit", "demo", "")]
)
def test_a_recording_goes_where_a_run_goes(config, edit, monkeypatch, exchange, site, third):
    edit("breakwater.toml", 'mode = "paper"', 'mode = "testnet"')
    edit("venues.toml", 'exchange = "binance"', f'exchange = "{exchange}"')
    monkeypatch.setenv("BREAKWATER_VENUES__SITE", site)
    monkeypatch.setenv("BREAKWATER_SECRET_BINANCE_TESTNET_KEY", "the key")
    monkeypatch.setenv("BREAKWATER_SECRET_BINANCE_TESTNET_SECRET", "the secret")
    if third:
        monkeypatch.setenv("BREAKWATER_VENUES__TESTNET__API_PASSPHRASE", "okx_third")
        monkeypatch.setenv("BREAKWATER_SECRET_OKX_THIRD", third)
    settings = load_settings(config)
    places = places_of(settings, config)
    found = keyed_config(settings, places, read_only=True)
    assert _config(settings, places) == found
    assert (found.mode, found.exchange, found.site) == ("testnet", exchange, site)
    assert (found.api_key, found.api_secret, found.api_passphrase) == (
        "the key", "the secret", third,
    )  # fmt: skip
    assert found.read_only is True
