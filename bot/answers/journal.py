"""Answers `journal`: rows of one table of the journal, newest first."""

from bot.answers.question import Answered, Question, QuestionUnclear, iso

NAME = "journal"
TABLES = (
    "answers", "commands", "decisions", "equity", "fills", "income", "intents", "modes", "notices",
    "orders", "positions", "runs", "wallets",
)  # fmt: skip


def answer(question: Question) -> Answered:
    """Return the newest rows of args.table.

    Raises:
        QuestionUnclear: no such table, or there is no journal.
    """
    table = question.args.get("table", "")
    if table not in TABLES:
        raise QuestionUnclear(f"table: was {table!r:.40}, allowed: {', '.join(TABLES)}")
    rows = question.rows(table)
    if rows is None:
        raise QuestionUnclear("journal: there is none to ask")
    return {"as_of": iso(question.state.now_ns), "table": table, "rows": rows}
