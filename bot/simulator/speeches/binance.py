"""Binance USD-M as the embedded venue speaks it."""

from bot.simulator.binance.flow import PublicFlow
from bot.simulator.binance.server import create_app
from bot.simulator.binance.world import CONDITIONAL_PATH, binance_voice
from bot.simulator.speech import Speech


def speech() -> Speech:
    """Return the protocol."""
    return Speech(
        flow=PublicFlow, voice=binance_voice, app=create_app, conditional_path=CONDITIONAL_PATH
    )
