"""What a protocol of the embedded venue consists of; one folder each makes its own."""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

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
