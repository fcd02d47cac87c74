"""Puts the parts of one account's daemon together."""

import os

from bot.app.config.places import Places
from bot.app.config.policy import in_market_time, policy_of
from bot.app.config.settings import Settings
from bot.app.embedded.paper import PaperVenue
from bot.app.scrub import OWN
from bot.app.telling.answering import Answering, Special
from bot.app.telling.bedside import Bedside
from bot.app.telling.front import Front
from bot.app.telling.narrator import Narrator
from bot.app.telling.noticeboard import Noticeboard
from bot.app.trying.discover import find_strategies
from bot.app.wiring.hearing import Hearing
from bot.domain.strategy import Strategy
from bot.journal.writer import JournalWriter
from bot.kernel.step import Kernel
from bot.ports import Clock, Feed, Source
from bot.runtime.parts import DaemonParts, Options
from bot.venue.open import VenueRoom


def strategies_of(settings: Settings, places: Places) -> tuple[Strategy, ...]:
    """Return the strategies that are switched on.

    Raises:
        ConfigInvalid: a file or a parameter is at fault.
    """
    table = settings.strategies
    params = {name: dict(values) for name, values in table.params.items()}
    return find_strategies(places.strategies, table.enabled, params)


def parts_of(
    settings: Settings,
    places: Places,
    clock: Clock,
    run_id: str,
    room: VenueRoom,
    hearing: Hearing,
    writer: JournalWriter,
    paper: PaperVenue | None,
    sources: tuple[Source, ...],
    board: Noticeboard,
    front: Front,
    more: dict[str, Special],
) -> DaemonParts:
    """Return what the supervisor runs; `more` are answers beyond those of one account."""
    mode = settings.breakwater.mode
    policy = policy_of(settings, mode=mode)
    if paper is not None and paper.address is not None:
        policy = in_market_time(policy, paper.address.wall_of)
    kernel = Kernel(policy, strategies_of(settings, places), run_id)
    health = front.health
    bedside = Bedside(settings, places, kernel, room.venue, writer, board, health, hearing.health)
    keeper: tuple[Feed, ...] = () if paper is None else (paper,)

    async def backup() -> None:
        await writer.backup()

    return DaemonParts(
        kernel=kernel,
        venue=room.venue,
        guard=room.guard,
        feeds=(*room.feeds, room.past, *hearing.feeds, *keeper),
        past=room.past,
        memory=Narrator(writer),
        clock=clock,
        symbols=settings.risk.symbols,
        notify=board,
        ask=Answering(
            kernel,
            writer,
            bedside.answers() | front.answers() | more,
            health,
            hearing.health,
            settings.dashboard.url,
        ),
        run_id=run_id,
        socket_path=places.socket,
        notify_address=os.environ.get("NOTIFY_SOCKET"),
        backup=backup,
        sources=sources,
        health=health,
        clean=OWN.without_known,
        options=Options(
            read_only=settings.breakwater.read_only, prove_key=mode == "live", owns_process=True
        ),
    )
