"""What the market clock tells a protocol's public streams."""

from typing import Protocol

from bot.simulator.terms import MarketTick


class Flow(Protocol):
    """Publishes what the market does; the exchange has already taken each tick in."""

    def on_tick(self, tick: MarketTick, path_ns: int) -> None:
        """Tell the trades of a step; `path_ns` is its place in the path's own time."""
        ...

    def on_beat(self) -> None:
        """Tell what changed since the last beat, such as the book."""
        ...

    def on_second(self) -> None:
        """Tell what is told once a second, such as marks."""
        ...

    def marks(self, symbols: tuple[str, ...]) -> None:
        """Tell mark, index and funding of `symbols` now."""
        ...
