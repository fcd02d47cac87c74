"""Public requests: contracts, prices, candles, funding, open interest, book."""

from decimal import Decimal
from typing import Final

from bot.domain.instrument import Instrument
from bot.domain.units import NS_PER_MS
from bot.simulator.binance.bars import INTERVAL_MS
from bot.simulator.binance.calls import Call, Route, by_limit, with_symbol
from bot.simulator.binance.flow import refresh_book, top_row
from bot.simulator.binance.frames import Row
from bot.simulator.binance.listing import exchange_info
from bot.simulator.binance.numbers import exact_text, price_text
from bot.simulator.binance.refusals import Refused
from bot.simulator.binance.ticker import day_row

DEPTHS: Final = (5, 10, 20, 50, 100, 500, 1_000)
DEPTH_WEIGHT: Final = by_limit(((50, 2), (100, 5), (500, 10)), 500, beyond=20)
PERIODS: Final = ("5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d")


def _ping(_: Call) -> object:
    return {}


def _time(call: Call) -> object:
    return {"serverTime": call.world.now_ms()}


def _info(call: Call) -> object:
    return exchange_info(call.world.by_symbol.values(), call.world.quota, call.world.now_ms())


def _chosen(call: Call) -> list[Instrument]:
    one = call.optional_instrument()
    return [one] if one is not None else list(call.world.by_symbol.values())


def _one_or_all(call: Call, rows: list[Row]) -> object:
    return rows[0] if call.has("symbol") else rows


def _premium(call: Call) -> object:
    rows: list[Row] = []
    for instrument in _chosen(call):
        market = call.world.exchange.market(instrument.symbol)
        rows.append(
            {
                "symbol": instrument.venue_id,
                "markPrice": f"{market.mark:.8f}",
                "indexPrice": f"{market.index:.8f}",
                "estimatedSettlePrice": f"{market.index:.8f}",
                "lastFundingRate": f"{market.funding_frac:.8f}",
                "interestRate": "0.00010000",
                "nextFundingTime": market.next_funding_ns // NS_PER_MS,
                "time": call.world.now_ms(),
            }
        )
    return _one_or_all(call, rows)


def _funding_info(call: Call) -> object:
    hours = max(round(call.world.funding_interval_s / 3_600), 1)
    return [
        {
            "symbol": i.venue_id,
            "adjustedFundingRateCap": "0.02000000",
            "adjustedFundingRateFloor": "-0.02000000",
            "fundingIntervalHours": hours,
            "disclaimer": False,
        }
        for i in call.world.by_symbol.values()
    ]


def _funding_rate(call: Call) -> object:
    start = call.number("startTime", 0) or 0
    end = call.number("endTime", call.world.now_ms()) or 0
    rows = [
        {
            "symbol": i.venue_id,
            "fundingTime": mark.time_ms,
            "fundingRate": f"{mark.rate_frac:.8f}",
            "markPrice": f"{mark.mark:.8f}",
        }
        for i in _chosen(call)
        for mark in call.world.data[i.symbol].funding
        if start <= mark.time_ms <= end
    ]
    limit = call.limit(100, 1_000)
    return rows[:limit] if start else rows[-limit:]


def _open_interest(call: Call) -> object:
    instrument = call.instrument()
    qty = call.world.exchange.market(instrument.symbol).open_interest_qty
    return {
        "symbol": instrument.venue_id,
        "openInterest": f"{qty:.3f}",
        "time": call.world.now_ms(),
    }


def _period_ms(call: Call) -> int:
    period = call.text("period")
    if period not in PERIODS:
        raise Refused(-1120, "Invalid interval.")
    return INTERVAL_MS[period]


