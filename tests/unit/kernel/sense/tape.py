"""Market events of one symbol, recorded or authored, and the fold that drives the senses."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from bot.data.folder import read_folder
from bot.domain.market import (
    Candle,
    FundingRate,
    Liquidation,
    LiquidationSum,
    OpenInterest,
    Reading,
)
from bot.domain.units import NS_PER_DAY
from bot.kernel.assess.judge import Assessment, assess
from bot.kernel.observe import funding, liquidations, open_interest, path, prices, readings
from bot.kernel.sensed import SensePolicy, Senses

SYMBOL = "BTC/USDT:USDT"
POLICY = SensePolicy()
MarketEvent = Candle | FundingRate | Liquidation | LiquidationSum | OpenInterest | Reading


def tell(senses: Senses, event: MarketEvent, policy: SensePolicy = POLICY) -> bool:
    """Fold one event; False when the senses refused it."""
    if isinstance(event, Candle):
        return path.on_bar(senses, prices.bar_of(event), event.event_ns, policy)
    if isinstance(event, FundingRate):
        return funding.on_funding(senses, event)
    if isinstance(event, OpenInterest):
        return open_interest.on_open_interest(senses, event)
    if isinstance(event, LiquidationSum):
        return liquidations.on_liquidation_sum(senses, event)
    if isinstance(event, Liquidation):
        return liquidations.on_liquidation(senses, event, policy)
    return readings.on_reading(senses, event)


def told(events: Iterable[MarketEvent], symbol: str = SYMBOL) -> Senses:
    """Return senses that were told all events."""
    senses = Senses(symbol=symbol)
    for event in events:
        tell(senses, event)
    return senses


def judged(
    events: Iterable[MarketEvent],
    symbol: str = SYMBOL,
    *,
    every: int = 1,
    between: Callable[[Senses], Senses] | None = None,
) -> Iterator[Assessment]:
    """Yield an assessment at every `every`-th close of a bar; `between` may swap the senses."""
    senses, bars = Senses(symbol=symbol), 0
    for event in events:
        tell(senses, event)
        if between is not None:
            senses = between(senses)
        if isinstance(event, Candle):
            bars += 1
            if bars % every == 0:
                yield assess(senses, event.event_ns, POLICY)


def recorded(folder: Path, symbol: str) -> list[MarketEvent]:
    """Return a folder's events of one symbol as they became known: news before the bar's close."""
    data = read_folder(folder)
    bars = data.bars(symbol)
    closes_ns = bars.close_ns
    rows: list[tuple[int, int, MarketEvent]] = []
    for at, ns in enumerate(closes_ns.tolist()):
        prices = (float(x[at]) for x in (bars.open, bars.high, bars.low, bars.close))
        span_s = int(bars.timeframe_s[at])
        rows.append((ns, 1, Candle(symbol, ns, ns, span_s, *prices, float(bars.volume[at]))))
    for (name, venue), r in data.funding.items():
        if name == symbol:
            for ns, rate, span in zip(
                r.time_ns.tolist(), r.rate_frac.tolist(), r.interval_s.tolist(), strict=True
            ):
                rows.append((ns, 0, FundingRate(symbol, ns, ns, venue, rate, span, True)))
    for (name, venue), r in data.open_interest.items():
        if name == symbol:
            last = np.searchsorted(closes_ns, r.known_ns, side="right") - 1
            for ns, usd, bar in zip(
                r.known_ns.tolist(), r.open_interest_usd.tolist(), last.tolist(), strict=True
            ):
                if bar >= 0:
                    qty = usd / float(bars.close[bar])
                    rows.append((ns, 0, OpenInterest(symbol, ns, ns, venue, qty)))
    for (name, window_s, venue), r in data.liquidations.items():
        if name == symbol:
            for ns, longs, shorts in zip(
                r.known_ns.tolist(), r.long_usd.tolist(), r.short_usd.tolist(), strict=True
            ):
                event = LiquidationSum(symbol, ns, ns, venue, window_s, longs, shorts)
                rows.append((ns, 0, event))
    if data.sentiment is not None:
        for name in ("fear_greed", "btc_etf_net_flow_usd", "spx_return"):
            values = getattr(data.sentiment, name).tolist()
            for day_ns, value in zip(data.sentiment.day_ns.tolist(), values, strict=True):
                if np.isfinite(value):
                    ns = day_ns + NS_PER_DAY
                    rows.append((ns, 0, Reading("sentiment", name, ns, ns, value)))
    rows.sort(key=lambda row: row[:2])
    return [event for _, _, event in rows]
