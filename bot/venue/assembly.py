"""Puts together what every room has: two callers with sockets of their own under one limit."""

from collections.abc import Awaitable, Callable, Mapping

import aiohttp
import msgspec

from bot.ports import Clock, Venue
from bot.venue.acting import Ties
from bot.venue.breaker import Breaker
from bot.venue.caller import Caller
from bot.venue.endpoint import Endpoint
from bot.venue.lanes import Lanes
from bot.venue.line import Dialect, FrameReader, Line
from bot.venue.manners import Manners
from bot.venue.polls.feed import PollFeed
from bot.venue.room import (
    GUARD_POOL,
    MAIN_POOL,
    Notes,
    Public,
    Transport,
    VenueConfig,
    VenueRoom,
    ccxt_settings,
    closing,
)
from bot.venue.wire import Hooks, VenueTime

Settings = dict[str, object]
MakeWire = Callable[[Settings], Hooks]


class End(msgspec.Struct, frozen=True):
    """One way out: a caller and the session it goes by."""

    caller: Caller
    session: aiohttp.ClientSession
    guards: bool


class Assembly:
    """The common parts of one room; what differs between venues is handed in."""

    def __init__(
        self,
        config: VenueConfig,
        clock: Clock,
        transport: Transport,
        lanes: Lanes,
        manners: Manners,
        *,
        urls: Settings,
        options: Settings,
    ) -> None:
        self.config = config
        self.clock = clock
        self.lanes = lanes
        self.breaker = Breaker(clock)
        self.notes = Notes()
        self.time = VenueTime(clock)
        self._transport = transport
        self._manners = manners
        self._urls = urls
        self._options = options

    def ends(self, make: MakeWire) -> tuple[End, End]:
        """Return the way out of everybody, and that of the guard alone."""
        return self._end(make, MAIN_POOL, guards=False), self._end(make, GUARD_POOL, guards=True)

    def _end(self, make: MakeWire, pool: int, *, guards: bool) -> End:
        config, context = self.config, self._transport.context
        session = self._transport.session(config, pool)
        settings = ccxt_settings(config, session, context, self._urls, self._options)
        caller = Caller(
            make(settings),
            self._manners,
            self.lanes,
            self.breaker,
            self.clock,
            self.time,
            timeout_s=config.request_timeout_s,
            queue_s=config.queue_timeout_s,
        )
        return End(caller, session, guards)

    def ties(self, end: End) -> Ties:
        """Return what the client at `end` may do, and whom it tells."""
        return Ties(
            guards=end.guards,
            read_only=self.config.read_only,
            on_placed=self.notes.placed,
            on_settings=self.notes.unsettled,
            on_instruments=self.notes.learn,
            on_close=closing(end.caller.wire, end.session),
        )

    def line(
        self,
        end: End,
        url: str,
        dialect: Dialect,
        reader: FrameReader,
        prepare: Callable[[], Awaitable[None]],
        *,
        stale_ns: int,
        name: str = "market",
        must_prepare: bool = False,
    ) -> Line:
        """Return a public socket that `prepare` precedes at each dialling."""
        return Line(
            end.session,
            url,
            dialect,
            reader,
            name=name,
            clock=self.clock,
            breaker=self.breaker,
            venue_now_ns=end.caller.venue_now_ns,
            prepare=prepare,
            must_prepare=must_prepare,
            stale_ns=stale_ns,
        )

    def room(
        self, main: End, venue: Venue, watchman: Venue, public: Public, past: PollFeed
    ) -> VenueRoom:
        """Return the whole; `notes.user` is set by now where there is a key."""
        now_ns = main.caller.venue_now_ns
        user = self.notes.user
        return VenueRoom(venue, watchman, public, user, past, self.lanes, self.breaker, now_ns)


class CallerPolls:
    """Public questions through the room's own caller: its limit counts them as well."""

    def __init__(self, caller: Caller, clock: Clock) -> None:
        self._caller = caller
        self._clock = clock

    def now_ns(self) -> int:
        """Return our time in ns UTC."""
        return self._clock.now_ns()

    async def ask(self, call: str, params: Mapping[str, str | int]) -> object:
        """Send one question by ccxt's implicit method `call`; raises VenueError."""
        return await self._caller.call(Endpoint(call), dict(params))
