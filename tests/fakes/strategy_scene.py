"""Hand-made markets as a strategy sees them: real views over states written by hand."""

from collections.abc import Sequence

from bot.domain.instrument import Instrument
from bot.domain.policy import Policy
from bot.domain.sense import Assessment, Facts, Flush
from bot.domain.units import NS_PER_H, NS_PER_S
from bot.kernel.levels.state import Frame, LevelBook, LevelZone
from bot.kernel.sensed import Senses
from bot.kernel.snapshot import Bar, Market, Sensed, Zone
from bot.kernel.strategy.view import StrategyView
from tests.fakes.kernel_world import BTC, CONTRACT

BAR_S = 300
START_NS = 1_769_904_000 * NS_PER_S
"""An hour's start, 1 February 2026."""
Ohlc = tuple[float, float, float, float]


def quiet(side: int = 1) -> Flush:
    return Flush(state="NONE", side=side, partial=False, completeness=0.0, evidence=())


def judged(
    *,
    threat: int = 1,
    threat_short: int = 1,
    cascade: str = "CALM",
    flush: str = "NONE",
    flush_short: str = "NONE",
    **facts: float | None,
) -> Assessment:
    return Assessment(
        symbol=BTC, ns=START_NS, pulse=50.0, pulse_word="Neutral", stress=10.0,
        stress_word="Calm", threat=threat, threat_word="Low", stress_short=10.0,
        threat_short=threat_short, severities={}, severities_short={}, facts=Facts(**facts),
        degraded=(), floor=1, floor_reasons=(), systemic=(), cascade=cascade, cascade_words="",
        flush=Flush(state=flush, side=1, partial=False, completeness=0.0, evidence=()),
        flush_short=Flush(state=flush_short, side=-1, partial=False, completeness=0.0, evidence=()),
        froth=None, liq_source="", liq_venues=(), liq_coverage=0.0, liq_long_24h_usd=None,
        liq_short_24h_usd=None, open_interest_qty=None, open_interest_venues=(),
    )  # fmt: skip


def named(low: float, high: float, side: int, state: str = "FAR", **more: object) -> Zone:
    """A zone that people named; side +1 is support."""
    return Zone(name=f"{low:g}", low=low, high=high, side=side, state=state, **more)


def bars_of(rows: Sequence[Ohlc], end_ns: int) -> list[Bar]:
    first_ns = end_ns - len(rows) * BAR_S * NS_PER_S
    return [Bar(first_ns + i * BAR_S * NS_PER_S, *row, 10.0) for i, row in enumerate(rows)]


def hours_of(rows: Sequence[Ohlc], end_ns: int) -> Frame:
    first_ns = end_ns - len(rows) * NS_PER_H
    frame = Frame(timeframe_s=3_600, kept=720)
    for i, (o, h, low, c) in enumerate(rows):
        frame.open_ns.append(first_ns + i * NS_PER_H)
        frame.open.append(o)
        frame.high.append(h)
        frame.low.append(low)
        frame.close.append(c)
        frame.volume.append(100.0)
    return frame


def flat(price: float, count: int, span: float = 100.0) -> list[Ohlc]:
    return [(price, price + span, price - span, price)] * count


def scene(
    *,
    bars: Sequence[Ohlc],
    hours: Sequence[Ohlc] = (),
    zones: Sequence[Zone] = (),
    found: Sequence[LevelZone] = (),
    assessment: Assessment | None = None,
    atr: float | None = 400.0,
    contract: Instrument | None = CONTRACT,
    close_ns: int = START_NS,
) -> StrategyView:
    """A view at `close_ns`, which also closes an hour; prices as (open, high, low, close)."""
    market = Market(
        symbol=BTC, instrument=contract, bars=bars_of(bars, close_ns), zones=list(zones),
        mark=bars[-1][3], atr_1h=atr or 0.0, atr_1h_count=0 if atr is None else 14,
    )  # fmt: skip
    book = LevelBook(frames={3_600: hours_of(hours, close_ns)} if hours else {}, zones=list(found))
    sensed = Sensed(senses=Senses(symbol=BTC), book=book, assessment=assessment)
    return StrategyView(market, Policy(), close_ns, sensed)


def mirrored(rows: Sequence[Ohlc], about: float) -> list[Ohlc]:
    """The same path upside down about a price."""
    turn = 2.0 * about
    return [(turn - o, turn - low, turn - h, turn - c) for o, h, low, c in rows]
