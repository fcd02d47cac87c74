"""What `sweep --compiled` plays: folders, one symbol, and levels with the day they were known."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bot.app.cli.home import Home
from bot.domain.errors import ConfigInvalid

if TYPE_CHECKING:
    from bot.lab.levelled import LevelledTrial
    from bot.lab.sweep.space import Params


def found(folders: Iterable[Path]) -> tuple[Path, ...]:
    """Return the folders as absolute paths.

    Raises:
        ConfigInvalid: one is not there.
    """
    whole = tuple(folder.resolve() for folder in folders)
    for folder in whole:
        if not folder.is_dir():
            raise ConfigInvalid(f"--data: {folder}: no such folder")
    return whole


def levelled(
    home: Home,
    folders: Iterable[Path],
    symbols: tuple[str, ...],
    prices: Iterable[float],
    first: "Params",
) -> "LevelledTrial":
    """Return what plays one set; `prices` are known from the beginning, else the level book is.

    Raises:
        ConfigInvalid: more than one symbol, no level, no number of such a name, no such folder.
    """
    from bot.app.config.policy import policy_of
    from bot.lab.levelled import LevelledTrial, refuse_unknown

    refuse_unknown(first)
    if len(symbols) != 1:
        raise ConfigInvalid(f"--compiled plays one symbol, not {len(symbols)}: see --symbol")
    book = policy_of(home.settings, mode="replay").levels.book
    levels = tuple((price, 0) for price in sorted(set(prices))) or tuple(
        sorted((spec.low, spec.known_from_ns) for spec in book if spec.symbol == symbols[0])
    )
    if not levels:
        raise ConfigInvalid(
            f"--compiled: levels.toml names no level of {symbols[0]}: give --level PRICE"
        )
    return LevelledTrial(folders=found(folders), symbol=symbols[0], levels=levels)


def digest_of_levelled(play: "LevelledTrial") -> str:
    """Return a digest of everything a trial depends on but its set: rules, levels, data."""
    from bot.lab.fast.brackets import Bracket
    from bot.lab.fast.rungs import Rules

    seal = hashlib.sha256()
    said = (play.symbol, play.levels, play.cash_usd, tuple(Bracket()), tuple(Rules()))
    seal.update(msgspec.json.encode(said))
    seal_data(seal, play.folders)
    return seal.hexdigest()


def seal_data(seal: Any, folders: Iterable[Path]) -> None:  # noqa: ANN401 - a hash
    """Add every file of the folders to a digest."""
    for folder in folders:
        for path in sorted(folder.glob("*.parquet")):
            seal.update(f"{folder.name}/{path.name}/{path.stat().st_size}".encode())
            seal.update(path.read_bytes())
