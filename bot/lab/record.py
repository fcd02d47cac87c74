"""A record on disk: one line of JSON for each thing done, durable before the next is begun."""

import os
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from bot.domain.errors import ConfigInvalid, DataInvalid

Line = TypeVar("Line", bound=msgspec.Struct)


class Record(Generic[Line]):
    """A file of lines of one kind; opening it again goes on where it ended.

    The first line holds a digest of everything that was asked, under the name `what`.
    """

    def __init__(self, path: Path, kind: type[Line], digest: str, what: str, option: str) -> None:
        self._path = path
        self._kind = kind
        self._head = {what: digest}
        self._option = option

    def open(self) -> list[Line]:
        """Return what is there, drop a line that was cut off, begin the file when it is new.

        Raises:
            ConfigInvalid: the file belongs to something else, or cannot be written.
            DataInvalid: a line in the middle cannot be read; file and line are named.
        """
        try:
            whole = self._path.read_bytes() if self._path.exists() else b""
            lines = whole.split(b"\n")
            kept = b"\n".join(lines[:-1]) + b"\n" if len(lines) > 1 else b""
            found = self._read(lines[:-1])
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if kept != whole or not kept:
                self._rewrite(kept)
        except OSError as error:
            raise ConfigInvalid(f"{self._option} {self._path}: {error.strerror}") from None
        return found

    def add(self, line: Line) -> None:
        """Record one thing, durably.

        Raises:
            ConfigInvalid: the file cannot be written.
        """
        try:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(line) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ConfigInvalid(f"{self._option} {self._path}: {error.strerror}") from None

    def _read(self, lines: list[bytes]) -> list[Line]:
        found: list[Line] = []
        what = next(iter(self._head))
        for number, line in enumerate(lines, 1):
            try:
                if number > 1:
                    found.append(msgspec.json.decode(line, type=self._kind))
                elif msgspec.json.decode(line, type=dict[str, str]) != self._head:
                    raise ConfigInvalid(
                        f"{self._option} {self._path}: belongs to another {what} (data, strategy"
                        " or policy differ); choose another file"
                    )
            except msgspec.MsgspecError as error:
                raise DataInvalid(f"{self._path}:{number}: no {what} ({error})") from None
        return found

    def _rewrite(self, kept: bytes) -> None:
        part = self._path.with_name(self._path.name + ".part")
        part.write_bytes(kept or msgspec.json.encode(self._head) + b"\n")
        part.replace(self._path)
