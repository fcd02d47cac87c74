"""A message a day: how the account fared, at the hour the operator chose. A Door."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from loguru import logger

from bot.answers.digest_words import words
from bot.domain.errors import BotError
from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S
from bot.ports import Clock, House, Keep

LOOK_S, RETRY_S = 20.0, 2.0
LOOKS_MAX = 300
"""An account that nobody could read for ten minutes is told of all the same."""
Ask = Callable[[str, dict[str, str]], Awaitable[dict[str, Any]]]


class DigestTold(msgspec.Struct):
    """What outlives the process: the day that was told last, as 2026-02-01; "" never."""

    day: str = ""


class Digest:
    """Tells once a day, at `minute` of the day in `zone` or as soon after as the bot runs.

    A first start after that minute waits for the next day; a restart tells nothing twice.
    """

    name = "digest"

    def __init__(self, ask: Ask, zone: str, minute: int, clock: Clock, keep: Keep) -> None:
        self._ask = ask
        self._zone = ZoneInfo(zone)
        self._minute = minute
        self._clock = clock
        self._keep = keep
        self._told = _read(keep)
        self._looks = 0

    async def run(self, house: House) -> None:
        """Look until cancelled."""
        if not self._told and self._is_past():
            await self._remember(self._today())
        while True:
            due = self._is_past() and self._told != self._today().isoformat()
            waits = due and not await self._tell(house)
            await self._clock.sleep_s(RETRY_S if waits else LOOK_S)

    async def _tell(self, house: House) -> bool:
        """Tell the day; False: not yet, since the account is not known, or cannot be asked."""
        try:
            doc = await self._ask("digest", {})
        except (BotError, TimeoutError) as error:
            logger.info("digest: {}; tried again", error)
            return False
        self._looks += 1
        if doc["equity_usd"] is None and self._looks < LOOKS_MAX:
            return False
        self._looks = 0
        await self._remember(self._today())
        house.say(Severity.INFO, "digest", words(doc))
        return True

    async def _remember(self, day: date) -> None:
        self._told = day.isoformat()
        try:
            await self._keep.save(msgspec.json.encode(DigestTold(self._told)))
        except OSError as error:
            logger.warning("digest: which day was told cannot be kept: {!r}", error)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now_ns() // NS_PER_S, tz=UTC).astimezone(
            self._zone
        )

    def _today(self) -> date:
        return self._now().date()

    def _is_past(self) -> bool:
        now = self._now()
        return now.hour * 60 + now.minute >= self._minute


def _read(keep: Keep) -> str:
    try:
        blob = keep.load()
        return "" if blob is None else msgspec.json.decode(blob, type=DigestTold).day
    except (OSError, msgspec.MsgspecError) as error:
        logger.warning("digest: which day was told cannot be read ({}); it is left", error)
        return ""
