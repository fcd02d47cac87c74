"""Opens the ways between a daemon and its operator: alerts out, doors in."""

from contextlib import AsyncExitStack

from bot.app.alert_wiring import open_alerting
from bot.app.noticeboard import Noticeboard
from bot.app.page_wiring import page_doors
from bot.app.places import Places
from bot.app.scrub import Scrubber
from bot.app.settings import Settings
from bot.domain.messages import Notify
from bot.runtime.parts import DaemonParts


async def open_operator(
    settings: Settings,
    places: Places,
    scrubber: Scrubber,
    parts: DaemonParts,
    board: Noticeboard,
    stack: AsyncExitStack,
) -> None:
    """Give `parts` its doors and its way to people; `stack` closes what was opened.

    Raises:
        ConfigInvalid: a secret is missing or cannot be used.
    """
    alerting = await open_alerting(
        settings,
        places,
        scrubber,
        parts.clock,
        stack,
        more=[],
        state=lambda: parts.kernel.state,
        health=parts.health,
    )

    def tell(notice: Notify) -> None:
        board(notice)
        alerting.desk.put(notice)

    parts.notify = tell
    pages = page_doors(settings, places, scrubber, parts.ask, parts.clock)
    parts.doors = (*parts.doors, *alerting.doors, *pages)
