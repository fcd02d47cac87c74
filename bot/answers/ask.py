"""Finds the answer that goes by a name."""

import importlib
import pkgutil
from collections.abc import Callable

import bot.answers
from bot.answers.question import Answered, Question, QuestionUnclear

_PARTS = (
    "alarm", "ask", "budget_price", "digest_words", "exits", "question", "heard", "held",
    "next_cuts", "sensed", "shocks",
)  # fmt: skip


def _discover() -> dict[str, Callable[[Question], Answered]]:
    found: dict[str, Callable[[Question], Answered]] = {}
    for part in sorted(module.name for module in pkgutil.iter_modules(bot.answers.__path__)):
        if part not in _PARTS:
            module = importlib.import_module(f"bot.answers.{part}")
            found[module.NAME] = module.answer
    return found


ANSWERS = _discover()


class Fetched:
    """A shelf that holds what was read beforehand, for answers that must not wait."""

    def __init__(
        self,
        rows: list[Answered] | None = None,
        chain: list[Answered] | None = None,
        exits: list[Answered] | None = None,
    ) -> None:
        self._rows = rows or []
        self._chain = chain or []
        self._exits = exits or []

    def rows(self, table: str, *, limit: int, symbol: str = "") -> list[Answered]:
        """Return the rows that were read."""
        del symbol
        if table == "exits":
            return self._exits
        return self._rows if table == "curve" else self._rows[:limit]

    def why(self, ref: str) -> list[Answered]:
        """Return the chain that was read."""
        del ref
        return self._chain


CURVES = ("equity", "pnl", "digest")
"""Answers made of the equity curve."""
ENDINGS = ("trades", "pnl", "digest")
"""Answers that say by what trades ended."""


def table_wanted(name: str, args: dict[str, str]) -> str:
    """Return the journal table whose rows the answer `name` is made of; empty for none."""
    if name == "journal":
        return args.get("table", "")
    return "decisions" if name == "why" and not args.get("ref") else ""


def ask(name: str, question: Question) -> Answered:
    """Return the answer called `name`.

    Raises:
        QuestionUnclear: nobody answers to that name, or the arguments are not understood.
    """
    found = ANSWERS.get(name)
    if found is None:
        raise QuestionUnclear(f"no answer called {name!r:.40}; known: {', '.join(ANSWERS)}")
    return found(question)
