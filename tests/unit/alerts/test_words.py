"""Every kind of notice is explained, and the explanations name real ones."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
GIVEN = re.compile(r'(?:Severity\.[A-Z]+|severity),\s*"([a-z_]+)"')


def kinds() -> set[str]:
    found: set[str] = set()
    for path in ROOT.glob("bot/**/*.py"):
        found |= set(GIVEN.findall(path.read_text()))
    return found


def explained() -> set[str]:
    page = (ROOT / "docs/alerts.md").read_text().partition("## Kinds")[2]
    return {
        name
        for row in re.findall(r"^\| (`[^|]*) \|", page, re.MULTILINE)
        for name in re.findall(r"`([a-z_]+)`", row)
    }


def test_every_kind_is_explained_in_the_documentation():
    assert len(kinds()) > 20
    assert kinds() - explained() == set()
    assert explained() - kinds() <= {"telegram_conflict", "telegram_stranger", "telegram_totp"}


def test_next_steps_name_kinds_that_exist():
    from bot.answers.alarm import NEXT

    assert set(NEXT) <= explained()
