"""Loads the configuration for a command."""

import msgspec

from bot.app.accounts.listed import FIRST, accounts_beside
from bot.app.config.folder import config_folder
from bot.app.config.places import Places, places_of
from bot.app.config.settings import Settings, load_settings
from bot.domain.errors import ConfigInvalid

_asked_of = {"account": FIRST}


class Home(msgspec.Struct, frozen=True):
    """Settings and the places they name."""

    settings: Settings
    places: Places


def ask_of(account: str) -> None:
    """Let every later `open_home` speak of this account."""
    _asked_of["account"] = account or FIRST


def open_home() -> Home:
    """Return settings and places of the account that is asked of.

    Raises:
        ConfigInvalid: one line a fault.
    """
    folder = config_folder()
    settings = load_settings(folder)
    places = places_of(settings, folder)
    name = _asked_of["account"]
    if name == FIRST:
        return Home(settings, places)
    beside = {each.name: each for each in accounts_beside(settings, places)}
    if name not in beside:
        known = ", ".join((FIRST, *beside))
        raise ConfigInvalid(f"--account {name:.40}: no such account, known: {known}")
    return Home(beside[name].settings, beside[name].places)
