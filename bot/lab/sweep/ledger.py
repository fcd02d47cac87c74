"""The record of every trial of a sweep, by what tells them apart."""

from pathlib import Path

import msgspec

from bot.lab.record import Record
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


class Ledger:
    """A file of trials; opening it again goes on where it ended."""

    def __init__(self, path: Path, digest: str) -> None:
        self._record = Record(path, Trial, digest, "sweep", "--out")
        self.done: dict[str, Trial] = {}

    def open(self) -> None:
        """Read what is there.

        Raises:
            ConfigInvalid: the file belongs to another sweep, or cannot be written.
            DataInvalid: a line in the middle cannot be read; file and line are named.
        """
        self.done |= {trial.key: trial for trial in self._record.open()}

    def add(self, trial: Trial) -> None:
        """Record one trial, durably."""
        self.done[trial.key] = trial
        self._record.add(trial)
