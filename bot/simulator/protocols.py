"""Which protocol the embedded venue speaks: one folder each over the same pure exchange.

A new protocol gets a folder beside `binance`, a branch in `protocol_of`, and its name in
`bot.venue.exchanges.EMBEDDED`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from bot.domain.errors import ConfigInvalid
from bot.simulator.binance.gatekeeper import Later
from bot.simulator.binance.world import Say, World
from bot.simulator.flow import Flow

Move = Callable[[str, float], None]


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
