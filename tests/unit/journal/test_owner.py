"""One journal an account: set aside and brought back whole, whatever cuts the steps off."""

import itertools
import shutil

import pytest

from bot.domain.errors import JournalBroken
from bot.journal import owner
from bot.journal.owner import hand_over
from bot.journal.store import open_journal
from tests.unit.journal.stories import NOW_NS, HandClock, approved

PAPER, LIVE = "paper-binance", "live-binance"


def orders_in(home) -> int:
    store = open_journal(home, HandClock())
    try:
        return len(store.live_orders())
    finally:
        store.close()


def with_an_order(home) -> None:
    store = open_journal(home, HandClock())
    store.intent("r", 1, approved(), NOW_NS)
    store.close()


def test_another_account_begins_anew_and_the_first_comes_back(tmp_path):
    assert hand_over(tmp_path, PAPER) is None
    with_an_order(tmp_path)
    assert hand_over(tmp_path, PAPER) is None
    assert hand_over(tmp_path, LIVE) == PAPER
    assert orders_in(tmp_path) == 0
    assert hand_over(tmp_path, PAPER) == LIVE
    assert orders_in(tmp_path) == 1
    assert hand_over(tmp_path, LIVE) == PAPER
    assert orders_in(tmp_path) == 0


def test_a_journal_from_before_there_were_notes_is_this_accounts(tmp_path):
    with_an_order(tmp_path)
    assert hand_over(tmp_path, LIVE) is None
    assert orders_in(tmp_path) == 1
    assert (tmp_path / "account").read_text() == f"{LIVE}\n"
    assert (tmp_path / "account").stat().st_mode & 0o077 == 0


def test_two_journals_of_one_account_are_refused(tmp_path):
    hand_over(tmp_path, PAPER)
    with_an_order(tmp_path)
    shutil.copy(tmp_path / "journal.db", tmp_path / f"journal-{PAPER}.db")
    with pytest.raises(JournalBroken, match="move one of them away"):
        hand_over(tmp_path, LIVE)
    assert orders_in(tmp_path) == 1


class Cut(Exception):
    """The power went."""


@pytest.mark.parametrize("first", [PAPER, LIVE])
def test_whatever_is_cut_off_the_next_call_finishes(tmp_path, monkeypatch, first):
    """Cut before each durable step of a change; then go on for either account. Nothing is lost."""
    move = owner.move_durably
    for count in itertools.count():
        home = tmp_path / str(count)
        hand_over(home, LIVE)
        (home / "journal.db").write_text("live")
        hand_over(home, PAPER)
        for part, text in (("", "paper"), ("-wal", "paper's end")):
            (home / f"journal.db{part}").write_text(text)
        left = count

        def cut(source, target):
            nonlocal left
            if left == 0:
                raise Cut
            left -= 1
            move(source, target)

        monkeypatch.setattr(owner, "move_durably", cut)
        try:
            hand_over(home, LIVE)
            whole = True
        except Cut:
            whole = False
        monkeypatch.setattr(owner, "move_durably", move)
        for account in (first, LIVE if first == PAPER else PAPER):
            hand_over(home, account)
            texts = {p.name: p.read_text() for p in home.glob("journal.db*")}
            wanted = {"journal.db": "live"} if account == LIVE else {
                "journal.db": "paper", "journal.db-wal": "paper's end"
            }  # fmt: skip
            assert texts == wanted, (count, account)
        if whole:
            assert count >= 4
            return
