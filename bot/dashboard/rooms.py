"""What the handlers of the page work with."""

from collections.abc import Awaitable, Callable

import msgspec
from fastapi import Request

from bot.dashboard.config import PageConfig
from bot.dashboard.history import Ask, History
from bot.dashboard.login import Doorkeeper
from bot.dashboard.stream import Stream
from bot.ports import House


class Rooms(msgspec.Struct, frozen=True, kw_only=True):
    """One running page."""

    config: PageConfig
    ask: Ask
    house: House
    keeper: Doorkeeper
    history: History
    stream: Stream
    metrics: Callable[[], Awaitable[bytes]]
    """Writes what Prometheus reads."""


def rooms_of(request: Request) -> Rooms:
    """Return the rooms of the app that serves a request."""
    rooms: Rooms = request.app.state.rooms
    return rooms
