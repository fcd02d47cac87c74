"""Refuses a place that cannot be written before the work is done, not after it."""

import tempfile
from pathlib import Path

from bot.domain.errors import ConfigInvalid


def ready(path: Path | None, option: str) -> None:
    """Make the folder of a file that will be written, and try it; nothing where none is asked for.

    Raises:
        ConfigInvalid: one line with the option, the path and why.
    """
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise ConfigInvalid(f"{option} {path}: is a folder; give a file")
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise ConfigInvalid(f"{option} {path}: {error.strerror}") from None
