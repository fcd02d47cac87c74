"""What went into the exchange, as values: the exchange is pure, so they bring its state back."""

import zlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from bot.domain.account import MarginMode
from bot.domain.orders import PositionSide
from bot.simulator.terms import MarketTick, OrderRequest

FRAME_BYTES: Final = 8


class Opened(msgspec.Struct, frozen=True, tag=True):
    """An account was opened."""

    account_id: str
    wallet_usd: Decimal
    hedge_mode: bool


class Deposited(msgspec.Struct, frozen=True, tag=True):
    """USD were paid in or out."""

    account_id: str
    amount_usd: Decimal


class Submitted(msgspec.Struct, frozen=True, tag=True):
    """An order was sent, whatever became of it."""

    account_id: str
    request: OrderRequest


class Cancelled(msgspec.Struct, frozen=True, tag=True):
    """A cancel was sent."""

    account_id: str
    symbol: str
    client_order_id: str | None
    venue_order_id: str | None
    conditional: bool


class AllCancelled(msgspec.Struct, frozen=True, tag=True):
    """A cancel of one book of one symbol was sent."""

    account_id: str
    symbol: str
    conditional: bool


class LeverageSet(msgspec.Struct, frozen=True, tag=True):
    """A leverage was asked for."""

    account_id: str
    symbol: str
    leverage: int


class MarginModeSet(msgspec.Struct, frozen=True, tag=True):
    """A margin mode was asked for."""

    account_id: str
    symbol: str
    mode: MarginMode


class HedgeModeSet(msgspec.Struct, frozen=True, tag=True):
    """A position mode was asked for."""

    account_id: str
    hedge_mode: bool


class MarginAdded(msgspec.Struct, frozen=True, tag=True):
    """Isolated margin was moved."""

    account_id: str
    symbol: str
    side: PositionSide
    amount_usd: Decimal


class Ticked(msgspec.Struct, frozen=True, tag=True):
    """The market moved; `path_ns` is where on its path, `factor` what hands moved it by."""

    tick: MarketTick
    path_ns: int
    factor: float


class Advanced(msgspec.Struct, frozen=True, tag=True):
    """Time passed."""

    now_ns: int


class TriggersStuck(msgspec.Struct, frozen=True, tag=True):
    """The fault that holds triggered orders was switched."""

    symbol: str
    on: bool


class ListenKeySet(msgspec.Struct, frozen=True, tag=True):
    """A listen key was opened or prolonged; an empty text ends the account's key."""

    account_id: str
    text: str
    expires_ns: int


Input = (
    Opened
    | Deposited
    | Submitted
    | Cancelled
    | AllCancelled
    | LeverageSet
    | MarginModeSet
    | HedgeModeSet
    | MarginAdded
    | Ticked
    | Advanced
    | TriggersStuck
    | ListenKeySet
)

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Input)


class InputLog:
    """Inputs on their way to the disk; nothing is kept until `is_on`.

    `path_ns` and `factors` are where the next tick comes from; the market clock keeps them right.
    """

    def __init__(self) -> None:
        self.is_on = False
        self.path_ns = 0
        self.factors: dict[str, float] = {}
        self._waiting = bytearray()
        self._now_ns = 0

    def add(self, entry: Input) -> None:
        """Take in one input, after the time that passed before it."""
        if not self.is_on:
            return
        if self._now_ns:
            self._put(Advanced(self._now_ns))
            self._now_ns = 0
        self._put(entry)

    def add_tick(self, tick: MarketTick) -> None:
        """Take in a step of the market."""
        if self.is_on:
            self.add(Ticked(tick, self.path_ns, self.factors.get(tick.symbol, 1.0)))

    def pass_time(self, now_ns: int) -> None:
        """Take in the time; it is written with the next input."""
        self._now_ns = now_ns

    def _put(self, entry: Input) -> None:
        data = _ENCODER.encode(entry)
        self._waiting += len(data).to_bytes(4, "big") + zlib.crc32(data).to_bytes(4, "big") + data

    def take(self) -> bytes:
        """Return what is not on disk yet, and forget it."""
        data = bytes(self._waiting)
        self._waiting.clear()
        return data


def read_inputs(data: bytes) -> Iterator[Input]:
    """Yield the inputs of a log; a torn end is where the process was killed, and ends it."""
    at = 0
    while at + FRAME_BYTES <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        payload = data[at + FRAME_BYTES : at + FRAME_BYTES + size]
        check = data[at + 4 : at + FRAME_BYTES]
        if len(payload) < size or check != zlib.crc32(payload).to_bytes(4, "big"):
            return
        try:
            yield _DECODER.decode(payload)
        except msgspec.MsgspecError:
            return
        at += FRAME_BYTES + size
