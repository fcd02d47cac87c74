"""Records what the configured venue says, and replays such a recording: for `venue record|diff`."""

from pathlib import Path

from bot.app.accounts.keyed import keyed_config
from bot.app.clock import SystemClock
from bot.app.config.places import Places
from bot.app.config.settings import Settings
from bot.app.embedded.process import living
from bot.app.scrub import OWN
from bot.domain.errors import VenueUnreachable
from bot.venue.open import VenueConfig
from bot.venue.proof import fixture


async def record_truth(
    settings: Settings, places: Places, into: Path, seconds: float
) -> dict[str, object]:
    """Write a fixture of the venue of the configured mode; return what is in it.

    Raises:
        ConfigInvalid: keys are missing.
        VenueUnreachable: paper mode, and no embedded venue runs.
        DataInvalid: the file cannot be written, or the recording cannot be replayed.
    """
    config = _config(settings, places)
    for secret in (config.api_key, config.api_secret):
        OWN.learn(secret)
    found = await fixture.record(config, SystemClock(), seconds=seconds, clean=OWN.without_known)
    fixture.save(found, into)
    failed = [name for name, told in found.told.items() if _is_error(told)]
    return {
        "file": str(into),
        "exchange": found.header.exchange,
        "mode": found.header.mode,
        "ccxt": found.header.ccxt,
        "pairs": len(found.pairs),
        "frames": len(found.frames),
        "steps": len(found.told),
        "steps_refused": failed,
    }


async def diff_truth(path: Path) -> dict[str, object]:
    """Return what changed since a fixture was recorded; see fixture.diff.

    Raises:
        DataInvalid: it is no fixture.
    """
    return await fixture.diff(fixture.load(path), SystemClock())


def _is_error(told: object) -> bool:
    return isinstance(told, dict) and "error" in told and "words" in told


def _config(settings: Settings, places: Places) -> VenueConfig:
    mode, symbols = settings.breakwater.mode, settings.risk.symbols
    exchange = settings.venues.exchange
    if mode == "paper":
        address = living(places.venue)
        if address is None:
            raise VenueUnreachable(
                f"{places.venue}: no embedded venue runs here: start one with `breakwater venue`"
            )
        return VenueConfig(
            mode="paper", exchange=exchange, symbols=symbols, read_only=True,
            api_key=address.api_key, api_secret=address.api_secret,
            base_url=address.base_url, ws_url=address.ws_url,
        )  # fmt: skip
    return keyed_config(settings, places, read_only=True)
