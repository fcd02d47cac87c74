"""Bybit v5 as the embedded venue speaks it."""

from bot.simulator.bybit.flow import BybitFlow
from bot.simulator.bybit.rest_orders import CREATE
from bot.simulator.bybit.server import create_app
from bot.simulator.bybit.voice import bybit_voice
from bot.simulator.speech import Speech


def speech() -> Speech:
    """Return the protocol."""
    return Speech(flow=BybitFlow, voice=bybit_voice, app=create_app, conditional_path=CREATE)
