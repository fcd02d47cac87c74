"""Bybit's room: two clients with sockets of their own, one limit, the feeds."""

from bot.domain.units import NS_PER_S
from bot.ports import Clock
from bot.venue.assembly import Assembly, CallerPolls, End
from bot.venue.bybit.answers import MANNERS, BybitWire
from bot.venue.bybit.client import BybitVenue
from bot.venue.bybit.news import BybitNews
from bot.venue.bybit.public import Asking, BybitMarket
from bot.venue.bybit.stream import BybitStream
from bot.venue.feeds.bybit import LIQUIDATIONS
from bot.venue.lanes import Lanes
from bot.venue.one_line import OneLineFeed
from bot.venue.polls.bybit import BybitPolls
from bot.venue.polls.feed import PollFeed
from bot.venue.profiles import bybit
from bot.venue.room import Transport, VenueConfig, VenueRoom, check_config

STALE_NS = 10 * NS_PER_S
PERIOD_S = 5.0
PERIODS_PER_MIN = 12


async def open_room(config: VenueConfig, clock: Clock, transport: Transport) -> VenueRoom:
    """Build the room; the first request goes out with the first call.

    Raises:
        ConfigInvalid: mode, symbols, addresses and keys do not fit together.
    """
    rest = bybit.rest_url(config.mode, config.base_url, config.site)
    check_config(config, lambda _mode, _override: rest, bybit.ws_url, bybit.venue_id)
    lanes = Lanes(
        clock,
        limit=(config.weight_limit_per_min or bybit.REQUESTS_PER_5S * PERIODS_PER_MIN)
        // PERIODS_PER_MIN,
        period_s=PERIOD_S,
        orders_limit=(config.order_limit_per_10s or bybit.ORDERS_PER_S * 10) // 10,
        orders_period_s=1.0,
    )
    parts = Assembly(
        config,
        clock,
        transport,
        lanes,
        MANNERS,
        urls={"public": rest, "private": rest},
        options={"recvWindow": config.recv_window_ms, "timeDifference": 0, "brokerId": ""},
    )
    main, guard = parts.ends(lambda settings: BybitWire(settings, parts.time, lanes.observe))
    venue, watchman = _venue(parts, main), _venue(parts, guard)
    polls = BybitPolls(CallerPolls(main.caller, clock))
    past = PollFeed(polls, config.symbols, clock, pause_s=0.0)
    if config.api_key:
        reader = watchman.reader
        news = BybitNews(lambda: reader.hedged, lambda: reader.mode)
        address = bybit.ws_url(config.mode, config.ws_url, rest) + bybit.PRIVATE_PATH
        parts.notes.user = BybitStream(
            main.caller, clock, parts.breaker, parts.notes, news, address
        )
    return parts.room(main, venue, watchman, _public_feed(parts, main, venue, rest), past)


def _venue(parts: Assembly, end: End) -> BybitVenue:
    config = parts.config
    venue = BybitVenue(
        end.caller,
        parts.clock,
        config.symbols,
        parts.ties(end),
        has_rights=config.mode == "live",
        tells_fees=config.mode != "testnet" or config.site != "demo",
    )
    parts.notes.readers.append(venue.reader)
    return venue


def _public_feed(parts: Assembly, end: End, venue: BybitVenue, rest: str) -> OneLineFeed:
    config = parts.config

    async def prepare() -> None:
        await venue.clock_skew_ns()

    url = bybit.public_ws_url(config.mode, config.ws_url, rest) + bybit.PUBLIC_PATH
    market, asking = BybitMarket(config.symbols), Asking(config.symbols)
    line = parts.line(end, url, asking, market, prepare, stale_ns=STALE_NS)
    return OneLineFeed(bybit.NAME, line, config.symbols, liquidations=LIQUIDATIONS)
