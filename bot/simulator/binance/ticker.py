"""The day in one row: change, extremes and volume of the last 24 hours."""

from bot.domain.instrument import Instrument
from bot.simulator.binance.bars import Bar
from bot.simulator.binance.frames import Row
from bot.simulator.binance.numbers import price_text
from bot.simulator.binance.world import World

QUARTER_MS = 15 * 60_000
DAY_MS = 24 * 3_600_000


def _day(world: World, instrument: Instrument) -> Bar:
    now_ms = world.now_ms()
    price = world.exchange.market(instrument.symbol).last
    start_ms = (now_ms - DAY_MS) // QUARTER_MS * QUARTER_MS
    bars = world.data[instrument.symbol].last.read(QUARTER_MS, start_ms, now_ms + 1)
    whole = Bar(start_ms, DAY_MS, price, price, price, price)
    if bars:
        whole.open = bars[0].open
        for bar in bars:
            whole.fold(bar)
    whole.close = price
    return whole


def day_row(world: World, instrument: Instrument) -> Row:
    """Return the answer of GET /fapi/v1/ticker/24hr for one contract."""
    day = _day(world, instrument)
    typical = (day.high + day.low + day.close) / 3
    return {
        "symbol": instrument.venue_id,
        "priceChange": price_text(day.close - day.open, instrument),
        "priceChangePercent": f"{(day.close / day.open - 1) * 100:.3f}",
        "weightedAvgPrice": price_text(typical, instrument),
        "lastPrice": price_text(day.close, instrument),
        "lastQty": "0.001",
        "openPrice": price_text(day.open, instrument),
        "highPrice": price_text(day.high, instrument),
        "lowPrice": price_text(day.low, instrument),
        "volume": f"{day.volume:.3f}",
        "quoteVolume": f"{day.volume * typical:.2f}",
        "openTime": day.open_ms,
        "closeTime": world.now_ms(),
        "firstId": 1,
        "lastId": day.count,
        "count": day.count,
    }


def day_frame(world: World, instrument: Instrument) -> Row:
    """Return the 24hrTicker frame of one contract."""
    row = day_row(world, instrument)
    short = {
        "p": "priceChange",
        "P": "priceChangePercent",
        "w": "weightedAvgPrice",
        "c": "lastPrice",
        "Q": "lastQty",
        "o": "openPrice",
        "h": "highPrice",
        "l": "lowPrice",
        "v": "volume",
        "q": "quoteVolume",
        "O": "openTime",
        "C": "closeTime",
        "F": "firstId",
        "L": "lastId",
        "n": "count",
    }
    told: Row = {"e": "24hrTicker", "E": row["closeTime"], "s": row["symbol"]}
    return told | {letter: row[name] for letter, name in short.items()}
