"""What a strategy is: one pure class that wishes positions, never orders."""

from typing import Any, Protocol

import msgspec

from bot.domain.orders import PositionSide

Memory = dict[str, float | int | str]


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The numbers of one strategy: frozen, each bounded by its annotation."""


class Exits(msgspec.Struct, frozen=True, kw_only=True):
    """How a trade is left besides its stop and its last target; zero switches a rule off.

    Each of the prices in `partials` (nearest first, before the target) closes an equal part of
    what was entered. Gains are counted in the distance between entry and first stop.
    """

    partials: tuple[float, ...] = ()
    break_even_r: float = 0.0
    """Gain from which the stop pays its costs back."""
    trail_atr: float = 0.0
    """Hourly ranges between the best close and a stop that follows."""
    trail_from_r: float = 1.0
    life_s: float = 0.0
    """After this time the trade is closed, wherever the price is."""

    @property
    def parts(self) -> int:
        """Into how many equal parts the trade is closed."""
        return len(self.partials) + 1


NO_EXITS = Exits()


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A wished position: where it is wrong (stop), where it pays (target), and why."""

    symbol: str
    side: PositionSide
    stop_price: float
    target_price: float
    reason: str
    signal_id: str
    """One signal trades once: a second intent with the same id is ignored."""
    exits: Exits = NO_EXITS

    @property
    def mean_target(self) -> float:
        """The mean price at which all parts are closed when every target is reached."""
        prices = (*self.exits.partials, self.target_price)
        return sum(prices) / len(prices)


class Strategy(Protocol):
    """A pure decision maker: same view and memory, same answer.

    It is asked only with `warmup_bars` closed bars and everything in `needs` known.
    """

    name: str
    needs: tuple[str, ...]
    warmup_bars: int

    def start(self) -> Memory:
        """Return the first memory (JSON-able)."""
        ...

    def evaluate(self, view: Any, memory: Memory) -> tuple[Memory, tuple[Intent, ...]]:  # noqa: ANN401 - the view type lives in the kernel, above this floor
        """Return the next memory and the wished positions after a closed bar."""
        ...
