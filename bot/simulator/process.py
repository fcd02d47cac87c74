"""The embedded venue as a whole: exchange, market path, protocol and file, from start to end."""

import asyncio
import signal
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Final

from aiohttp import WSCloseCode

from bot.domain.errors import ConfigInvalid
from bot.domain.instrument import Instrument
from bot.ports import Clock
from bot.simulator.binance.gatekeeper import Later
from bot.simulator.binance.market_data import History
from bot.simulator.binance.server import HOST, open_port
from bot.simulator.binance.signing import ApiKey
from bot.simulator.binance.weights import Quota
from bot.simulator.binance.world import World
from bot.simulator.exchange import DepthModel, FillModel
from bot.simulator.faults import FaultRule
from bot.simulator.keeper import Keeper, Path, PathPosition
from bot.simulator.protocols import protocol_of
from bot.simulator.recorded_exchange import RecordedExchange
from bot.simulator.saver import Saver
from bot.simulator.speech import Speech
from bot.simulator.venue_file import VenueFile, put_back, read_file, read_log, take

KEEP_S: Final = 5.0
NO_HISTORY: Final = History()
DEFAULT_QUOTA: Final = Quota()
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, kw_only=True)
class VenueAccount:
    """An account that exists from the first start on."""

    account_id: str
    wallet_usd: Decimal
    hedge_mode: bool = False


@dataclass(frozen=True, kw_only=True)
class VenueReady:
    """What a client needs to know once the venue answers."""

    port: int
    url: str
    restored: bool


@dataclass(frozen=True, kw_only=True)
class VenueProcessConfig:
    """How to run a venue; `speed` compresses the market path and the funding interval only."""

    instruments: Sequence[Instrument]
    path: Path
    accounts: Sequence[VenueAccount]
    keys: Sequence[ApiKey]
    history: History = NO_HISTORY
    port: int = 0
    protocol: str = "binance"
    speed: float = 1.0
    seed: int = 1
    beat_s: float = 0.25
    state_file: FilePath | None = None
    ssl_context: ssl.SSLContext | None = None
    fill_model: FillModel | None = None
    quota: Quota = DEFAULT_QUOTA
    faults: Sequence[FaultRule] = ()
    ready: Callable[[VenueReady], None] = field(default=lambda _: None)
    report: Callable[[str], None] = field(default=lambda _: None)


@dataclass(frozen=True, kw_only=True)
class RunningVenue:
    """A venue that answers; the parts are for tests in the same process."""

    port: int
    url: str
    restored: bool
    world: World
    keeper: Keeper
    saver: Saver


def _in_terms_of(speech: Speech, config: VenueProcessConfig) -> VenueProcessConfig:
    """Return the venue as the exchange lists and tells things."""
    own = config.quota is DEFAULT_QUOTA and speech.quota is not None
    return replace(
        config,
        instruments=[speech.listed(item) for item in config.instruments],
        path=speech.path(config.path),
        history=speech.past(config.history),
        quota=speech.quota if own and speech.quota is not None else config.quota,
    )


def _build_world(config: VenueProcessConfig, clock: Clock, speech: Speech) -> World:
    unknown = {key.account_id for key in config.keys} - {a.account_id for a in config.accounts}
    if unknown:
        raise ConfigInvalid(f"API keys of accounts that do not exist: {sorted(unknown)}")
    interval_s = max(round(speech.funding_interval_s / config.speed), 1)
    exchange = RecordedExchange(
        config.instruments,
        fill_model=config.fill_model or DepthModel(seed=config.seed),
        funding_interval_s=interval_s,
    )
    world = World(
        exchange,
        config.instruments,
        clock,
        keys=config.keys,
        seed=config.seed,
        quota=config.quota,
        # a rate stays that of an interval of the market's own time, however fast it passes
        funding_interval_s=speech.funding_interval_s,
        voice=speech.voice,
    )
    world.conditional_path = speech.conditional_path
    for rule in config.faults:
        world.faults.arm(rule, clock.now_ns())
    return world


