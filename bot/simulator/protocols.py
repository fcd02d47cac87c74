"""Which protocol the embedded venue speaks: one folder each over the same pure exchange.

A new protocol gets a folder beside `binance`, a branch in `protocol_of`, and its name in
`bot.domain.exchanges.EMBEDDED`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from bot.domain.errors import ConfigInvalid
from bot.domain.instrument import Instrument
from bot.simulator.binance.gatekeeper import Later
from bot.simulator.binance.market_data import History
from bot.simulator.binance.weights import Quota
from bot.simulator.binance.world import Say, World
from bot.simulator.flow import Flow
from bot.simulator.keeper import Path

Move = Callable[[str, float], None]
FUNDING_INTERVAL_S = 28_800
"""What the funding of market paths is told for."""


@dataclass(frozen=True, kw_only=True)
class Speech:
    """What a protocol consists of."""

    flow: Callable[[World], Flow]
    """Makes the public streams."""
    voice: Callable[[World, str], Say]
    """Makes what tells one account its own events."""
    app: Callable[[World, Later, Move], web.Application]
    """Makes the addresses: requests, sockets, and those of `/_control`."""
    conditional_path: str
    """Where conditional orders are placed, for faults that make them vanish."""
    listed: Callable[[Instrument], Instrument] = lambda contract: contract
    """What one of our contracts is on this exchange's list."""
    path: Callable[[Path], Path] = lambda path: path
    """The market path in this exchange's terms, and ..."""
    past: Callable[[History], History] = lambda past: past
    """... the market before it."""
    funding_interval_s: int = FUNDING_INTERVAL_S
    quota: Quota | None = None
    """What an address may ask for, where it differs from the default."""


def protocol_of(name: str) -> Speech:
    """Return the protocol of an exchange; only its own modules are loaded.

    Raises:
        ConfigInvalid: the embedded venue does not speak it.
    """
    match name:
        case "binance":
            return _binance()
        case "bybit":
            return _bybit()
        case "hyperliquid":
            return _hyperliquid()
        case "okx":
            return _okx()
        case _:
            raise ConfigInvalid(f"protocol {name!r}: the embedded venue does not speak it")


def _binance() -> Speech:
    from bot.simulator.binance.flow import PublicFlow
    from bot.simulator.binance.server import create_app
    from bot.simulator.binance.world import CONDITIONAL_PATH, binance_voice

    return Speech(
        flow=PublicFlow,
        voice=binance_voice,
        app=create_app,
        conditional_path=CONDITIONAL_PATH,
    )


def _bybit() -> Speech:
    from bot.simulator.bybit.flow import BybitFlow
    from bot.simulator.bybit.rest_orders import CREATE
    from bot.simulator.bybit.server import create_app
    from bot.simulator.bybit.voice import bybit_voice

    return Speech(flow=BybitFlow, voice=bybit_voice, app=create_app, conditional_path=CREATE)


def _hyperliquid() -> Speech:
    from bot.simulator.hyperliquid import contracts
    from bot.simulator.hyperliquid.server import CONDITIONAL_PATH, WEIGHT_PER_MIN, Hyperliquid

    venue = Hyperliquid()
    return Speech(
        flow=venue.flow,
        voice=venue.voice,
        app=venue.app,
        conditional_path=CONDITIONAL_PATH,
        listed=contracts.as_listed,
        path=contracts.hourly,
        past=contracts.hourly_past,
        funding_interval_s=contracts.FUNDING_INTERVAL_S,
        quota=Quota(weight_per_min=WEIGHT_PER_MIN),
    )


def _okx() -> Speech:
    from bot.simulator.okx.flow import OkxFlow
    from bot.simulator.okx.rest_orders import PLACE_ALGO
    from bot.simulator.okx.server import create_app
    from bot.simulator.okx.voice import okx_voice
    from bot.simulator.okx.words import as_listed

    return Speech(
        flow=OkxFlow, voice=okx_voice, app=create_app, conditional_path=PLACE_ALGO,
        listed=as_listed,
    )  # fmt: skip
