"""Opens the ways between a daemon and its operator: alerts out, doors in."""

import inspect
from contextlib import AsyncExitStack

from bot.app.config.alert_plans import lane_of
from bot.app.config.places import Places
from bot.app.config.settings import Settings
from bot.app.scrub import Scrubber
from bot.app.telling.front import Front
from bot.app.telling.noticeboard import Noticeboard
from bot.app.wiring.alerts import open_alerting
from bot.app.wiring.page import page_doors
from bot.app.wiring.telegram import chat_config, open_chat
from bot.domain.messages import Notify
from bot.ports import Clock, Door
from bot.runtime.parts import DaemonParts


async def open_operator(
    settings: Settings,
    places: Places,
    scrubber: Scrubber,
    parts: DaemonParts,
    board: Noticeboard,
    front: Front,
    stack: AsyncExitStack,
) -> None:
    """Give `parts` its doors and its way to people; `stack` closes what was opened.

    Raises:
        ConfigInvalid: a secret is missing or cannot be used.
    """

    async def ask(name: str, args: dict[str, str]) -> dict[str, object]:
        found = parts.ask(name, args)
        return await found if inspect.isawaitable(found) else found

    def symbols() -> list[str]:
        return sorted({*parts.symbols, *parts.kernel.state.markets})

    config = chat_config(settings, places)
    chat = (
        None
        if config is None
        else open_chat(config, places, scrubber, parts.clock, ask=ask, symbols=symbols)
    )
    alerting = await open_alerting(
        settings,
        places,
        scrubber,
        parts.clock,
        stack,
        more=[] if chat is None else [(lane_of(settings.telegram), chat)],
        state=lambda: parts.kernel.state,
        health=parts.health,
    )

    front.meet(alerting.desk)
    if chat is not None:
        chat.meet(alerting.desk)
        parts.doors = (*parts.doors, chat)

    def tell(notice: Notify) -> None:
        board(notice)
        alerting.desk.put(notice)

    parts.notify = tell
    pages = page_doors(settings, places, scrubber, parts.ask, parts.clock)
    reports = _reports(settings, places, parts.clock)
    parts.doors = (*parts.doors, *alerting.doors, *pages, *reports)


def _reports(settings: Settings, places: Places, clock: Clock) -> tuple[Door, ...]:
    """Return who writes the account's report on its schedule; nobody when that is off."""
    every = settings.dashboard.account_report
    if every == "off":
        return ()
    from bot.app.trying.reporting import Reporter

    return (Reporter(every, places.root / "reports", clock),)
