"""The record of every trial: one line of JSON each, on disk before the next begins."""

import os
from pathlib import Path

import msgspec

from bot.domain.errors import ConfigInvalid, DataInvalid
from bot.lab.sweep.space import Params, key_of


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One set played over `share` of each folder.

    `days`: per folder the daily returns of equity, fractions, oldest first.
    """

    params: Params
    share: float = 1.0
    days: dict[str, list[float]] = {}
    trades: int = 0
    liquidations: int = 0
    max_drawdown_frac: float = 0.0
    error: str = ""

    @property
    def key(self) -> str:
        """What tells this trial from others of the same sweep."""
        return f"{key_of(self.params)}@{self.share!r}"


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first line: what the sweep plays, by a digest of everything but the sets."""

    sweep: str


class Ledger:
    """A file of trials; opening it again goes on where it ended."""

    def __init__(self, path: Path, digest: str) -> None:
        self._path = path
        self._digest = digest
        self.done: dict[str, Trial] = {}

    def open(self) -> None:
        """Read what is there, drop a line that was cut off, and begin the file when it is new.

        Raises:
            ConfigInvalid: the file belongs to another sweep, or cannot be written.
            DataInvalid: a line in the middle cannot be read; file and line are named.
        """
        try:
            whole = self._path.read_bytes() if self._path.exists() else b""
            lines = whole.split(b"\n")
            kept = b"\n".join(lines[:-1]) + b"\n" if len(lines) > 1 else b""
            self._read(lines[:-1])
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if kept != whole or not kept:
                self._rewrite(kept)
        except OSError as error:
            raise ConfigInvalid(f"--out {self._path}: {error.strerror}") from None

    def _read(self, lines: list[bytes]) -> None:
        for number, line in enumerate(lines, 1):
            try:
                if number == 1:
                    head = msgspec.json.decode(line, type=Head)
                    if head.sweep != self._digest:
                        raise ConfigInvalid(
                            f"--out {self._path}: belongs to another sweep (data, strategy or "
                            "policy differ); choose another file"
                        )
                    continue
                trial = msgspec.json.decode(line, type=Trial)
            except msgspec.MsgspecError as error:
                raise DataInvalid(f"{self._path}:{number}: no trial ({error})") from None
            self.done[trial.key] = trial

    def _rewrite(self, kept: bytes) -> None:
        part = self._path.with_name(self._path.name + ".part")
        head = msgspec.json.encode(Head(sweep=self._digest)) + b"\n"
        part.write_bytes(kept or head)
        part.replace(self._path)

    def add(self, trial: Trial) -> None:
        """Record one trial, durably."""
        self.done[trial.key] = trial
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(trial) + b"\n")
            file.flush()
            os.fsync(file.fileno())
