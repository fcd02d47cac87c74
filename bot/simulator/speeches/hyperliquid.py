"""Hyperliquid as the embedded venue speaks it: hourly funding, a list of its own."""

from bot.simulator.binance.weights import Quota
from bot.simulator.hyperliquid import contracts
from bot.simulator.hyperliquid.server import CONDITIONAL_PATH, WEIGHT_PER_MIN, Hyperliquid
from bot.simulator.speech import Speech


def speech() -> Speech:
    """Return the protocol; each run of a venue has one of its own."""
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
