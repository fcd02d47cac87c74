"""Candles on request: last, mark and index price, at any interval the venue knows."""

from typing import Final

from bot.domain.instrument import Instrument
from bot.simulator.binance.bars import INTERVAL_MS, Bar
from bot.simulator.binance.calls import Call, Handler, Route, by_limit
from bot.simulator.binance.numbers import price_text
from bot.simulator.binance.refusals import Refused

WEIGHT: Final = by_limit(((99, 1), (499, 2), (1_000, 5)), 500, beyond=10)


def kline_row(bar: Bar, instrument: Instrument) -> list[object]:
    """Return a bar as the protocol's row."""
    typical = (bar.high + bar.low + bar.close) / 3
    return [
        bar.open_ms,
        price_text(bar.open, instrument),
        price_text(bar.high, instrument),
        price_text(bar.low, instrument),
        price_text(bar.close, instrument),
        f"{bar.volume:.3f}",
        bar.open_ms + bar.span_ms - 1,
        f"{bar.volume * typical:.5f}",
        bar.count,
        f"{bar.buy_volume:.3f}",
        f"{bar.buy_volume * typical:.5f}",
        "0",
    ]


def _klines(line: str) -> Handler:
    """Return the handler of one kind of price."""

    def serve(call: Call) -> object:
        name = "symbol" if call.has("symbol") or line == "last" else "pair"
        instrument = call.world.instrument(call.text(name))
        interval_ms = INTERVAL_MS.get(call.text("interval"))
        if interval_ms is None:
            raise Refused(-1120, "Invalid interval.")
        limit = call.limit(500)
        data = call.world.data[instrument.symbol]
        bars = {"last": data.last, "mark": data.mark, "index": data.index}[line]
        end = min(call.number("endTime", call.world.now_ms()) or 0, call.world.now_ms())
        start = call.number("startTime")
        from_ms = start if start is not None else end - interval_ms * limit
        from_ms = max(from_ms, bars.first_ms // interval_ms * interval_ms)
        from_ms = -(-from_ms // interval_ms) * interval_ms
        until_ms = min(end + 1, from_ms + interval_ms * limit) if start is not None else end + 1
        found = bars.read(interval_ms, from_ms, until_ms)
        kept = found[:limit] if start is not None else found[-limit:]
        return [kline_row(bar, instrument) for bar in kept]

    return serve


ROUTES: Final = tuple(
    Route(method="GET", path=f"/fapi/v1/{name}", serve=_klines(line), weight=WEIGHT)
    for name, line in (
        ("klines", "last"),
        ("continuousKlines", "last"),
        ("markPriceKlines", "mark"),
        ("indexPriceKlines", "index"),
    )
)
