"""A strategy for simulations: it wishes often and everywhere, so that orders are always at work."""

import zlib

from bot.sdk import Intent, Memory, PositionSide, View

ODDS_BARS = 4


class Trader:
    """Every fourth bar or so a long or a short, with a stop at 0.2 to 1 percent."""

    name = "trader"
    needs: tuple[str, ...] = ()
    warmup_bars = 1

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def start(self) -> Memory:
        """Begin without memory."""
        return {}

    def evaluate(self, view: View, memory: Memory) -> tuple[Memory, tuple[Intent, ...]]:
        """Wish by a number drawn from seed, symbol and bar alone."""
        signal = f"trader|{view.symbol}|{view.now_ns}"
        draw = zlib.crc32(f"{self._seed}|{signal}".encode())
        if draw % ODDS_BARS:
            return memory, ()
        side = PositionSide.LONG if draw & 0x100 else PositionSide.SHORT
        distance = 0.004 + 0.008 * ((draw >> 9) % 100) / 100.0
        stop = view.close * (1.0 - side.sign * distance)
        target = view.close * (1.0 + side.sign * distance * 2.5)
        wish = Intent(
            symbol=view.symbol,
            side=side,
            stop_price=stop,
            target_price=target,
            reason=signal,
            signal_id=signal,
        )
        return memory, (wish,)
