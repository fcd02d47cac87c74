"""Answers `why`: the chain of decisions behind an order, a decision or a command."""

from bot.answers.question import Answered, Question, QuestionUnclear, iso

NAME = "why"


def answer(question: Question) -> Answered:
    """Return the chain for args.ref, the cause first; without ref, the newest decisions.

    Raises:
        QuestionUnclear: nothing is known under that reference, or there is no journal.
    """
    if question.shelf is None:
        raise QuestionUnclear("why: there is no journal to ask")
    ref = question.args.get("ref", "")
    if not ref:
        rows = question.rows("decisions") or []
        return {"ref": None, "chain": [_line(row) for row in reversed(rows)]}
    chain = question.shelf.why(ref)
    if not chain:
        raise QuestionUnclear(f"why: nothing is known under {ref!r:.60}; see `breakwater orders`")
    return {"ref": ref, "chain": [_line(row) for row in chain]}


def _line(row: Answered) -> Answered:
    instant = row.get("event_ns")
    at = iso(instant) if isinstance(instant, int) else None
    return {"at": at, **{key: value for key, value in row.items() if key != "id"}}
