"""OKX v5 as the embedded venue speaks it."""

from bot.simulator.okx.flow import OkxFlow
from bot.simulator.okx.rest_orders import PLACE_ALGO
from bot.simulator.okx.server import create_app
from bot.simulator.okx.voice import okx_voice
from bot.simulator.okx.words import as_listed
from bot.simulator.speech import Speech


def speech() -> Speech:
    """Return the protocol."""
    return Speech(
        flow=OkxFlow,
        voice=okx_voice,
        app=create_app,
        conditional_path=PLACE_ALGO,
        listed=as_listed,
    )
