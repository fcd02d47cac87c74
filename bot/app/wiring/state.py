"""Opens the journal where [state] says it lies, and holds the account it is about."""

import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import msgspec
from loguru import logger

from bot.app.accounts.fenced import FencedVenue
from bot.app.accounts.fleet_budget import FleetBudget
from bot.app.accounts.fleet_door import FleetDoor
from bot.app.accounts.lock import hold_account
from bot.app.config.settings import Settings
from bot.app.embedded.paper import PaperVenue
from bot.domain.errors import StateLocked
from bot.journal.lease import Candidate
from bot.journal.postgres import open_server_journal
from bot.journal.server import Server
from bot.journal.store import Store
from bot.journal.tenure import Tenure, obtain, this_machine
from bot.ports import Clock
from bot.runtime.parts import DaemonParts
from bot.venue.open import VenueConfig

DIGEST_CHARS = 32


class Held(msgspec.Struct, frozen=True):
    """An open journal, and the lease on its account where it has one."""

    store: Store
    tenure: Tenure | None = None


@contextmanager
def hold_on_server(
    server: Server,
    settings: Settings,
    clock: Clock,
    run_id: str,
    config: VenueConfig,
    paper: PaperVenue | None,
) -> Iterator[Held]:
    """Wait for the lease if we stand by, open the journal under it, and give it back at the end.

    Raises:
        StateLocked: another run drives the account, and we do not stand by.
        JournalBroken: the server cannot be reached, or its tables are not ours.
    """
    table = settings.state
    if paper is not None:
        paper.another = table.standby  # until we drive, it is the driver's
    with ExitStack() as held:
        tenure = obtain(
            server,
            _candidate(settings, run_id, config),
            clock,
            standby=table.standby,
            say=lambda line: logger.info("{}", line),
        )
        held.callback(tenure.close)
        logger.info("{}: leased, token {}", server.label, tenure.token)
        _hold_here(held, config, followed=tenure.token > 1)
        if paper is not None:
            paper.another = False
        store = held.enter_context(closing(open_server_journal(server, tenure, clock)))
        yield Held(store, tenure)
        if paper is not None and not tenure.held():
            paper.another = True


def fence(parts: DaemonParts, tenure: Tenure, settings: Settings) -> None:
    """Let a daemon send only while the lease is its own, and open its door to the fleet.

    Backups are the server's own.
    """
    parts.tenure = tenure
    parts.venue = FencedVenue(parts.venue, tenure)
    parts.guard = FencedVenue(parts.guard, tenure)
    parts.backup = None
    watches = parts.options.read_only
    budget = FleetBudget(
        tenure,
        settings.state.account,
        parts,
        mode=settings.breakwater.mode,
        budget_frac=0.0 if watches else settings.accounts.fleet_loss_budget_frac,
    )
    parts.doors = (*parts.doors, FleetDoor(tenure, parts, budget))


def _candidate(settings: Settings, run_id: str, config: VenueConfig) -> Candidate:
    table = settings.state
    host = table.host or socket.gethostname()
    # one that only watches drives nothing: it needs a room of its own, not the key
    name = f"{config.mode}\0{config.api_key}"
    if config.read_only:
        name = f"read-only\0{table.account}"
    return Candidate(
        holder=run_id,
        key_digest=hashlib.sha256(name.encode()).hexdigest()[:DIGEST_CHARS],
        mode=f"{config.mode}{' read-only' if config.read_only else ''}",
        ttl_s=table.lease_s,
        host=host,
        machine=this_machine(host),
        pid=os.getpid(),
    )


def _hold_here(held: ExitStack, config: VenueConfig, *, followed: bool) -> None:
    """Take the account's name on this machine as well, against a daemon whose state is a file.

    A leader that hangs may still have it: then the lease decides, for it cannot write any more.
    """
    if config.read_only:
        return
    try:
        held.enter_context(hold_account(config.mode, config.api_key))
    except StateLocked as error:
        if not followed:
            raise
        logger.warning("{}; its lease is ours", error)
