"""OKX's room: two clients with sockets of their own, one limit, the feeds."""

from typing import Final

from bot.domain.errors import ConfigInvalid
from bot.domain.units import NS_PER_S
from bot.ports import Clock
from bot.venue.assembly import Assembly, CallerPolls, End, Settings
from bot.venue.feeds.okx import LIQUIDATIONS
from bot.venue.lanes import Lane, Lanes
from bot.venue.okx.account import Sizes
from bot.venue.okx.answers import MANNERS, OkxWire, Questions
from bot.venue.okx.client import OkxVenue
from bot.venue.okx.news import OkxNews
from bot.venue.okx.public import OkxMarket, TradedDialect
from bot.venue.okx.stream import OkxLine, OkxStreams
from bot.venue.one_line import OneLineFeed
from bot.venue.polls.feed import PollFeed
from bot.venue.polls.okx import OkxPolls
from bot.venue.profiles import okx
from bot.venue.room import Transport, VenueConfig, VenueRoom, check_config

STALE_NS: Final = 15 * NS_PER_S
PERIOD_S: Final = 2.0
PERIODS_PER_MIN: Final = 30
EMBEDDED: Final = "embedded"
"""The passphrase of the embedded venue, known to everybody."""


async def open_room(config: VenueConfig, clock: Clock, transport: Transport) -> VenueRoom:
    """Build the room; the first request goes out with the first call.

    Raises:
        ConfigInvalid: mode, symbols, addresses and keys do not fit together.
    """
    check_config(config, okx.rest_url, okx.ws_url, okx.venue_id)
    if config.mode != "paper" and config.api_key and not config.api_passphrase:
        raise ConfigInvalid("venue: a key of OKX has three parts, the passphrase is missing")
    per_min = config.weight_limit_per_min or okx.REQUESTS_PER_2S * PERIODS_PER_MIN
    lanes = Lanes(
        clock,
        limit=per_min // PERIODS_PER_MIN * 2,
        period_s=PERIOD_S,
        orders_limit=(config.order_limit_per_10s or okx.ORDERS_PER_2S * 5) // 5,
        orders_period_s=PERIOD_S,
    )
    rest = okx.rest_url(config.mode, config.base_url)
    urls: Settings = {"rest": rest}
    parts = Assembly(config, clock, transport, lanes, MANNERS, urls=urls, options={"brokerId": ""})
    demo = {okx.DEMO_HEADER: "1"} if config.mode == "testnet" else {}
    third: Settings = {"password": config.api_passphrase or EMBEDDED, "headers": demo}
    main, guard = parts.ends(lambda settings: OkxWire(settings | third, parts.time, lanes.observe))
    sizes = Sizes()
    venue, watchman = _venue(parts, main, sizes), _venue(parts, guard, sizes)
    past = PollFeed(OkxPolls(CallerPolls(main.caller, clock)), config.symbols, clock, pause_s=0.0)
    origin = okx.ws_url(config.mode, config.ws_url, rest)
    if config.api_key:
        parts.notes.user = _streams(parts, main, sizes, origin)
    public = _public_feed(parts, main, venue, sizes, origin)
    return parts.room(main, venue, watchman, public, past)


def _venue(parts: Assembly, end: End, sizes: Sizes) -> OkxVenue:
    venue = OkxVenue(end.caller, parts.clock, parts.config.symbols, sizes, parts.ties(end))
    parts.notes.readers.append(venue.reader)
    return venue


def _streams(parts: Assembly, end: End, sizes: Sizes, origin: str) -> OkxStreams:
    news = OkxNews(sizes)
    orders, triggers = (
        OkxLine(end.caller, parts.clock, parts.breaker, parts.notes, news, sizes, origin, path)
        for path in (okx.PRIVATE_PATH, okx.BUSINESS_PATH)
    )
    return OkxStreams(orders, triggers)


def _public_feed(
    parts: Assembly, end: End, venue: OkxVenue, sizes: Sizes, origin: str
) -> OneLineFeed:
    symbols = parts.config.symbols

    async def prepare() -> None:
        await venue.clock_skew_ns()
        await sizes.settle(Questions(end.caller, Lane.QUERY))

    market = OkxMarket(symbols, sizes)
    line = parts.line(
        end,
        origin + okx.PUBLIC_PATH,
        TradedDialect(market.contracts),
        market,
        prepare,
        stale_ns=STALE_NS,
        must_prepare=True,
    )
    return OneLineFeed(okx.NAME, line, symbols, liquidations=LIQUIDATIONS)
