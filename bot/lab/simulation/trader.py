"""A strategy for simulations: it wishes often and everywhere, so that orders are always at work."""

import zlib

from bot.sdk import Exits, Intent, Memory, PositionSide, View

ODDS_BARS = 5
LIFE_S = 400.0


class Trader:
    """Every fifth bar or so a long or a short, with a stop at 0.4 to 1.2 percent.

    An eager one wishes at every bar. Trades are short: what is worth simulating is how positions
    come and go. Half of them are closed in two parts, a third moves its stop to where it pays its
    costs back.
    """

    name = "trader"
    needs: tuple[str, ...] = ()
    warmup_bars = 1

    def __init__(self, seed: int, *, eager: bool = False) -> None:
        self._seed = seed
        self._odds_bars = 1 if eager else ODDS_BARS

    def start(self) -> Memory:
        """Begin without memory."""
        return {}

    def evaluate(self, view: View, memory: Memory) -> tuple[Memory, tuple[Intent, ...]]:
        """Wish by a number drawn from seed, symbol and bar alone."""
        signal = f"trader|{view.symbol}|{view.now_ns}"
        draw = zlib.crc32(f"{self._seed}|{signal}".encode())
        if draw % self._odds_bars:
            return memory, ()
        side = PositionSide.LONG if draw & 0x100 else PositionSide.SHORT
        distance = 0.004 + 0.008 * ((draw >> 9) % 100) / 100.0
        stop = view.close * (1.0 - side.sign * distance)
        target = view.close * (1.0 + side.sign * distance * 4.0)
        half = view.close * (1.0 + side.sign * distance * 1.5)
        exits = Exits(
            partials=(half,) if draw & 0x200000 else (),
            break_even_r=0.5 if draw % 3 == 0 else 0.0,
            life_s=LIFE_S,
        )
        wish = Intent(
            symbol=view.symbol,
            side=side,
            stop_price=stop,
            target_price=target,
            reason=signal,
            signal_id=signal,
            exits=exits,
        )
        return memory, (wish,)
