"""How the real venue of a mode is spoken to: which site, under which keys."""

from bot.app.config.credentials import passphrase_of, require_secret
from bot.app.config.places import Places
from bot.app.config.settings import Settings
from bot.venue.open import VenueConfig


def keyed_config(settings: Settings, places: Places, *, read_only: bool) -> VenueConfig:
    """Return it for mode testnet or live; on paper the embedded venue says where it is.

    Raises:
        ConfigInvalid: a part of the key is not where it should be.
    """
    table, mode = settings.venues, settings.breakwater.mode
    keys = table.live if mode == "live" else table.testnet
    return VenueConfig(
        mode=mode,
        exchange=table.exchange,
        site=table.site,
        symbols=settings.risk.symbols,
        api_key=require_secret(keys.api_key, places.state),
        api_secret=require_secret(keys.api_secret, places.state),
        api_passphrase=passphrase_of(keys.api_passphrase, places.state),
        read_only=read_only,
    )
