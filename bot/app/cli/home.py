"""Loads the configuration for a command."""

import msgspec

from bot.app.folder import config_folder
from bot.app.places import Places, places_of
from bot.app.settings import Settings, load_settings


class Home(msgspec.Struct, frozen=True):
    """Settings and the places they name."""

    settings: Settings
    places: Places


def open_home() -> Home:
    """Return settings and places.

    Raises:
        ConfigInvalid: one line a fault.
    """
    folder = config_folder()
    settings = load_settings(folder)
    return Home(settings, places_of(settings, folder))
