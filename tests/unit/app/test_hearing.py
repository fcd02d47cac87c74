"""Which venues are heard: none beside the traded one on paper, all on testnet and live."""

import pytest

from bot.app.config.settings import load_settings
from bot.app.wiring.hearing import SENSED, sense_config, venues_heard
from bot.domain.errors import ConfigInvalid

BTC = "BTC/USDT:USDT"


def in_mode(config, edit, mode):
    edit("breakwater.toml", 'mode = "paper"', f'mode = "{mode}"')
    return load_settings(config)


def heard(config, edit, line):
    edit("senses.toml", "watched = []", line)
    return venues_heard(load_settings(config))


def test_paper_hears_nobody_it_was_not_told_to_hear(config):
    assert venues_heard(load_settings(config)) == ()


@pytest.mark.parametrize("mode", ["testnet", "live"])
def test_testnet_and_live_hear_everybody(config, edit, mode):
    assert venues_heard(in_mode(config, edit, mode)) == SENSED


def test_the_traded_venue_may_be_named_and_the_order_means_nothing(config, edit):
    line = 'venues = ["okx", "binance", "bybit"]'
    assert heard(config, edit, line) == ("bybit", "okx")


def test_a_stand_in_is_for_paper_and_for_a_venue_that_is_heard(config, edit):
    line = 'loopback = {okx = "http://127.0.0.1:9"}'
    with pytest.raises(ConfigInvalid, match="does not name okx"):
        heard(config, edit, line)
    edit("breakwater.toml", 'mode = "paper"', 'mode = "live"')
    with pytest.raises(ConfigInvalid, match="paper mode only"):
        venues_heard(load_settings(config))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('venues = ["nasdaq"]', ["senses.venues", "nasdaq", "hyperliquid"]),
        ('loopback = {okx = "http://example.org"}', ["senses.loopback.okx", "example.org"]),
        ('watched = ["0x12"]', ["senses.watched", "0x12"]),
        ('symbols = {binance = {"BTC/USDT:USDT" = "XBT"}}', ["senses.symbols", "binance"]),
    ],
)
def test_faults_are_named(config, edit, line, words):
    with pytest.raises(ConfigInvalid) as caught:
        heard(config, edit, line)
    for word in words:
        assert word in str(caught.value)


def test_another_spelling_reaches_the_venue_it_is_for(config, edit):
    edit("senses.toml", "watched = []", f'symbols = {{okx = {{"{BTC}" = "XBT"}}}}')
    wish = sense_config(load_settings(config), ("okx",))
    assert wish.names == {"okx": {BTC: "XBT"}}
    assert wish.symbols == (BTC,)
