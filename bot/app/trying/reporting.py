"""The account's report on a schedule: a child writes it, and the bot never waits for it."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from loguru import logger

from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S
from bot.ports import Clock, House

Every = Literal["off", "daily", "weekly"]
DAYS: Final[dict[str, int]] = {"daily": 1, "weekly": 7}
AFTER_MIDNIGHT: Final = timedelta(minutes=10)
"""The backup that the report is made of comes at midnight, UTC."""
LOOK_S: Final = 60.0
DEADLINE_S: Final = 300.0


class Reporter:
    """Implements bot.ports.Door, though nobody comes in by it."""

    name = "report"

    def __init__(self, every: Every, folder: Path, clock: Clock) -> None:
        self._every = every
        self._folder = folder
        self._clock = clock

    async def run(self, house: House) -> None:
        """Write a report whenever one is due, until cancelled."""
        due = next_due(self._now(), self._every)
        while True:
            await self._clock.sleep_s(LOOK_S)
            if self._now() < due:
                continue
            trouble = await self.write(due)
            if trouble:
                house.say(Severity.WARNING, "report", f"The account's report failed: {trouble}")
            due = next_due(self._now(), self._every)

    async def write(self, due: datetime) -> str:
        """Let a child write the report of the days before `due`; return what went wrong, or ""."""
        stem = self._folder / f"account-{due:%Y-%m-%d}"
        words = ("report", "--account", "--days", str(DAYS[self._every]), "--from-backup")
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", *words, "--out", str(stem), "--json",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(DEADLINE_S):
                _, told = await child.communicate()
        except TimeoutError:
            return f"it took more than {DEADLINE_S:.0f} s"
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if child.returncode == 0:
            logger.info("the account's report is written: {}.html", stem)
            return ""
        last = told.decode("utf-8", "replace").strip().rpartition("\n")[2]
        return last[:200] or f"the child ended with {child.returncode}"

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now_ns() // NS_PER_S, tz=UTC)


def next_due(now: datetime, every: str) -> datetime:
    """Return the next ten past midnight, UTC, after `now`; of a week that of Monday."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    due = midnight + AFTER_MIDNIGHT
    while due <= now or (every == "weekly" and due.weekday() != 0):
        due += timedelta(days=1)
    return due
