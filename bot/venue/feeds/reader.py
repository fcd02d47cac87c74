"""Frames of a sensed venue into events: units into coins, fragments merged, repeats dropped."""

from collections.abc import Callable, Iterable
from typing import Final, assert_never

from bot.domain.errors import VenueDataInvalid
from bot.domain.market import FeedStatus, FundingRate, Liquidation, OpenInterest
from bot.domain.messages import Event
from bot.domain.units import NS_PER_S
from bot.venue.feeds.contracts import Contract
from bot.venue.feeds.flow import Folding, VenueFlow
from bot.venue.feeds.memory import FundingMemory, Recent
from bot.venue.streams.told import Forced, Funding, Interest, Quote, Told, Top, Trade

NEWS_NS: Final = 5 * NS_PER_S
"""What changed is told at most this often ..."""
REPEAT_NS: Final = 60 * NS_PER_S
"""... and what did not change at least this often, so that age is seen."""
AHEAD_MAX_NS: Final = 60 * NS_PER_S
"""A time further ahead of our clock would make a dead stream look fresh."""
COINS_APART_FRAC: Final = 0.01
Decode = Callable[[bytes | str], tuple[Told, ...]]


class SenseReader:
    """Reads one connection at a time of one venue; contracts not listed to it say nothing."""

    def __init__(self, venue: str, decode: Decode, contracts: Iterable[Contract] = ()) -> None:
        self._venue = venue
        self._decode = decode
        self._contracts: dict[str, Contract] = {}
        self._flows: dict[str, Folding] = {}
        self._told_ns: dict[str, int] = {}
        self._clock_ns = 0
        self._numbers: dict[str, int] = {}
        self._fresh: set[str] = set()
        self._before_ns: dict[str, int] = {}
        self._traded_ns: dict[str, int] = {}
        self._funding = FundingMemory()
        self._interest: dict[str, OpenInterest] = {}
        self._forced = Recent()
        self.gaps = 0
        self.repeats = 0
        self.learn(contracts)

    def learn(self, contracts: Iterable[Contract]) -> None:
        """Take the contracts as the venue lists them now."""
        self._contracts = {item.venue_id: item for item in contracts}
        for item in self._contracts.values():
            self._flows.setdefault(item.symbol, Folding(item.symbol, self._venue))

    def contracts(self) -> tuple[Contract, ...]:
        """Return the contracts that are listed now."""
        return tuple(self._contracts.values())

    def connected(self) -> None:
        """Begin a connection: fragments of the one before are no base, counts may restart.

        What was told before is told anew, so that a line that came back is seen to be back.
        """
        self._fresh = {item.symbol for item in self._contracts.values()}
        self._funding.begin()
        self._interest.clear()
        self._clock_ns = 0
        self._before_ns = dict(self._traded_ns)

    def told_ns(self, symbol: str) -> int | None:
        """Return the venue's time of the newest sign of life of `symbol`."""
        return self._told_ns.get(symbol)

    def take_flows(self) -> tuple[VenueFlow, ...]:
        """Return trades and prices since the last call, one for each contract that has any."""
        found = [folding.take() for folding in self._flows.values()]
        return tuple(flow for flow in found if flow is not None)

    def read(self, raw: bytes | str, received_ns: int) -> list[Event]:
        """Return what a frame says.

        Raises:
            VenueDataInvalid: the frame cannot be believed.
        """
        events: list[Event] = []
        fresh: list[Forced] = []
        for told in self._decode(raw):
            contract = self._contracts.get(told.contract)
            if contract is None:
                continue
            if told.event_ns is not None and told.event_ns > received_ns + AHEAD_MAX_NS:
                raise VenueDataInvalid(f"{contract.venue_id}: a time that has not come yet")
            match told:
                case Trade():
                    self._trade(told, contract, received_ns, events)
                case Quote():
                    self._quote(told, contract)
                case Funding():
                    self._rate(told, contract, received_ns, events)
                case Interest():
                    self._open(told, contract, received_ns, events)
                case Forced():
                    if told not in self._forced:
                        fresh.append(told)
                        events.append(self._liquidation(told, contract, received_ns))
                    else:
                        self.repeats += 1
                case Top():
                    self._tell(contract.symbol, told.event_ns)
                case _:
                    assert_never(told)
        # Twice in one frame are two; again in a later frame is a repetition.
        self._forced.add(fresh)
        return events

    def _tell(self, symbol: str, event_ns: int) -> None:
        self._clock_ns = max(self._clock_ns, event_ns)
        self._told_ns[symbol] = max(event_ns, self._told_ns.get(symbol, 0))

    def _stamp(self, event_ns: int | None) -> int | None:
        """The venue's time of a frame; of one without time the newest heard on this connection."""
        return event_ns if event_ns is not None else self._clock_ns or None

    def _trade(
        self, told: Trade, contract: Contract, received_ns: int, events: list[Event]
    ) -> None:
        symbol, number = contract.symbol, told.number
        if number is not None:
            if not self._counts_on(told, number, symbol, received_ns, events):
                self.repeats += 1
                return
        elif told.event_ns <= self._before_ns.get(symbol, 0):
            self.repeats += 1  # a new connection begins with trades of the one before
            return
        self._traded_ns[symbol] = max(told.event_ns, self._traded_ns.get(symbol, 0))
        self._flows[symbol].trade(told, contract.qty_factor, contract.price_factor)
        self._tell(symbol, told.event_ns)

    def _counts_on(
        self, told: Trade, number: int, symbol: str, received_ns: int, events: list[Event]
    ) -> bool:
        """Tell whether a numbered trade is new; a hole before it is remarked."""
        last = self._numbers.get(symbol)
        fresh = symbol in self._fresh
        self._fresh.discard(symbol)
        if last is not None and number <= last and not fresh:
            return False
        self._numbers[symbol] = number
        missed = 0 if last is None else number - last - told.count
        if missed > 0:
            self.gaps += 1
            if str(self.gaps).strip("0") == "1":  # 1, 10, 100 ...: the count is in the health
                reason = f"gap {self.gaps}: {missed} trades missing before id {number}"
                name = f"{self._venue}.market"
                events.append(FeedStatus(name, symbol, told.event_ns, received_ns, True, reason))
        return True

    def _quote(self, told: Quote, contract: Contract) -> None:
        event_ns = self._stamp(told.event_ns)
        if event_ns is None:
            return
        self._flows[contract.symbol].quote(told, event_ns, contract.price_factor)
        if told.event_ns is not None:
            self._tell(contract.symbol, event_ns)

    def _rate(
        self, told: Funding, contract: Contract, received_ns: int, events: list[Event]
    ) -> None:
        event_ns = self._stamp(told.event_ns)
        if event_ns is None:
            return
        whole = self._funding.whole(told, event_ns, contract)
        if whole is None:
            return
        rate = FundingRate(
            symbol=contract.symbol,
            event_ns=event_ns,
            received_ns=received_ns,
            venue=self._venue,
            rate_frac=whole.rate_frac,
            interval_s=whole.interval_s,
            settled=told.settled,
            next_ns=whole.next_ns,
        )
        if self._funding.is_news(rate, news_ns=NEWS_NS, repeat_ns=REPEAT_NS):
            events.append(rate)

    def _open(
        self, told: Interest, contract: Contract, received_ns: int, events: list[Event]
    ) -> None:
        event_ns = self._stamp(told.event_ns)
        if event_ns is None:
            return
        qty = told.units * contract.qty_factor
        if told.coins is not None:
            coins = told.coins / contract.price_factor
            if abs(coins - qty) > COINS_APART_FRAC * max(coins, qty):
                raise VenueDataInvalid(
                    f"{contract.venue_id}: open interest is {coins:g} coins by the venue and "
                    f"{qty:g} by its contract size: the size has changed"
                )
        before = self._interest.get(contract.symbol)
        if before is not None:
            age_ns = event_ns - before.event_ns
            if age_ns < (NEWS_NS if qty != before.qty else REPEAT_NS):
                return
        found = OpenInterest(contract.symbol, event_ns, received_ns, self._venue, qty)
        self._interest[contract.symbol] = found
        events.append(found)

    def _liquidation(self, told: Forced, contract: Contract, received_ns: int) -> Liquidation:
        return Liquidation(
            symbol=contract.symbol,
            event_ns=told.event_ns,
            received_ns=received_ns,
            venue=self._venue,
            side=told.side,
            qty=told.units * contract.qty_factor,
            price=told.price * contract.price_factor,
        )
