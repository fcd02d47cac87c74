"""What must not happen twice, also after a restart: updates and codes."""

import asyncio

import msgspec
from loguru import logger

from bot.ports import Keep

SEEN_MAX = 2_000
DEADLINE_S = 2.0


class Kept(msgspec.Struct):
    """The file: ids of updates that were taken, and the newest code that was used."""

    seen: list[int] = []
    code_step: int = 0


class Record:
    """Remembers on disk. Ids are kept as a set: Telegram does not promise that they only rise."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._kept = _read(keep)
        self._seen = dict.fromkeys(self._kept.seen)
        self._dirty = False

    def knows(self, update_id: int) -> bool:
        """Tell whether this update was taken before."""
        return update_id in self._seen

    def note(self, update_id: int) -> None:
        """Remember an update in this life, at once; `keep` makes it outlive it."""
        self._seen[update_id] = None
        self._dirty = True
        while len(self._seen) > SEEN_MAX:
            del self._seen[next(iter(self._seen))]

    async def keep(self) -> bool:
        """Make durable what was noted; False when the disk does not take it."""
        return not self._dirty or await self._save()

    @property
    def code_step(self) -> int:
        """The newest time step whose code was used."""
        return self._kept.code_step

    async def use_code(self, step: int) -> bool:
        """Remember a used code; False when it could not be made durable."""
        self._kept.code_step = max(step, self._kept.code_step)
        return await self._save()

    async def _save(self) -> bool:
        self._kept.seen = list(self._seen)
        self._dirty = False
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._keep.save(msgspec.json.encode(self._kept))
        except (OSError, TimeoutError) as error:
            self._dirty = True
            logger.warning("telegram: what was taken cannot be kept on disk: {!r}", error)
            return False
        return True


def _read(keep: Keep) -> Kept:
    try:
        blob = keep.load()
        return Kept() if blob is None else msgspec.json.decode(blob, type=Kept)
    except (OSError, msgspec.MsgspecError) as error:
        logger.warning("telegram: the record cannot be read ({}); it begins anew", error)
        return Kept()
