"""Answers `equity`: the curve of the account's equity over the last days, thinned."""

from bot.answers.question import Answered, Question, QuestionUnclear, iso, rounded

NAME = "equity"
DAYS_DEFAULT, DAYS_MAX = 7, 400


def days_of(question: Question) -> int:
    """Return over how many days the question goes.

    Raises:
        QuestionUnclear: it is no whole number within bounds.
    """
    text = question.args.get("days", "") or str(DAYS_DEFAULT)
    if not text.isdigit() or not 1 <= int(text) <= DAYS_MAX:
        raise QuestionUnclear(f"days: was {text!r:.40}, allowed: 1 to {DAYS_MAX}")
    return int(text)


def answer(question: Question) -> Answered:
    """Return points of equity and wallet in USD, the oldest first; changes include transfers.

    Raises:
        QuestionUnclear: the days are not understood, or there is no journal.
    """
    days = days_of(question)
    rows = question.rows("curve")
    if rows is None:
        raise QuestionUnclear("equity: there is no journal to ask")
    points = [_point(row) for row in rows]
    values = [value for point in points if (value := point["equity_usd"]) is not None]
    return {
        "as_of": iso(question.state.now_ns),
        "days": days,
        "high_water_usd": rounded(question.state.anchors.high_water_usd or None, 2),
        "lowest_usd": min(values, key=_number, default=None),
        "highest_usd": max(values, key=_number, default=None),
        "points": points,
    }


def _point(row: Answered) -> Answered:
    return {
        "at": iso(int(str(row["event_ns"]))),
        "equity_usd": rounded(_number(row["equity_usd"]), 2),
        "wallet_usd": rounded(_number(row["wallet_usd"]), 2),
    }


def _number(value: object) -> float:
    return float(str(value))
