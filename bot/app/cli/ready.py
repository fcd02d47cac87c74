"""Refuses a place that cannot be written before the work is done, not after it."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from bot.domain.errors import ConfigInvalid


def ready(places: Mapping[str, Path | None]) -> None:
    """Make the folder of each file that will be written, by its option, and try it.

    Raises:
        ConfigInvalid: one line with the option, the path and why.
    """
    for option, path in places.items():
        if path is not None:
            _try(option, path)


def _try(option: str, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise ConfigInvalid(f"{option} {path}: is a folder; give a file")
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise ConfigInvalid(f"{option} {path}: {error.strerror}") from None
