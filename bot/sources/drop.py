"""The drop-in folder: a CSV file named after a source is read as if the source had said it."""

import asyncio
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from bot.domain.errors import SourceFailed
from bot.domain.messages import Event
from bot.ports import Clock, SourceAnswer
from bot.sources.rows import Table, from_csv
from bot.sources.told import Look

NAME: Final = "drop_in"
FILE_BYTES_MAX: Final = 5_000_000
FILES_MAX: Final = 100
SUFFIX: Final = ".csv"


class Kind(NamedTuple):
    """How a file is read; `gone` says what is to be told once it is taken away."""

    read: Callable[[Table, Look], SourceAnswer]
    gone: Callable[[Look], tuple[Event, ...]] | None = None


class _Seen(msgspec.Struct, frozen=True):
    """What a file said, and by which mark it is known to be the same."""

    mark: tuple[int, int, int]
    answer: SourceAnswer


class DropFolder:
    """Looks into one folder; a file is read anew when it changes or a held row is due."""

    def __init__(
        self, folder: Path, kinds: Mapping[str, Kind], clock: Clock, *, every_s: float
    ) -> None:
        self.name = NAME
        self.origin = str(folder)
        self.every_s = every_s
        self._folder = folder
        self._kinds = dict(kinds)
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    async def look(self) -> SourceAnswer:
        """Read what is there now.

        Raises:
            SourceFailed: the folder cannot be read.
        """
        return await asyncio.to_thread(self.read)

    def read(self) -> SourceAnswer:
        """As `look`, in place."""
        names = self._names()
        events: list[Event] = []
        faults: list[str] = []
        troubles: list[str] = []
        for stem in names:
            if stem not in self._kinds:
                known = ", ".join(sorted(self._kinds))
                faults.append(f"{self._path(stem)}: no source of that name; known: {known}")
                continue
            try:
                answer = self._file(stem)
            except SourceFailed as failed:
                troubles.append(str(failed))
                continue
            events += answer.events
            faults += answer.faults
        events += self._taken_away(names)
        return SourceAnswer(events=tuple(events), faults=tuple(faults), trouble="; ".join(troubles))

    def _names(self) -> list[str]:
        try:
            found = sorted(p.stem for p in self._folder.iterdir() if p.suffix.lower() == SUFFIX)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SourceFailed(f"{self._folder}: cannot be read: {error.strerror}") from None
        if len(found) > FILES_MAX:
            raise SourceFailed(f"{self._folder}: more than {FILES_MAX} files: keep one a source")
        return found

    def _path(self, stem: str) -> Path:
        return self._folder / f"{stem}{SUFFIX}"

    def _source(self, stem: str) -> str:
        """Return the name under which a file speaks.

        A reading is the source's own, wherever it was read. A whole list is the file's: it must
        not replace the list that the web told.
        """
        return stem if self._kinds[stem].gone is None else f"{stem}{SUFFIX}"

    def _file(self, stem: str) -> SourceAnswer:
        path, now_ns = self._path(stem), self._clock.now_ns()
        try:
            found = path.stat()
            mark = (found.st_mtime_ns, found.st_size, found.st_ino)
            seen = self._seen.get(stem)
            if seen is not None and seen.mark == mark and not 0 < seen.answer.due_ns <= now_ns:
                return seen.answer
            if not stat.S_ISREG(found.st_mode):
                raise SourceFailed(f"{path}: not a file")
            with path.open("rb") as opened:
                data = opened.read(FILE_BYTES_MAX + 1)
        except OSError as error:
            raise SourceFailed(f"{path}: cannot be read: {error.strerror}") from None
        if len(data) > FILE_BYTES_MAX:
            raise SourceFailed(f"{path}: more than {FILE_BYTES_MAX:,} bytes: keep the newest rows")
        look = Look(source=self._source(stem), origin=str(path), now_ns=now_ns)
        answer = self._kinds[stem].read(from_csv(data, str(path)), look)
        self._seen[stem] = _Seen(mark, answer)
        return answer

    def _taken_away(self, names: list[str]) -> list[Event]:
        """Return what is to be told of files that were here and are not."""
        events: list[Event] = []
        for stem in sorted(set(self._seen) - set(names)):
            del self._seen[stem]
            gone = self._kinds[stem].gone
            if gone is not None:
                now_ns = self._clock.now_ns()
                path = str(self._path(stem))
                events += gone(Look(source=self._source(stem), origin=path, now_ns=now_ns))
        return events
