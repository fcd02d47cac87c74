"""Opens the ways between a daemon and its operator: alerts out, doors in."""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

from bot.app.accounts.together import Member
from bot.app.config.alert_plans import lane_of
from bot.app.config.places import Places
from bot.app.config.settings import Settings
from bot.app.scrub import Scrubber
from bot.app.telling.front import Front
from bot.app.telling.noticeboard import Noticeboard
from bot.app.wiring.alerts import open_alerting
from bot.app.wiring.page import page_doors
from bot.app.wiring.telegram import accounts_of, asking, chat_config, known_to, open_chat
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
    members: Callable[[], Mapping[str, Member]] = dict,
) -> None:
    """Give `parts` its doors and its way to people; `stack` closes what was opened.

    `members`: every account of the process that lives now; the chat speaks of all of them.

    Raises:
        ConfigInvalid: a secret is missing or cannot be used.
    """
    ask, symbols = asking(parts), known_to(parts)
    config = chat_config(settings, places)
    chat = (
        None
        if config is None
        else open_chat(
            config,
            places,
            scrubber,
            parts.clock,
            ask=ask,
            symbols=symbols,
            others=lambda: accounts_of(members()),
        )
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
        ask=ask,
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
