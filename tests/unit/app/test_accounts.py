"""Accounts beside the first: what they inherit, what is their own, and how a fault is told."""

import pytest

from bot.app.accounts.listed import accounts_beside
from bot.app.config.places import places_of
from bot.app.config.settings import load_settings
from bot.domain.errors import ConfigInvalid

TABLE = "[accounts]\n"


def beside(config):
    settings = load_settings(config)
    return settings, accounts_beside(settings, places_of(settings, config))


def test_out_of_the_box_there_is_one_account(config) -> None:
    assert beside(config)[1] == ()


def test_an_account_takes_over_what_it_does_not_name(config, edit) -> None:
    edit("accounts.toml", TABLE, '[accounts.beside.hedge.risk]\nprofile = "L30"\n' + TABLE)
    edit("accounts.toml", TABLE, '[accounts.beside.hedge.venues]\nexchange = "bybit"\n' + TABLE)
    first, (hedge,) = beside(config)
    assert (hedge.settings.risk.profile, first.risk.profile) == ("L30", "L20")
    assert (hedge.settings.venues.exchange, first.venues.exchange) == ("bybit", "binance")
    assert hedge.settings.risk.symbols == first.risk.symbols
    assert hedge.settings.risk.sizing == first.risk.sizing
    assert hedge.settings.venues.testnet == first.venues.testnet
    assert hedge.places.journal.parent.parts[-2:] == ("accounts", "hedge")
    assert hedge.settings.dashboard.enabled is False
    assert hedge.settings.state.account == "hedge"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[accounts.beside.hedge.risk]\nprofile = "L99"\n', ["hedge", "risk.profile", "'L99'"]),
        ('[accounts.beside.hedge.risk]\nprofil = "L20"\n', ["hedge", "risk.profil"]),
        ('[accounts.beside.hedge.telegram]\ntoken = "x"\n', ["accounts.beside.hedge", "telegram"]),
        ('[accounts.beside.Hedge.risk]\nprofile = "L20"\n', ["accounts.beside", "Hedge"]),
        ('[accounts.beside.main.risk]\nprofile = "L20"\n', ["main", "first account"]),
        (
            '[accounts.beside.hedge.breakwater]\nmode = "live"\n',
            ["hedge", "one daemon has one mode"],
        ),
    ],
)
def test_a_fault_names_the_account_and_the_key(config, edit, text: str, words: list[str]) -> None:
    edit("accounts.toml", TABLE, text + TABLE)
    with pytest.raises(ConfigInvalid) as told:
        beside(config)
    assert all(word in str(told.value) for word in words), str(told.value)
    assert "Traceback" not in str(told.value)
