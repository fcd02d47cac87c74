"""Alerts that wait for one channel: bounded, folded by kind, critical ones first."""

from collections.abc import Callable, Sequence

import msgspec

from bot.alerts.plan import RANKS, LanePlan
from bot.domain.risk import Severity
from bot.ports import Alert

WAITING_MAX = 200
BATCH_MAX = 10
TEXTS_MAX = 6


class Waiting(msgspec.Struct, frozen=True):
    """An alert and the instant from which it may leave."""

    alert: Alert
    due_ns: int


def folded(old: Alert, new: Alert) -> Alert:
    """Return one alert for two: the oldest and the newest words, and how many there were."""
    texts = list(dict.fromkeys((*old.texts, *new.texts)))
    if len(texts) > TEXTS_MAX:
        texts = [*texts[:2], *texts[2 - TEXTS_MAX :]]
    count = max(old.count, new.count) if new.repeat else old.count + new.count
    return msgspec.structs.replace(
        old,
        texts=tuple(texts),
        count=count,
        silent=old.silent and new.silent,
        repeat=max(old.repeat, new.repeat),
    )


class Lane:
    """What waits for a channel, and what is on its way there.

    A flood cannot lose a critical alert, nor a count: the same kind about the same symbol waits as
    one alert; when there are too many all the same, the mildest and oldest gives way, and critical
    ones are folded together.
    """

    def __init__(self, plan: LanePlan, waiting: Sequence[Waiting] = ()) -> None:
        self.plan = plan
        self.dropped = 0
        self._waiting = list(waiting)
        self._leaving: list[Waiting] = []

    def add(self, alert: Alert, due_ns: int) -> None:
        """Queue an alert; fold it into one that waits, if they speak of the same."""
        for index, other in enumerate(self._waiting):
            if _alike(other.alert, alert):
                due_ns = min(due_ns, other.due_ns)
                self._waiting[index] = Waiting(folded(other.alert, alert), due_ns)
                return
        self._waiting.append(Waiting(alert, due_ns))
        if len(self._waiting) > WAITING_MAX:
            self._give_way()

    def take(self, now_ns: int) -> tuple[Alert, ...]:
        """Return what leaves now, the gravest first: of one loudness, at most BATCH_MAX."""
        due = [each for each in self._waiting if each.due_ns <= now_ns]
        due.sort(key=lambda each: (-RANKS[each.alert.severity], each.alert.silent))
        batch = [each for each in due if each.alert.silent == due[0].alert.silent][:BATCH_MAX]
        self._leaving = batch
        self._waiting = [each for each in self._waiting if each not in batch]
        return tuple(each.alert for each in batch)

    def arrived(self) -> None:
        """Forget what was on its way: it is there."""
        self._leaving = []

    def give_back(self) -> None:
        """Queue again what was on its way: it may not have arrived."""
        newer, self._waiting, self._leaving = self._waiting, self._leaving, []
        for each in newer:
            self.add(each.alert, each.due_ns)

    def forget(self, done: Callable[[Waiting], bool]) -> None:
        """Take out what need not be told any more."""
        self._waiting = [each for each in self._waiting if not done(each)]

    def next_due_ns(self) -> int | None:
        """Return when something may leave; None: nothing waits."""
        return min((each.due_ns for each in self._waiting), default=None)

    def kept(self) -> list[Waiting]:
        """Return what must outlive this process: everything but what is merely informative."""
        every = [*self._leaving, *self._waiting]
        return [each for each in every if each.alert.severity is not Severity.INFO]

    def __len__(self) -> int:
        return len(self._waiting) + len(self._leaving)

    def _give_way(self) -> None:
        for severity in (Severity.INFO, Severity.WARNING):
            for index, each in enumerate(self._waiting):
                if each.alert.severity is severity:
                    del self._waiting[index]
                    self.dropped += each.alert.count
                    return
        first, second = self._waiting[0], self._waiting[1]
        both = folded(first.alert, second.alert)
        self._waiting[:2] = [Waiting(both, min(first.due_ns, second.due_ns))]


def _alike(one: Alert, other: Alert) -> bool:
    return (one.kind, one.symbol, one.severity) == (other.kind, other.symbol, other.severity)
