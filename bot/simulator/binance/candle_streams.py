"""Kline streams: the bar under way on every beat, and each bar once more when it has closed."""

from bot.domain.instrument import Instrument
from bot.simulator.binance.bars import INTERVAL_MS, Bar
from bot.simulator.binance.frames import Row
from bot.simulator.binance.rest_klines import kline_row
from bot.simulator.binance.world import World


class CandleStreams:
    """Tells the kline streams that somebody hears."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._open_ms: dict[str, int] = {}

    def tell(self) -> None:
        """Publish what is under way, and what closed since the last call."""
        now_ms = self._world.now_ms()
        for stream in self._world.hub.streams():
            name, _, interval = stream.partition("@kline_")
            interval_ms = INTERVAL_MS.get(interval)
            instrument = self._by_stream_name(name)
            if interval_ms is None or instrument is None:
                continue
            under_way_ms = now_ms // interval_ms * interval_ms
            from_ms = self._open_ms.get(stream, under_way_ms)
            line = self._world.data[instrument.symbol].last
            for bar in line.read(interval_ms, from_ms, now_ms + 1):
                closed = bar.open_ms < under_way_ms
                frame = _frame(instrument, interval, bar, now_ms, closed=closed)
                self._world.hub.publish(stream, "kline", frame)
            self._open_ms[stream] = under_way_ms

    def _by_stream_name(self, name: str) -> Instrument | None:
        found = (i for i in self._world.by_symbol.values() if i.venue_id.lower() == name)
        return next(found, None)


def _frame(instrument: Instrument, interval: str, bar: Bar, now_ms: int, *, closed: bool) -> Row:
    row = kline_row(bar, instrument)
    return {
        "e": "kline",
        "E": now_ms,
        "s": instrument.venue_id,
        "k": {
            "t": row[0],
            "T": row[6],
            "s": instrument.venue_id,
            "i": interval,
            "f": 1,
            "L": max(bar.count, 1),
            "o": row[1],
            "c": row[4],
            "h": row[2],
            "l": row[3],
            "v": row[5],
            "n": bar.count,
            "x": closed,
            "q": row[7],
            "V": row[9],
            "Q": row[10],
            "B": "0",
        },
    }
