"""Asks one venue for settled funding and past open interest: at the start, then now and then."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeVar

from bot.domain.errors import VenueError
from bot.domain.market import FeedStatus, FundingRate, OpenInterest
from bot.domain.units import NS_PER_S
from bot.ports import Clock, Emit
from bot.venue.feeds.contracts import Contract

BACK_S: Final = 30 * 86_400
"""How much of the past is asked for at the start."""
AGAIN_S: Final = 300.0
PAUSE_S: Final = 0.25
"""Between two questions: nothing here is urgent."""
ROWS_PER_TURN: Final = 100
T = TypeVar("T", FundingRate, OpenInterest)


class Polls(Protocol):
    """The public requests of one venue."""

    venue: str

    async def contracts(self, symbols: Sequence[str]) -> tuple[Contract, ...]:
        """Return those of `symbols` that are traded here."""
        ...

    async def settled(self, contract: Contract, since_ns: int) -> tuple[FundingRate, ...]:
        """Return settlements after `since_ns`, oldest first."""
        ...

    async def interest(self, contract: Contract, since_ns: int) -> tuple[OpenInterest, ...]:
        """Return open interest after `since_ns`, oldest first; nothing where none is kept."""
        ...


class PollFeed:
    """Tells what was settled, and where open interest stood; each row once."""

    def __init__(
        self,
        polls: Polls,
        symbols: Sequence[str],
        clock: Clock,
        *,
        back_s: int = BACK_S,
        again_s: float = AGAIN_S,
        pause_s: float = PAUSE_S,
    ) -> None:
        self.name = f"{polls.venue}.polls"
        self.polls = polls
        self._symbols = symbols
        self._clock = clock
        self._again_s = again_s
        self._pause_s = pause_s
        self._since_ns = clock.now_ns() - back_s * NS_PER_S
        self._told_ns: dict[tuple[str, str], int] = {}
        self._troubles: dict[str, str] = {}
        self._spoke = False
        self._asked = False

    async def run(self, emit: Emit) -> None:
        """Ask until cancelled; what was asked for before this call is not asked again at once."""
        while True:
            if self._asked:
                await self._clock.sleep_s(self._again_s)
            await self.once(emit)

    async def once(self, emit: Emit) -> None:
        """Ask for everything once; what fails is told and asked for again next time."""
        self._asked = True
        try:
            contracts = await self.polls.contracts(self._symbols)
        except VenueError as failed:
            self._trouble(emit, "", f"contracts: {failed}")
            return
        for contract in contracts:
            try:
                await self._tell_new("funding", contract, self.polls.settled, emit)
                await self._tell_new("interest", contract, self.polls.interest, emit)
            except VenueError as failed:
                self._trouble(emit, contract.symbol, str(failed))
            else:
                self._well(emit, contract.symbol)
        self._well(emit, "")

    async def _tell_new(
        self,
        kind: str,
        contract: Contract,
        ask: Callable[[Contract, int], Awaitable[tuple[T, ...]]],
        emit: Emit,
    ) -> None:
        key = (kind, contract.symbol)
        since_ns = self._told_ns.get(key, self._since_ns)
        await self._clock.sleep_s(self._pause_s)
        for number, row in enumerate(await ask(contract, since_ns), start=1):
            if row.event_ns > self._told_ns.get(key, self._since_ns):
                self._told_ns[key] = row.event_ns
                emit(row)
            if number % ROWS_PER_TURN == 0:
                await self._clock.sleep_s(0.0)

    def slow(self, emit: Emit, waited_s: float) -> None:
        """Say that the past did not come in time: it is unknown until the next turn."""
        self._trouble(emit, "", f"the past did not come within {waited_s:.0f} s: unknown so far")

    def _trouble(self, emit: Emit, symbol: str, reason: str) -> None:
        """Say what failed, once for as long as it is the same."""
        if self._troubles.get(symbol) == reason:
            return
        self._troubles[symbol] = reason
        self._say(emit, symbol, live=False, reason=reason)

    def _well(self, emit: Emit, symbol: str) -> None:
        had = self._troubles.pop(symbol, None)
        if had is not None or (not symbol and not self._spoke):
            self._spoke = True
            self._say(emit, symbol, live=True, reason="answers")

    def _say(self, emit: Emit, symbol: str, *, live: bool, reason: str) -> None:
        now_ns = self._clock.now_ns()
        emit(FeedStatus(self.name, symbol, now_ns, now_ns, live, reason))
