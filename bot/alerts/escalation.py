"""Critical alerts that nobody has acknowledged yet."""

from collections.abc import Iterator

import msgspec

from bot.alerts.lane import folded
from bot.domain.units import NS_PER_S
from bot.ports import Alert

OPEN_MAX = 100


class OpenAlert(msgspec.Struct, frozen=True):
    """An alert that waits for a human's word, and when it is told again."""

    alert: Alert
    since_ns: int
    next_ns: int


class Escalation:
    """Open alerts by kind and symbol; each is told again until acknowledged, `times` at most."""

    def __init__(self, every_s: float, times: int, opened: tuple[OpenAlert, ...] = ()) -> None:
        self._every_ns = int(every_s * NS_PER_S)
        self._times = times
        self._open = {(each.alert.kind, each.alert.symbol): each for each in opened}

    def every(self, every_s: float, times: int) -> None:
        """Repeat at another pace from the next repetition on."""
        self._every_ns = int(every_s * NS_PER_S)
        self._times = times

    def add(self, alert: Alert, now_ns: int) -> None:
        """Open an alert, or fold it into the open one of its kind; its clock is not set back."""
        key = (alert.kind, alert.symbol)
        known = self._open.get(key)
        if known is not None:
            again = msgspec.structs.replace(known, alert=folded(known.alert, alert))
            self._open[key] = again
            return
        if len(self._open) >= OPEN_MAX:
            self._open.pop(next(iter(self._open)))
        self._open[key] = OpenAlert(alert, now_ns, now_ns + self._every_ns)

    def due(self, now_ns: int) -> Iterator[Alert]:
        """Yield what must be told again now, with the number of the repetition."""
        for key, each in list(self._open.items()):
            if now_ns >= each.next_ns and each.alert.repeat < self._times:
                alert = msgspec.structs.replace(each.alert, repeat=each.alert.repeat + 1)
                next_ns = now_ns + self._every_ns
                self._open[key] = OpenAlert(alert, each.since_ns, next_ns)
                yield alert

    def acknowledge(self) -> tuple[OpenAlert, ...]:
        """Close every open alert and return them, the oldest first."""
        closed = self.opened
        self._open.clear()
        return closed

    @property
    def opened(self) -> tuple[OpenAlert, ...]:
        """What is open, the oldest first."""
        return tuple(sorted(self._open.values(), key=lambda each: each.since_ns))
