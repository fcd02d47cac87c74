"""Discord, e-mail and what else Apprise can reach: one channel an address, in a thread."""

import asyncio
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.answers import alarm
from bot.domain.errors import ChannelFailed, ConfigInvalid
from bot.domain.risk import Severity
from bot.ports import Alert

if TYPE_CHECKING:
    from apprise.apprise import Apprise

KINDS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "failure"}


class Apprised:
    """One address in Apprise's spelling (discord://..., mailtos://...); implements Channel.

    Apprise tells only whether it worked, and blocks: it runs in a thread, one call at a time.
    """

    def __init__(self, url: str, name: str, zone: str) -> None:
        """Take an address.

        Raises:
            ConfigInvalid: Apprise does not know it; the address itself is not shown.
        """
        self.name = name
        self._zone = zone
        self._way = _opened(url, name)
        self._busy = False

    async def send(self, alerts: Sequence[Alert]) -> None:
        """Deliver `alerts` as one message. Raises ChannelFailed."""
        if self._busy:
            raise ChannelFailed(f"{self.name}: the message before is still on its way")
        self._busy = True
        if not await asyncio.to_thread(self._notify, tuple(alerts)):
            raise ChannelFailed(f"{self.name}: not delivered; see the log")

    def _notify(self, alerts: tuple[Alert, ...]) -> bool:
        gravest = max(alerts, key=lambda each: list(KINDS).index(each.severity))
        title = f"breakwater: {alarm.headline(gravest)}"
        body = "\n\n".join(alarm.lines_of(each, self._zone) for each in alerts)
        try:
            return bool(
                self._way.notify(title=title, body=body, notify_type=KINDS[gravest.severity])
            )
        finally:
            self._busy = False


def _opened(url: str, name: str) -> "Apprise":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its plugins load old modules
        import apprise

        way = apprise.Apprise()
        known = way.add(url)
    if not known:
        raise ConfigInvalid(
            f"secret {name}: this is no address Apprise knows, see its list of URLs"
        )
    return way
