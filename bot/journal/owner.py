"""Whose journal lies in a state directory: another account's is set aside, never mixed in.

The peak, the loss anchors and the latch of one account say nothing of another: a paper account of
10,000 would make a first live balance of 2,000 look like a loss of four fifths.
"""

from pathlib import Path

from bot.domain.errors import JournalBroken
from bot.journal.engine import spoken
from bot.journal.statedir import database_path, make_private, make_private_file, move_durably

NOTE = "account"
WAL, SHM = "-wal", "-shm"


def hand_over(path: Path, account: str) -> str | None:
    """Let the journal at `path` be that of `account`; return the account whose was set aside.

    None: it was this account's already, or there was none. A journal without a note is taken for
    this account's: it was written before there were notes. Hold the state directory first. Every
    order of steps cut off by a crash is finished by the next call, whichever account it is for.

    Raises:
        JournalBroken: it cannot be set aside; both are as they were.
    """
    database = database_path(path)
    make_private(database.parent)
    before = _noted(database)
    if before is None and database.exists():
        before = account
    if before not in (None, account):
        aside = _aside(database, before)
        if aside.exists() and database.exists():
            raise JournalBroken(f"{database} and {aside} are both there: move one of them away")
        # the log last: without its database it is found, and follows at the next call
        _move(database, aside, ("", WAL))
    if _noted(database) != account:
        _note(database, account)
    if not database.exists():
        # the log first: a database that is there without its log would have lost its end
        _move(_aside(database, account), database, (WAL, ""))
    return None if before in (None, account) else before


def _aside(database: Path, account: str) -> Path:
    return database.with_name(f"{database.stem}-{account}{database.suffix}")


def _move(source: Path, target: Path, parts: tuple[str, ...]) -> None:
    source.with_name(source.name + SHM).unlink(missing_ok=True)
    for part in parts:
        file = source.with_name(source.name + part)
        if file.exists():
            move_durably(file, target.with_name(target.name + part))


def _noted(database: Path) -> str | None:
    note = database.with_name(NOTE)
    with spoken(note, "reading whose journal this is"):
        try:
            return note.read_text("utf-8").strip() or None
        except FileNotFoundError:
            return None


def _note(database: Path, account: str) -> None:
    making = database.with_name(f".{NOTE}.making")
    make_private_file(making)
    with spoken(making, "writing whose journal this is"):
        making.write_text(f"{account}\n", "utf-8")
    move_durably(making, database.with_name(NOTE))
