"""Which protocol the embedded venue speaks: one folder each over the same pure exchange.

A new protocol is a folder beside `binance` with `speech()` in `speeches/NAME.py`, and its name in
`bot.domain.exchanges.EMBEDDED`.
"""

import importlib

from bot.domain.errors import ConfigInvalid
from bot.domain.exchanges import EMBEDDED
from bot.simulator.speech import Speech


def protocol_of(name: str) -> Speech:
    """Return the protocol of an exchange; only its own modules are loaded.

    Raises:
        ConfigInvalid: the embedded venue does not speak it.
    """
    if name not in EMBEDDED:
        raise ConfigInvalid(f"protocol {name!r}: the embedded venue does not speak it")
    speech: Speech = importlib.import_module(f"bot.simulator.speeches.{name}").speech()
    return speech
