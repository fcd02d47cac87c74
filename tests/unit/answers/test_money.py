"""What was earned when: a real journal's curve, by day and by week, with trades beside it."""

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from bot.answers.ask import Fetched, ask
from bot.answers.question import Question, QuestionUnclear
from bot.domain.effects import RecordEquity
from bot.domain.messages import TimerFired
from bot.domain.policy import Policy
from bot.domain.units import NS_PER_DAY, NS_PER_H
from bot.journal.store import Store, open_journal
from bot.kernel.snapshot import BotState
from tests.fakes.ports import START_NS

DAY0 = START_NS - START_NS % NS_PER_DAY


class Standing:
    def now_ns(self) -> int:
        return DAY0 + 20 * NS_PER_DAY


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_journal(tmp_path / "journal.db", Standing())) as made:
        yield made


def record(store: Store, seq: int, ns: int, usd: str) -> None:
    zero = Decimal(0)
    point = RecordEquity(
        event_ns=ns, equity_usd=Decimal(usd), wallet_usd=Decimal(usd), high_water_usd=zero,
        day_start_usd=zero, week_start_usd=zero,
    )  # fmt: skip
    store.append("run00001", seq, TimerFired("second", ns, ns), [point])


def asked(store: Store, name: str, span_ns: int, **args: str) -> dict:
    state = BotState()
    state.now_ns = DAY0 + 2 * NS_PER_DAY + NS_PER_H
    shelf = Fetched(rows=store.curve(DAY0 - NS_PER_DAY, span_ns))
    return ask(name, Question(state=state, policy=Policy(), args=args, shelf=shelf))


def test_days_end_with_their_last_point_and_start_where_the_day_before_ended(store: Store) -> None:
    for seq, (ns, usd) in enumerate(
        [
            (DAY0, "10000"),
            (DAY0 + 5 * NS_PER_H, "10100"),
            (DAY0 + NS_PER_DAY, "10050"),
            (DAY0 + NS_PER_DAY + 23 * NS_PER_H, "9898"),
            (DAY0 + 2 * NS_PER_DAY, "9999.99"),
        ],
        start=1,
    ):
        record(store, seq, ns, usd)
    days = asked(store, "pnl", NS_PER_DAY)["periods"]
    assert [row["end_usd"] for row in days] == [9999.99, 9898.0, 10100.0]
    assert [row["change_usd"] for row in days] == [101.99, -202.0, None]
    assert days[1]["change_frac"] == -0.02
    (week, *_) = asked(store, "pnl", NS_PER_DAY, by="week")["periods"]
    assert week["end_usd"] == 9999.99
    curve = asked(store, "equity", NS_PER_H, days="3")
    assert [p["equity_usd"] for p in curve["points"]] == [10000, 10100, 10050, 9898, 9999.99]
    assert (curve["lowest_usd"], curve["highest_usd"]) == (9898.0, 10100.0)


@pytest.mark.parametrize(("name", "args"), [("pnl", {"by": "year"}), ("equity", {"days": "0"})])
def test_what_is_not_understood_is_said(store: Store, name: str, args: dict[str, str]) -> None:
    with pytest.raises(QuestionUnclear, match="allowed"):
        asked(store, name, NS_PER_DAY, **args)
