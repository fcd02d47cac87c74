"""Opens what an account needs before its loop runs: journal, venue, the right to drive it."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import msgspec
from loguru import logger

from bot.app.accounts.keyed import keyed_config
from bot.app.accounts.lock import hold_account
from bot.app.config.places import Places
from bot.app.config.server import server_of
from bot.app.config.settings import Settings
from bot.app.embedded.paper import PaperVenue
from bot.app.scrub import Scrubber
from bot.app.wiring.state import Held, hold_on_server
from bot.domain.errors import StateLocked
from bot.journal.owner import hand_over
from bot.journal.store import open_journal
from bot.ports import Clock
from bot.venue.open import VenueConfig


class Opened(msgspec.Struct, frozen=True):
    """What an account needs before its loop runs."""

    state: Held
    paper: PaperVenue | None
    config: VenueConfig


def open_account(
    settings: Settings,
    places: Places,
    clock: Clock,
    run_id: str,
    scrubber: Scrubber,
    held: ExitStack,
) -> Opened:
    """Open journal and venue of one account; `held` closes them."""
    server = server_of(settings, places)
    state: Held
    if server is None:
        _let_be_own(settings, places)
        state = Held(held.enter_context(closing(open_journal(places.journal, clock))))
    paper = held.enter_context(paper_venue(settings, places, clock))
    config = venue_config(settings, places, paper)
    scrubber.learn(config.api_key)
    scrubber.learn(config.api_secret)
    if server is not None:
        on_server = hold_on_server(server, settings, clock, run_id, config, paper)
        state = held.enter_context(on_server)
    elif not config.read_only:
        held.enter_context(hold_account(config.mode, config.api_key))
    return Opened(state, paper, config)


def _let_be_own(settings: Settings, places: Places) -> None:
    """Take the journal of this mode and exchange; what another one left is kept for its return."""
    account = f"{settings.breakwater.mode}-{settings.venues.exchange}"
    before = hand_over(places.journal, account)
    if before is not None:
        logger.info("the journal of {} is set aside: this one is of {}", before, account)


@contextmanager
def paper_venue(settings: Settings, places: Places, clock: Clock) -> Iterator[PaperVenue | None]:
    """Keep the embedded venue for the length of a paper run, and end it after an ordered stop."""
    if settings.breakwater.mode != "paper":
        yield None
        return
    paper, theirs = PaperVenue(settings, places, clock), False
    try:
        yield paper
    except StateLocked:
        theirs = True
        raise
    finally:
        if not theirs:
            paper.end()


def venue_config(settings: Settings, places: Places, paper: PaperVenue | None) -> VenueConfig:
    """Return how the venue is spoken to; starts the embedded one on paper.

    Raises:
        BotError: it could not be started, or the key is not where it should be.
    """
    table = settings.breakwater
    if paper is not None:
        address = paper.start()
        return VenueConfig(
            mode="paper",
            exchange=settings.venues.exchange,
            symbols=settings.risk.symbols,
            api_key=address.api_key,
            api_secret=address.api_secret,
            base_url=address.base_url,
            ws_url=address.ws_url,
            read_only=table.read_only,
        )
    return keyed_config(settings, places, read_only=table.read_only)
