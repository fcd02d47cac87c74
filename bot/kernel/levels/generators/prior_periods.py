"""High, low and close of the day, week and month before this one (UTC), and today's open."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.domain.units import NS_PER_DAY, NS_PER_S
from bot.kernel.levels.history import DAY_S
from bot.kernel.levels.scene import Scene, written
from bot.kernel.levels.state import Frame, Level

NAME = "prior"
WEIGHT = 0.6
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
EXTREME, CLOSE, OPEN = 1.0, 0.5, 0.4


def levels(scene: Scene) -> Sequence[Level]:
    """Return the marks of every whole period before this one; a period with a gap gives none."""
    frame = scene.book.frames.get(DAY_S)
    if frame is None:
        return []
    today = EPOCH + timedelta(days=scene.now_ns // NS_PER_DAY)
    monday = today - today.weekday() * DAY
    first = today.replace(day=1)
    found: list[Level] = []
    for word, start, end in (
        ("day", today - DAY, today),
        ("week", monday - 7 * DAY, monday),
        ("month", (first - DAY).replace(day=1), first),
    ):
        found += _period(frame, word, _ns(start), _ns(end))
    part = frame.part
    if part is not None and frame.whole and part.open_ns == _ns(today):
        found.append(_mark("day's open", part.open, OPEN, part.open_ns, 1))
    return [level for level in found if scene.near(level.low, level.high)]


def _ns(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(seconds=1) * NS_PER_S


def _period(frame: Frame, word: str, start_ns: int, end_ns: int) -> list[Level]:
    days = (end_ns - start_ns) // NS_PER_DAY
    rows = [i for i, ns in enumerate(frame.open_ns) if start_ns <= ns < end_ns]
    if len(rows) != days:
        return []
    return [
        _mark(f"prior {word}'s high", max(frame.high[i] for i in rows), EXTREME, end_ns, days),
        _mark(f"prior {word}'s low", min(frame.low[i] for i in rows), EXTREME, end_ns, days),
        _mark(f"prior {word}'s close", frame.close[rows[-1]], CLOSE, end_ns, days),
    ]


def _mark(name: str, price: float, strength: float, known_ns: int, days: int) -> Level:
    return Level(
        kind=NAME,
        name=f"{name} {written(price)}",
        low=price,
        high=price,
        strength=strength,
        weight=WEIGHT,
        timeframe_s=DAY_S * days,
        formed_ns=known_ns,
        known_from_ns=known_ns,
    )
