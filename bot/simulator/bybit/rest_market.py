"""Public requests: time, contracts, tiers, tickers, candles, funding, open interest, book."""

from collections.abc import Sequence
from typing import Final

from bot.domain.instrument import Instrument
from bot.simulator.binance.bars import MINUTE_MS
from bot.simulator.binance.calls import Call, Handler, Route
from bot.simulator.binance.flow import refresh_book
from bot.simulator.binance.numbers import price_text
from bot.simulator.bybit.market import book_row, instrument_row, risk_rows, ticker_row
from bot.simulator.bybit.rest_orders import linear
from bot.simulator.bybit.words import BAD_REQUEST, denied

INTERVALS_MS: Final = {
    **{str(minutes): minutes * MINUTE_MS for minutes in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)},
    "D": 1_440 * MINUTE_MS,
    "W": 10_080 * MINUTE_MS,
}
PERIODS_MS: Final = {
    "5min": 5 * MINUTE_MS,
    "15min": 15 * MINUTE_MS,
    "30min": 30 * MINUTE_MS,
    "1h": 60 * MINUTE_MS,
    "4h": 240 * MINUTE_MS,
    "1d": 1_440 * MINUTE_MS,
}


def _time(call: Call) -> object:
    now_ns = call.world.now_ns()
    return {"timeSecond": str(now_ns // 10**9), "timeNano": str(now_ns)}


def _chosen(call: Call) -> Sequence[Instrument]:
    linear(call)
    one = call.optional_instrument()
    return [one] if one is not None else list(call.world.by_symbol.values())


def _instruments(call: Call) -> object:
    trading = call.params.get("status", "Trading") == "Trading"
    found = _chosen(call) if trading else []
    interval_s = call.world.funding_interval_s
    return {
        "category": "linear",
        "list": [instrument_row(item, interval_s) for item in found],
        "nextPageCursor": "",
    }


def _risk(call: Call) -> object:
    rows = [row for item in _chosen(call) for row in risk_rows(item)]
    return {"category": "linear", "list": rows, "nextPageCursor": ""}


def _tickers(call: Call) -> object:
    return {"category": "linear", "list": [ticker_row(call.world, i) for i in _chosen(call)]}


def _candles(line: str) -> Handler:
    def serve(call: Call) -> object:
        linear(call)
        instrument = call.instrument()
        step_ms = INTERVALS_MS.get(call.text("interval"))
        if step_ms is None:
            raise denied(BAD_REQUEST, "params error: interval invalid")
        limit = call.limit(200, 1_000)
        data = call.world.data[instrument.symbol]
        bars = {"last": data.last, "mark": data.mark, "index": data.index}[line]
        now_ms = call.world.now_ms()
        end = min(call.number("end", now_ms) or 0, now_ms)
        start = call.number("start")
        from_ms = start if start is not None else end - step_ms * limit
        from_ms = -(-max(from_ms, bars.first_ms // step_ms * step_ms) // step_ms) * step_ms
        found = bars.read(step_ms, from_ms, end + 1)[-limit:]
        rows = []
        for bar in reversed(found):
            texts = [price_text(p, instrument) for p in (bar.open, bar.high, bar.low, bar.close)]
            row = [str(bar.open_ms), *texts]
            if line == "last":
                row += [f"{bar.volume:.3f}", f"{bar.volume * bar.close:.2f}"]
            rows.append(row)
        return {"symbol": instrument.venue_id, "category": "linear", "list": rows}

    return serve


def _funding(call: Call) -> object:
    linear(call)
    instrument = call.instrument()
    start = call.number("startTime", 0) or 0
    end = call.number("endTime", call.world.now_ms()) or 0
    rows = [
        {
            "symbol": instrument.venue_id,
            "fundingRate": f"{mark.rate_frac:.8f}",
            "fundingRateTimestamp": str(mark.time_ms),
        }
        for mark in call.world.data[instrument.symbol].funding
        if start <= mark.time_ms <= end
    ]
    return {"category": "linear", "list": rows[-call.limit(200, 200) :][::-1]}


def _interest(call: Call) -> object:
    linear(call)
    instrument = call.instrument()
    step_ms = PERIODS_MS.get(call.text("intervalTime"))
    if step_ms is None:
        raise denied(BAD_REQUEST, "params error: intervalTime invalid")
    start = call.number("startTime", 0) or 0
    end = call.number("endTime", call.world.now_ms()) or 0
    market = call.world.exchange.market(instrument.symbol)
    by_step = {
        mark.time_ms // step_ms * step_ms: mark.qty
        for mark in call.world.data[instrument.symbol].interest
        if start <= mark.time_ms <= end
    }
    by_step.setdefault(call.world.now_ms() // step_ms * step_ms, market.open_interest_qty)
    rows = [
        {"openInterest": f"{qty:.8f}", "timestamp": str(at_ms)} for at_ms, qty in by_step.items()
    ]
    return {
        "symbol": instrument.venue_id,
        "category": "linear",
        "list": rows[-call.limit(50, 200) :][::-1],
        "nextPageCursor": "",
    }


def _depth(call: Call) -> object:
    linear(call)
    instrument = call.instrument()
    refresh_book(call.world, instrument.symbol)
    now_ms = call.world.now_ms()
    return {**book_row(call.world, instrument, call.limit(25, 500)), "ts": now_ms, "cts": now_ms}


def _trades(call: Call) -> object:
    linear(call)
    instrument = call.instrument()
    kept = list(call.world.data[instrument.symbol].trades)[-call.limit(500, 1_000) :]
    rows = [
        {
            "execId": str(told["a"]),
            "symbol": instrument.venue_id,
            "price": told["p"],
            "size": told["q"],
            "side": "Sell" if told["m"] else "Buy",
            "time": str(told["T"]),
            "isBlockTrade": False,
        }
        for told in reversed(kept)
    ]
    return {"category": "linear", "list": rows}


def _get(name: str, serve: Handler) -> Route:
    return Route(method="GET", path=f"/v5/market/{name}", serve=serve)


ROUTES: Final = (
    _get("time", _time),
    _get("instruments-info", _instruments),
    _get("risk-limit", _risk),
    _get("tickers", _tickers),
    _get("kline", _candles("last")),
    _get("mark-price-kline", _candles("mark")),
    _get("index-price-kline", _candles("index")),
    _get("funding/history", _funding),
    _get("open-interest", _interest),
    _get("orderbook", _depth),
    _get("recent-trade", _trades),
)
