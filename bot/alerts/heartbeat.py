"""The outbound heartbeat: a service outside calls you when it stays away."""

from collections.abc import Callable

import aiohttp
from loguru import logger

from bot.alerts import web
from bot.domain.errors import ChannelFailed
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S
from bot.ports import Clock, House

START_NS = 60 * NS_PER_S
"""A start that is not ready yet is no failure for so long: every restart would call somebody."""
FAILURES_TOLD = 3


class Heartbeat:
    """Posts to a dead man's switch while all is well, to its `/fail` when it is not. A Door.

    `ailment` returns what is wrong, "" for nothing: a beat must not be sent by a bot that lives
    but no longer guards.
    """

    name = "heartbeat"

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        every_s: float,
        clock: Clock,
        ailment: Callable[[], str],
        *,
        fail_suffix: str = "/fail",
    ) -> None:
        self._session = session
        self._url = web.checked(url, "of the heartbeat")
        self._every_s = every_s
        self._clock = clock
        self._ailment = ailment
        self._fail_suffix = fail_suffix
        self._was_well = False
        self._patient_until_ns = clock.monotonic_ns() + START_NS

    async def run(self, house: House) -> None:
        """Beat until cancelled."""
        failures = 0
        while True:
            try:
                await self._beat()
                failures = 0
            except ChannelFailed as error:
                failures += 1
                logger.warning("heartbeat: {}", error)
                if failures == FAILURES_TOLD:
                    text = (
                        f"The heartbeat does not arrive ({error}); the service it goes to will "
                        "think the bot is dead. Check its address and the network."
                    )
                    house.say(Severity.WARNING, "heartbeat", text)
            await self._clock.sleep_s(self._every_s)

    async def _beat(self) -> None:
        wrong = self._ailment()
        if wrong and not self._was_well and self._clock.monotonic_ns() < self._patient_until_ns:
            return
        self._was_well = self._was_well or not wrong
        url = self._url.rstrip("/") + self._fail_suffix if wrong else self._url
        if wrong and not self._fail_suffix:
            return
        await web.post(self._session, url, wrong.encode(), {"Content-Type": "text/plain"})
