"""What a sensed venue said before: fragments of funding, and which liquidations were told."""

from collections import deque
from collections.abc import Iterable
from typing import Final

import msgspec

from bot.domain.market import FundingRate
from bot.domain.units import NS_PER_S
from bot.venue.feeds.contracts import Contract
from bot.venue.streams.believe import INTERVALS_S
from bot.venue.streams.told import Forced, Funding

RECENT_MAX: Final = 8192


class Whole(msgspec.Struct, frozen=True, gc=False):
    """Funding with nothing missing."""

    rate_frac: float
    interval_s: int
    next_ns: int


class FundingMemory:
    """Merges fragments of funding; without an interval there is no rate to tell."""

    def __init__(self) -> None:
        self._newest_ns: dict[str, int] = {}
        self._rates: dict[str, float] = {}
        self._dues_ns: dict[str, int] = {}
        self._intervals_s: dict[str, int] = {}
        self._told: dict[tuple[str, bool], FundingRate] = {}

    def begin(self) -> None:
        """A snapshot comes next; what was known may have changed unseen. Intervals stay."""
        self._newest_ns.clear()
        self._rates.clear()
        self._dues_ns.clear()
        self._told = {key: rate for key, rate in self._told.items() if rate.settled}

    def whole(self, told: Funding, event_ns: int, contract: Contract) -> Whole | None:
        """Return the rate with its interval and instant; None: a part is unknown, or it is late."""
        name = contract.venue_id
        if told.settled:
            if told.rate_frac is None or told.interval_s is None or told.next_ns is None:
                return None
            return Whole(told.rate_frac, told.interval_s, told.next_ns)
        if event_ns < self._newest_ns.get(name, 0):
            return None
        self._newest_ns[name] = event_ns
        if told.rate_frac is not None:
            self._rates[name] = told.rate_frac
        if told.interval_s is not None:
            self._intervals_s[name] = told.interval_s
        if told.next_ns is not None:
            self._learn_step(name, told.next_ns, contract)
            self._dues_ns[name] = told.next_ns
        rate = self._rates.get(name)
        interval_s = self._intervals_s.get(name, contract.interval_s)
        if rate is None or interval_s is None:
            return None
        due_ns = self._dues_ns.get(name)
        if due_ns is None or due_ns <= event_ns:  # not told: payments fall on whole intervals
            step_ns = interval_s * NS_PER_S
            due_ns = (event_ns // step_ns + 1) * step_ns
        return Whole(rate, interval_s, due_ns)

    def _learn_step(self, name: str, due_ns: int, contract: Contract) -> None:
        """When the payment moves on by less than was listed, the step is the interval itself."""
        before_ns = self._dues_ns.get(name)
        known_s = self._intervals_s.get(name, contract.interval_s)
        if before_ns is None or known_s is None:
            return
        step_s = (due_ns - before_ns) // NS_PER_S
        if step_s in INTERVALS_S and step_s < known_s:
            self._intervals_s[name] = step_s

    def is_news(self, rate: FundingRate, *, news_ns: int, repeat_ns: int) -> bool:
        """Tell whether `rate` is to be told, and remember it if so."""
        key = (rate.symbol, rate.settled)
        before = self._told.get(key)
        if before is not None and not self._differs(before, rate, news_ns, repeat_ns):
            return False
        self._told[key] = rate
        return True

    @staticmethod
    def _differs(before: FundingRate, rate: FundingRate, news_ns: int, repeat_ns: int) -> bool:
        if rate.settled:
            return rate.event_ns > before.event_ns
        if (rate.next_ns, rate.interval_s) != (before.next_ns, before.interval_s):
            return rate.event_ns >= before.event_ns
        age_ns = rate.event_ns - before.event_ns
        return age_ns >= (news_ns if rate.rate_frac != before.rate_frac else repeat_ns)


class Recent:
    """The newest liquidations, to know one that is told again."""

    def __init__(self, most: int = RECENT_MAX) -> None:
        self._order: deque[Forced] = deque()
        self._known: set[Forced] = set()
        self._most = most

    def __contains__(self, told: Forced) -> bool:
        return told in self._known

    def add(self, told: Iterable[Forced]) -> None:
        """Remember, and forget the oldest beyond the limit."""
        for item in told:
            if item in self._known:
                continue
            self._known.add(item)
            self._order.append(item)
            if len(self._order) > self._most:
                self._known.discard(self._order.popleft())
