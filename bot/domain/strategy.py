"""What a strategy is: one pure class that wishes positions, never orders."""

from typing import Any, Protocol

import msgspec

from bot.domain.orders import PositionSide

Memory = dict[str, float | int | str]


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A wished position: where it is wrong (stop), where it pays (target), and why."""

    symbol: str
    side: PositionSide
    stop_price: float
    target_price: float
    reason: str
    signal_id: str
    """One signal trades once: a second intent with the same id is ignored."""


class Strategy(Protocol):
    """A pure decision maker: same view and memory, same answer."""

    name: str
    warmup_bars: int

    def start(self) -> Memory:
        """Return the first memory (JSON-able)."""
        ...

    def evaluate(self, view: Any, memory: Memory) -> tuple[Memory, tuple[Intent, ...]]:  # noqa: ANN401 - the view type lives in the kernel, above this floor
        """Return the next memory and the wished positions after a closed bar."""
        ...
