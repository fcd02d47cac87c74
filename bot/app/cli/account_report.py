"""The report of the live account: from the journal's copy to a page, Markdown and JSON."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.app.cli.home import Home
from bot.app.cli.reach import DaemonAbsent, ask_daemon
from bot.domain.errors import JournalBroken

if TYPE_CHECKING:
    from bot.data.folder import Folder

KEPT = 30
"""Reports of an account that stay in a folder; older ones go."""


def account_texts(
    home: Home, days: int, data: Path | None, *, from_backup: bool
) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the texts by ending, and the document.

    `from_backup` takes the newest backup as it is; else a running daemon is asked for a fresh one.

    Raises:
        JournalBroken: there is no journal, or no backup of it.
        DataInvalid: `data` cannot be used.
    """
    import msgspec

    from bot.app.config.policy import policy_of
    from bot.journal.reading import read_copy
    from bot.lab.pages.account import account_document, account_of
    from bot.lab.pages.dossier_pages import markdown, parts
    from bot.lab.pages.report import Words, page

    settings = home.settings
    account, sections = account_of(
        read_copy(_copy(home, from_backup=from_backup), days),
        mode=settings.breakwater.mode,
        profile=settings.risk.profile or "",
        slip_bps=policy_of(settings, mode=settings.breakwater.mode).sizing.stop_slip_bps,
        folder=_folder(data),
    )
    words = Words(account.title, account.subtitle, account.summary)
    document = account_document(account, sections)
    texts = {
        ".html": page(account.result, parts(sections), words),
        ".md": markdown(account.result, sections, account.summary),
        ".json": msgspec.json.format(msgspec.json.encode(document), indent=2).decode(),
    }
    return texts, document


def _folder(data: Path | None) -> "Folder | None":
    from bot.data.folder import read_folder

    return None if data is None else read_folder(data)


def _copy(home: Home, *, from_backup: bool) -> Path:
    """Return a copy of the journal that nobody writes."""
    from bot.app.clock import SystemClock
    from bot.journal import care
    from bot.journal.reading import newest_backup

    journal = home.places.journal
    if from_backup:
        return newest_backup(journal)
    if not journal.exists():
        raise JournalBroken(f"{journal}: there is no journal yet: run the bot first")
    try:
        ask_daemon(home.places.socket, "db_backup", {})
    except DaemonAbsent:
        care.backup(journal, SystemClock())
    return newest_backup(journal)


def thin_out(stem: Path) -> None:
    """Remove the oldest reports whose names begin as `stem` does before its date."""
    prefix = stem.name.split("-", 1)[0]
    for suffix in (".html", ".md", ".json"):
        found = sorted(stem.parent.glob(f"{prefix}-????-??-??{suffix}"), reverse=True)
        for old in found[KEPT:]:
            old.unlink(missing_ok=True)
