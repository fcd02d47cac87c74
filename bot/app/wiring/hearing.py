"""Which venues a run hears beside the traded one, and how they are opened."""

from typing import TYPE_CHECKING, get_args

from bot.app.config.sense_tables import SensedVenue
from bot.app.config.settings import Settings
from bot.domain.errors import ConfigInvalid
from bot.domain.feeds import VenueHealth
from bot.ports import Clock, Feed
from bot.venue.open import VenueRoom

if TYPE_CHECKING:
    from bot.venue.senses import SenseConfig, SenseRoom

SENSED: tuple[SensedVenue, ...] = get_args(SensedVenue)


class Hearing:
    """The feeds of every venue that is not traded, and the health of all that are heard."""

    def __init__(self, room: VenueRoom, senses: "SenseRoom | None") -> None:
        self._room = room
        self._senses = senses
        self.feeds: tuple[Feed, ...] = () if senses is None else senses.feeds

    def health(self) -> tuple[VenueHealth, ...]:
        """Return every venue, the traded one first."""
        others = () if self._senses is None else self._senses.health()
        return (self._room.public.health(), *others)

    async def close(self) -> None:
        """Release every socket of the venues that are not traded."""
        if self._senses is not None:
            await self._senses.close()


def venues_heard(settings: Settings) -> tuple[str, ...]:
    """Return the venues that are heard beside the traded one, in a fixed order.

    Raises:
        ConfigInvalid: a stand-in outside paper mode, or of a venue that is not heard.
    """
    table, mode = settings.senses, settings.breakwater.mode
    usual = () if mode == "paper" else SENSED
    wished: tuple[str, ...] = usual if table.venues is None else table.venues
    traded = settings.venues.exchange
    found = tuple(name for name in SENSED if name in wished and name != traded)
    if table.loopback and mode != "paper":
        raise ConfigInvalid(f"senses.loopback: for paper mode only, mode is {mode}")
    strangers = sorted({*table.loopback} - {*found})
    if strangers:
        raise ConfigInvalid(
            f"senses.loopback.{strangers[0]}: senses.venues does not name {strangers[0]}"
        )
    return found


async def open_hearing(settings: Settings, room: VenueRoom, clock: Clock) -> Hearing:
    """Build what the configuration names; the first request goes out when a feed runs.

    Raises:
        ConfigInvalid: the table [senses] does not fit the mode or the symbols.
    """
    names = venues_heard(settings)
    if not names:
        return Hearing(room, None)
    from bot.venue.senses import open_senses

    wish = sense_config(settings, names)
    return Hearing(room, await open_senses(wish, clock, venue_now_ns=room.venue_now_ns))


def sense_config(settings: Settings, names: tuple[str, ...]) -> "SenseConfig":
    """Return the table [senses] as the venue room understands it."""
    from bot.venue.senses import SenseConfig

    table = settings.senses
    return SenseConfig(
        symbols=settings.risk.symbols,
        venues=names,
        watched=table.watched if "hyperliquid" in names else (),
        stale_s=table.stale_s,
        polls_s=table.polls_s,
        names={str(venue): dict(named) for venue, named in table.symbols.items()},
        loopback={str(venue): address for venue, address in table.loopback.items()},
    )