@asynccontextmanager
async def running_venue(config: VenueProcessConfig, clock: Clock) -> AsyncIterator[RunningVenue]:
    """Run a venue while inside.

    Raises:
        ConfigInvalid: the port is taken, or path and contracts do not fit.
        DataInvalid: the state file is broken, or the path holds impossible prices.
    """
    try:
        async with asyncio.TaskGroup() as group, _serving(config, clock, group) as venue:
            yield venue
    except ExceptionGroup as several:
        if len(several.exceptions) == 1:
            raise several.exceptions[0] from several.exceptions[0].__cause__
        raise


@asynccontextmanager
async def _serving(
    config: VenueProcessConfig, clock: Clock, group: asyncio.TaskGroup
) -> AsyncIterator[RunningVenue]:
    speech = protocol_of(config.protocol)
    config = _in_terms_of(speech, config)
    world = _build_world(config, clock, speech)
    kept = read_file(config.state_file) if config.state_file is not None else None
    started_ns = kept.started_ns if kept is not None else clock.now_ns()
    position = _furnish(world, config, kept, started_ns)
    flow = speech.flow(world)
    keeper = Keeper(
        world,
        flow,
        config.path,
        clock,
        speed=config.speed,
        beat_s=config.beat_s,
        position=position,
    )
    keeper.start()
    saver = _saver(config, world, keeper, kept, started_ns)

    def spawn(work: Coroutine[None, None, None]) -> None:
        group.create_task(work)

    later = Later(durable=saver.settled, gap=keeper.move, spawn=spawn)
    app = speech.app(world, later, keeper.move)
    runner, port = await open_port(app, config.port, config.ssl_context)
    world.on_change = saver.mark
    saver.mark()
    tasks = [
        group.create_task(keeper.run()),
        group.create_task(saver.run(clock.sleep_s)),
        group.create_task(_keep_position(saver, clock)),
    ]
    scheme = "https" if config.ssl_context is not None else "http"
    try:
        yield RunningVenue(
            port=port,
            url=f"{scheme}://{HOST}:{port}",
            restored=kept is not None,
            world=world,
            keeper=keeper,
            saver=saver,
        )
    finally:
        world.hub.close_matching(WSCloseCode.GOING_AWAY)
        for task in tasks:
            task.cancel()
        await runner.cleanup()
        await saver.close()


def _saver(
    config: VenueProcessConfig,
    world: World,
    keeper: Keeper,
    kept: VenueFile | None,
    started_ns: int,
) -> Saver:
    return Saver(
        config.state_file,
        world.exchange.log,
        lambda generation: take(world, keeper.position, started_ns, generation),
        config.report,
        generation=kept.generation if kept is not None else 0,
    )


def _furnish(
    world: World, config: VenueProcessConfig, kept: VenueFile | None, started_ns: int
) -> PathPosition:
    """Give the world its past, its saved state if there is one, and its accounts."""
    for data in world.data.values():
        data.load_history(config.history, started_ns)
    position = PathPosition()
    if kept is not None and config.state_file is not None:
        position = put_back(world, kept, read_log(config.state_file, kept.generation))
    world.exchange.resume(world.clock.now_ns())
    for account in config.accounts:
        world.exchange.open_account(
            account.account_id, account.wallet_usd, hedge_mode=account.hedge_mode
        )
    return position


async def _keep_position(saver: Saver, clock: Clock) -> None:
    """Have the place on the path saved now and then, though no account changed."""
    while True:
        await clock.sleep_s(KEEP_S)
        saver.mark()


async def serve_venue(config: VenueProcessConfig, clock: Clock) -> None:
    """Run a venue until SIGTERM or SIGINT, then save it and end.

    Raises:
        ConfigInvalid, DataInvalid: see `running_venue`.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, ended.set)
    try:
        async with running_venue(config, clock) as venue:
            config.ready(VenueReady(port=venue.port, url=venue.url, restored=venue.restored))
            await ended.wait()
    finally:
        for number in SIGNALS:
            with suppress(ValueError):
                loop.remove_signal_handler(number)
