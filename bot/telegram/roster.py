"""The accounts a chat may speak of: `@NAME` in a message means one of them, `@all` every one."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from bot.ports import House
from bot.telegram.commands import Unclear

FIRST, ALL = "main", "all"
EVERYWHERE = "/panic"
"""Who writes it means everything they hold, wherever it lies."""
Ask = Callable[[str, dict[str, str]], Awaitable[dict[str, object]]]


class Account(msgspec.Struct, frozen=True):
    """One account: where its orders go, who answers about it, which symbols can be meant."""

    name: str
    house: House
    ask: Ask
    symbols: Callable[[], Sequence[str]]


Others = Callable[[], Mapping[str, Account]]
"""The accounts beside the first that live now, by name."""


def split(text: str) -> tuple[str, str]:
    """Return a message without its `@NAME`, and the name in lower case; "" where none is said.

    Raises:
        Unclear: more than one account is named.
    """
    words = text.split()
    names = [word[1:].lower() for word in words[1:] if word.startswith("@")]
    if len(names) > 1:
        raise Unclear("Name one account, as @hedge, or @all. Nothing was done.")
    said = [word for number, word in enumerate(words) if not number or not word.startswith("@")]
    return " ".join(said), names[0] if names else ""


class Roster:
    """The first account and those beside it."""

    def __init__(self, first: Account, others: Others) -> None:
        self._first = first
        self._others = others

    def all(self) -> list[Account]:
        """Return every account that lives now, the first one first."""
        return [self._first, *self._others().values()]

    def find(self, name: str) -> Account:
        """Return the account of a name; the first one where none is said.

        Raises:
            Unclear: no account that lives now goes by it.
        """
        if name in ("", self._first.name):
            return self._first
        living = {known.lower(): account for known, account in self._others().items()}
        found = living.get(name.lower())
        if found is None:
            known = ", ".join(f"@{account.name}" for account in self.all())
            raise Unclear(f"No account @{name[:30]} lives now. Known: {known}, @all.")
        return found

    def meant(self, text: str, name: str) -> list[Account]:
        """Return whom a message is for. Raises Unclear."""
        everywhere = not name and text.split(maxsplit=1)[0].split("@")[0].lower() == EVERYWHERE
        return self.all() if name == ALL or everywhere else [self.find(name)]

    def label(self, account: Account) -> str:
        """Return what an answer begins with: the account, where there is more than one."""
        return f"{account.name}: " if len(self.all()) > 1 else ""