def _interest_history(call: Call) -> object:
    instrument = call.instrument()
    step_ms = _period_ms(call)
    start = call.number("startTime", 0) or 0
    end = call.number("endTime", call.world.now_ms()) or 0
    by_step = {}
    for mark in call.world.data[instrument.symbol].interest:
        if start <= mark.time_ms <= end:
            by_step[mark.time_ms // step_ms * step_ms] = mark
    return [
        {
            "symbol": instrument.venue_id,
            "sumOpenInterest": f"{mark.qty:.8f}",
            "sumOpenInterestValue": f"{mark.qty * mark.price:.8f}",
            "CMCCirculatingSupply": "0",
            "timestamp": at_ms,
        }
        for at_ms, mark in by_step.items()
    ][-call.limit(30, 500) :]


def _long_short(call: Call) -> object:
    """Return the share of long accounts: derived, leaning with the funding rate."""
    instrument = call.instrument()
    step_ms = _period_ms(call)
    funding = call.world.exchange.market(instrument.symbol).funding_frac
    long_share = min(max(0.5 + funding * 200.0, 0.05), 0.95)
    now_ms = call.world.now_ms() // step_ms * step_ms
    return [
        {
            "symbol": instrument.venue_id,
            "longAccount": f"{long_share:.4f}",
            "shortAccount": f"{1 - long_share:.4f}",
            "longShortRatio": f"{long_share / (1 - long_share):.4f}",
            "timestamp": now_ms - step_ms * back,
        }
        for back in reversed(range(call.limit(30, 500)))
    ]


def _depth(call: Call) -> object:
    instrument = call.instrument()
    limit = call.number("limit", 500)
    if limit not in DEPTHS:
        raise Refused(-4021, f"Invalid depth limit. Must be one of {DEPTHS}.")
    refresh_book(call.world, instrument.symbol)
    book = call.world.data[instrument.symbol].book
    return {
        "lastUpdateId": book.update_id,
        "E": call.world.now_ms(),
        "T": call.world.now_ms(),
        "bids": [[p, q] for p, q in book.bids.items()][:limit],
        "asks": [[p, q] for p, q in book.asks.items()][:limit],
    }


def _day(call: Call) -> object:
    return _one_or_all(call, [day_row(call.world, i) for i in _chosen(call)])


def _price(call: Call) -> object:
    rows: list[Row] = [
        {
            "symbol": i.venue_id,
            "price": price_text(call.world.exchange.market(i.symbol).last, i),
            "time": call.world.now_ms(),
        }
        for i in _chosen(call)
    ]
    return _one_or_all(call, rows)


def _book_top(call: Call) -> object:
    rows: list[Row] = []
    for instrument in _chosen(call):
        refresh_book(call.world, instrument.symbol)
        rows.append(top_row(call.world, instrument.symbol))
    return _one_or_all(call, rows)


def _trades(call: Call) -> object:
    instrument = call.instrument()
    kept = list(call.world.data[instrument.symbol].trades)[-call.limit(500, 1_000) :]
    return [
        {
            "id": t["a"],
            "price": t["p"],
            "qty": t["q"],
            "quoteQty": exact_text(Decimal(str(t["p"])) * Decimal(str(t["q"]))),
            "time": t["T"],
            "isBuyerMaker": t["m"],
        }
        for t in kept
    ]


def _agg_trades(call: Call) -> object:
    instrument = call.instrument()
    kept = list(call.world.data[instrument.symbol].trades)[-call.limit(500, 1_000) :]
    return [{k: t[k] for k in ("a", "p", "q", "f", "l", "T", "m")} for t in kept]


ROUTES: Final = (
    Route(method="GET", path="/fapi/v1/ping", serve=_ping),
    Route(method="GET", path="/fapi/v1/time", serve=_time),
    Route(method="GET", path="/fapi/v1/exchangeInfo", serve=_info),
    Route(method="GET", path="/fapi/v1/premiumIndex", serve=_premium, weight=with_symbol(1, 10)),
    Route(method="GET", path="/fapi/v1/fundingInfo", serve=_funding_info),
    Route(method="GET", path="/fapi/v1/fundingRate", serve=_funding_rate),
    Route(method="GET", path="/fapi/v1/openInterest", serve=_open_interest),
    Route(method="GET", path="/futures/data/openInterestHist", serve=_interest_history),
    Route(method="GET", path="/futures/data/globalLongShortAccountRatio", serve=_long_short),
    Route(method="GET", path="/fapi/v1/depth", serve=_depth, weight=DEPTH_WEIGHT),
    Route(method="GET", path="/fapi/v1/ticker/24hr", serve=_day, weight=with_symbol(1, 40)),
    Route(method="GET", path="/fapi/v1/ticker/price", serve=_price, weight=with_symbol(1, 2)),
    Route(method="GET", path="/fapi/v2/ticker/price", serve=_price, weight=with_symbol(1, 2)),
    Route(
        method="GET", path="/fapi/v1/ticker/bookTicker", serve=_book_top, weight=with_symbol(2, 5)
    ),
    Route(method="GET", path="/fapi/v1/trades", serve=_trades, weight=5),
    Route(method="GET", path="/fapi/v1/aggTrades", serve=_agg_trades, weight=20),
)
