"""Finds the answer that goes by a name."""

import importlib
import pkgutil
from collections.abc import Callable

import bot.answers
from bot.answers.question import Answered, Question, QuestionUnclear

_PARTS = ("ask", "question", "held")


def _discover() -> dict[str, Callable[[Question], Answered]]:
    found: dict[str, Callable[[Question], Answered]] = {}
    for part in sorted(module.name for module in pkgutil.iter_modules(bot.answers.__path__)):
        if part not in _PARTS:
            module = importlib.import_module(f"bot.answers.{part}")
            found[module.NAME] = module.answer
    return found


ANSWERS = _discover()


def ask(name: str, question: Question) -> Answered:
    """Return the answer called `name`.

    Raises:
        QuestionUnclear: nobody answers to that name, or the arguments are not understood.
    """
    found = ANSWERS.get(name)
    if found is None:
        raise QuestionUnclear(f"no answer called {name!r:.40}; known: {', '.join(ANSWERS)}")
    return found(question)
