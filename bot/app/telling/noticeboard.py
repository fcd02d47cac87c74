"""Keeps the newest notices of this run, for whoever asks later."""

from collections import deque

from bot.domain.messages import Notify

KEPT = 200


class Noticeboard:
    """Where notices end up until there is somebody to send them to; the oldest are taken down."""

    def __init__(self) -> None:
        self._notices: deque[Notify] = deque(maxlen=KEPT)

    def __call__(self, notice: Notify) -> None:
        """Pin a notice."""
        self._notices.append(notice)

    def newest(self, kind: str) -> Notify | None:
        """Return the newest notice of a kind."""
        return next((n for n in reversed(self._notices) if n.kind == kind), None)

    def all(self) -> tuple[Notify, ...]:
        """Return every notice that still hangs, the newest first."""
        return tuple(reversed(self._notices))
