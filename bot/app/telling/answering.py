"""Answers questions beside a running kernel: belief from memory, history from the journal."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import msgspec

from bot.answers.ask import CURVES, ENDINGS, Fetched, ask, table_wanted
from bot.answers.digest import POINT_NS
from bot.answers.equity import DAYS_MAX, days_of
from bot.answers.journal import TABLES
from bot.answers.question import Answered, Question
from bot.app.telling.source_health import source_rows
from bot.domain.feeds import VenueHealth
from bot.domain.units import NS_PER_DAY
from bot.runtime.parts import Machine


class History(Protocol):
    """The journal as answers need it; may raise JournalBroken."""

    async def rows(self, table: str, *, limit: int, symbol: str = "") -> list[Answered]:
        """Return the newest rows of `table`, newest first."""
        ...

    async def why(self, ref: str) -> list[Answered]:
        """Return the chain that led to and from `ref`."""
        ...

    async def curve(self, since_ns: int, span_ns: int) -> list[Answered]:
        """Return the last equity of each span of time since an instant, oldest first."""
        ...

    async def exits(self, limit: int) -> list[Answered]:
        """Return the newest executions with the purpose of their order, newest first."""
        ...


Special = Callable[[dict[str, str]], Awaitable[Answered]]


CURVE_POINTS = 600
EXITS_READ = 2_000
"""Executions looked through for what ended the trades that are remembered (500 of them)."""
WITH_SOURCES = ("status", "sources")


class Answering:
    """The `ask` of a daemon; `special` names answers that the wiring itself gives."""

    def __init__(
        self,
        machine: Machine,
        history: History,
        special: dict[str, Special] | None = None,
        health: Mapping[str, object] | None = None,
        feeds: Callable[[], tuple[VenueHealth, ...]] | None = None,
        page_url: str | None = None,
    ) -> None:
        self._machine = machine
        self._history = history
        self._special = special or {}
        self._health = {} if health is None else health
        self._feeds = feeds
        self._page_url = page_url

    async def __call__(self, name: str, args: dict[str, str]) -> Answered:
        """Return the answer called `name`.

        Raises:
            BotError: the question is unclear, or the journal cannot be read.
        """
        special = self._special.get(name)
        if special is not None:
            return await special(args)
        question = Question(state=self._machine.state, policy=self._machine.policy, args=args)
        shelf = await self._fetch(name, question)
        feeds = self._feeds() if self._feeds is not None else None
        answer = ask(name, msgspec.structs.replace(question, shelf=shelf, feeds=feeds))
        if name in WITH_SOURCES:
            answer["sources"] = source_rows(self._health, question.state.now_ns)
        if name == "status":
            answer["page"] = self._page_url
        return answer

    async def _fetch(self, name: str, question: Question) -> Fetched:
        ref = question.args.get("ref", "")
        if name == "why" and ref:
            return Fetched(chain=await self._history.why(ref))
        exits = await self._history.exits(EXITS_READ) if name in ENDINGS else []
        if name in CURVES:
            days, span_ns = _span_of(name, question)
            since_ns = question.state.now_ns - days * NS_PER_DAY
            return Fetched(rows=await self._history.curve(since_ns, span_ns), exits=exits)
        table = table_wanted(name, question.args)
        if table in TABLES:
            limit = question.limit
            return Fetched(
                rows=await self._history.rows(table, limit=limit, symbol=question.symbol)
            )
        return Fetched(exits=exits)


def _span_of(name: str, question: Question) -> tuple[int, int]:
    """Return over how many days, and at which distance in ns, an answer wants equity."""
    if name == "pnl":
        return DAYS_MAX, NS_PER_DAY
    if name == "digest":
        return 1, POINT_NS
    days = days_of(question)
    return days, days * NS_PER_DAY // CURVE_POINTS
