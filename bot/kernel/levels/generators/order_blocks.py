"""Order blocks: the last bar against a move that then closed beyond the swing before it."""

from collections.abc import Iterator, Sequence

import msgspec

from bot.kernel.levels.generators.swings import SIDE_BARS, fractals
from bot.kernel.levels.scene import Scene, written
from bot.kernel.levels.state import Frame, Level

NAME = "order block"
WEIGHT = 0.4
HALF_LIFE_BARS = 120
KEPT = 8
FRAMES_MAX_S = 14_400


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """The bar `index`, made an order block by the close of bar `broke`."""

    index: int
    broke: int
    is_up: bool
    low: float
    high: float
    strength: float


def levels(scene: Scene) -> Sequence[Level]:
    """Return the blocks no bar has closed through since."""
    found: list[Level] = []
    for frame in scene.frames():
        if frame.timeframe_s <= FRAMES_MAX_S:
            found += list(_standing(scene, frame))[-KEPT:]
    return found


def blocks(frame: Frame) -> list[Block]:
    """Return every block of a frame by the bar that made it, whatever came after."""
    highs = _breaks(frame, frame.high, frame.close, 1.0)
    lows = _breaks(frame, [-low for low in frame.low], [-close for close in frame.close], -1.0)
    return sorted([*highs, *lows], key=lambda block: (block.broke, block.is_up))


def _breaks(
    frame: Frame, tops: Sequence[float], closes: Sequence[float], sign: float
) -> Iterator[Block]:
    """Yield blocks of upward breaks; downward ones come in as mirrored prices."""
    swings = fractals(tops, SIDE_BARS)
    newest, swing = 0, -1
    for broke in range(len(frame)):
        while newest < len(swings) and swings[newest] + SIDE_BARS <= broke:
            swing = swings[newest]
            newest += 1
        if swing < 0 or closes[broke] <= tops[swing]:
            continue
        index = _last_against(frame, swing, broke, sign)
        swing = -1
        if index is not None:
            yield Block(
                index=index,
                broke=broke,
                is_up=sign > 0.0,
                low=frame.low[index],
                high=frame.high[index],
                strength=_evenness(frame, index, broke),
            )


def _last_against(frame: Frame, start: int, end: int, sign: float) -> int | None:
    """Return the last bar before `end`, not before `start`, whose body goes against the move."""
    for index in range(end - 1, start - 1, -1):
        if sign * (frame.close[index] - frame.open[index]) < 0.0:
            return index
    return None


def _evenness(frame: Frame, index: int, broke: int) -> float:
    """Return how alike the volumes of the block and of the break are, 0 to 1."""
    legs = frame.volume[index], max(frame.volume[index + 1 : broke + 1])
    return min(legs) / max(legs) if max(legs) > 0.0 else 0.0


def _standing(scene: Scene, frame: Frame) -> Iterator[Level]:
    for block in blocks(frame):
        after = frame.close[block.broke + 1 :]
        lost = min(after, default=block.low) < block.low
        if not block.is_up:
            lost = max(after, default=block.high) > block.high
        if lost or not scene.near(block.low, block.high):
            continue
        yield Level(
            kind=NAME,
            name=f"{'buy' if block.is_up else 'sell'} block "
            f"{written(block.low)}-{written(block.high)}",
            low=block.low,
            high=block.high,
            strength=block.strength,
            weight=WEIGHT,
            timeframe_s=frame.timeframe_s,
            formed_ns=frame.open_ns[block.index],
            known_from_ns=frame.close_ns(block.broke),
            half_life_ns=HALF_LIFE_BARS * frame.bar_ns,
        )
