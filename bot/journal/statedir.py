"""The state directory: made private, and its files with it."""

import os
from pathlib import Path

from bot.domain.errors import JournalBroken

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600
DATABASE = "journal.db"


def database_path(path: Path) -> Path:
    """Return the database file that `path` means: itself, or `journal.db` inside a directory."""
    return path if path.suffix == ".db" else path / DATABASE


def make_private(directory: Path) -> None:
    """Make `directory` if it is missing, readable by its owner only.

    Raises:
        JournalBroken: it cannot be made or written; the line says why.
    """
    try:
        directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        if directory.stat().st_mode & 0o077 and os.access(directory, os.W_OK):
            directory.chmod(DIRECTORY_MODE)
    except OSError as error:
        raise JournalBroken(refusal(directory, error)) from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise JournalBroken(
            f"state directory {directory} is read-only for this user: make it writable,"
            f" or choose another with STATE_DIRECTORY"
        )


def make_private_file(path: Path) -> None:
    """Make an empty file that only its owner reads, replacing any old one.

    Raises:
        JournalBroken: it cannot be made; the line says why.
    """
    try:
        path.unlink(missing_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE))
    except OSError as error:
        raise JournalBroken(refusal(path, error)) from error


def move_durably(source: Path, target: Path) -> None:
    """Rename `source` to `target` so that a power cut leaves either the old state or the new.

    Raises:
        JournalBroken: the disk refused.
    """
    try:
        for path in (source, target.parent):
            if path == target.parent:
                source.replace(target)
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
    except OSError as error:
        raise JournalBroken(refusal(target, error)) from error


def refusal(path: Path, error: OSError) -> str:
    """Return one line that says which path the system refused and why."""
    return f"{path}: {error.strerror or error}: give this user a writable state directory"
