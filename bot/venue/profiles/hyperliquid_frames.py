"""Shapes of Hyperliquid's public frames, for the traded venue's reader and the sensed one alike."""

from typing import Final

import msgspec

_NOTHING: Final = msgspec.Raw(b"")


class Envelope(msgspec.Struct):
    """Every frame: its channel, and data of a shape of the channel's own."""

    channel: str
    data: msgspec.Raw = _NOTHING


class State(msgspec.Struct, gc=False, rename="camel"):
    """The state of a contract; it carries no time."""

    mark_px: float
    oracle_px: float
    funding: float
    open_interest: float


class Asset(msgspec.Struct, gc=False):
    """A contract and its state."""

    coin: str
    ctx: State


# Not strict: the venue writes numbers as strings.
ENVELOPES: Final = msgspec.json.Decoder(Envelope)
ASSETS: Final = msgspec.json.Decoder(Asset, strict=False)
