"""Public requests: time, contracts, tiers, prices, books, bars, funding and open interest."""

from collections.abc import Sequence
from typing import Final

from bot.domain.instrument import Instrument
from bot.domain.units import NS_PER_MS
from bot.simulator.binance.bars import INTERVAL_MS, Bar
from bot.simulator.binance.calls import Call, Route
from bot.simulator.binance.numbers import price_text
from bot.simulator.binance.world import World
from bot.simulator.okx.words import Row, contracts_of, denied, plain

BARS_MAX: Final = 300
PAGE_MAX: Final = 100


def named(call: Call) -> Instrument:
    """Return the contract a request names."""
    return call.world.instrument(call.text("instId"))


def _chosen(call: Call) -> Sequence[Instrument]:
    if call.has("instId"):
        return (named(call),)
    family = call.params.get("instFamily") or call.params.get("uly") or ""
    return [
        item
        for item in call.world.by_symbol.values()
        if not family or item.venue_id == f"{family}-SWAP"
    ]


def _time(call: Call) -> object:
    return [{"ts": str(call.world.now_ms())}]


def _instruments(call: Call) -> object:
    if call.params.get("instType", "SWAP") != "SWAP":
        return []
    return [_instrument(item) for item in _chosen(call)]


def _instrument(item: Instrument) -> Row:
    pair = item.venue_id.removesuffix("-SWAP")
    return {
        "instType": "SWAP",
        "instId": item.venue_id,
        "instFamily": pair,
        "uly": pair,
        "baseCcy": "",
        "quoteCcy": "",
        "settleCcy": "USDT",
        "ctVal": plain(item.contract_size),
        "ctMult": "1",
        "ctValCcy": item.base,
        "ctType": "linear",
        "lever": str(int(max(tier.leverage_max for tier in item.tiers))),
        "tickSz": plain(item.tick),
        "lotSz": contracts_of(item.lot, item),
        "minSz": contracts_of(item.qty_min, item),
        "maxLmtSz": contracts_of(item.qty_max, item),
        "maxMktSz": contracts_of(item.market_qty_max, item),
        "state": "live",
        "listTime": "1585526400000",
        "expTime": "",
    }


def _tiers(call: Call) -> object:
    rows: list[Row] = []
    for item in _chosen(call):
        for number, tier in enumerate(item.tiers, start=1):
            mark = call.world.exchange.market(item.symbol).mark
            coins = float(item.contract_size) * mark
            rows.append(
                {
                    "instFamily": item.venue_id.removesuffix("-SWAP"),
                    "instId": "",
                    "tier": str(number),
                    "minSz": f"{tier.floor_usd / coins:.2f}",
                    "maxSz": f"{tier.cap_usd / coins:.2f}",
                    "mmr": f"{tier.maint_frac}",
                    "imr": f"{1.0 / tier.leverage_max:.6f}",
                    "maxLever": f"{tier.leverage_max:g}",
                }
            )
    return rows


def _interest(call: Call) -> object:
    return [interest_row(call.world, item) for item in _chosen(call)]


def interest_row(world: World, item: Instrument) -> Row:
    """Return open interest in contracts and in coins."""
    coins = world.exchange.market(item.symbol).open_interest_qty
    return {
        "instType": "SWAP",
        "instId": item.venue_id,
        "oi": f"{coins / float(item.contract_size):.6f}",
        "oiCcy": f"{coins:.8f}",
        "ts": str(world.now_ms()),
    }


def _marks(call: Call) -> object:
    return [mark_row(call.world, item) for item in _chosen(call)]


def mark_row(world: World, item: Instrument) -> Row:
    """Return the mark price."""
    mark = world.exchange.market(item.symbol).mark
    return {
        "instType": "SWAP",
        "instId": item.venue_id,
        "markPx": f"{mark:.8f}",
        "ts": str(world.now_ms()),
    }


def _funding(call: Call) -> object:
    return [funding_row(call.world, named(call))]


def funding_row(world: World, item: Instrument) -> Row:
    """Return the rate of the running interval."""
    market = world.exchange.market(item.symbol)
    step_ms = round(world.funding_interval_s) * 1000
    due_ms = market.next_funding_ns // NS_PER_MS
    return {
        "instType": "SWAP",
        "instId": item.venue_id,
        "method": "current_period",
        "fundingRate": f"{market.funding_frac:.10f}",
        "nextFundingRate": "",
        "fundingTime": str(due_ms),
        "nextFundingTime": str(due_ms + step_ms),
        "settState": "settled",
        "settFundingRate": "",
        "ts": str(world.now_ms()),
    }


def _funding_history(call: Call) -> object:
    item = named(call)
    paid = list(call.world.data[item.symbol].funding)[::-1]
    return [
        {
            "instType": "SWAP",
            "instId": item.venue_id,
            "fundingRate": f"{each.rate_frac:.10f}",
            "realizedRate": f"{each.rate_frac:.10f}",
            "fundingTime": str(each.time_ms),
        }
        for each in paid[: call.limit(PAGE_MAX, PAGE_MAX)]
    ]


def _past_interest(call: Call) -> object:
    item = named(call)
    size = float(item.contract_size)
    kept = list(call.world.data[item.symbol].interest)[::-1]
    return [
        [
            str(each.time_ms),
            f"{each.qty / size:.6f}",
            f"{each.qty:.8f}",
            f"{each.qty * each.price:.2f}",
        ]
        for each in kept
        if each.time_ms % 3_600_000 == 0
    ][: call.limit(PAGE_MAX, PAGE_MAX)]


def _bars(call: Call) -> object:
    """Return bars before `after` and behind `before`, the newest first; the last one may go on."""
    item = named(call)
    word = call.params.get("bar", "1m")
    step_ms = INTERVAL_MS.get(
        word.removesuffix("utc").lower() if "H" in word or "D" in word else word
    )
    if step_ms is None:
        raise denied(51000, "Parameter bar error")
    line = call.world.data[item.symbol].last
    now_ms = call.world.now_ms()
    until_ms = min(call.number("after", now_ms + 1) or 0, now_ms + 1)
    since_ms = (call.number("before", 0) or 0) + 1
    limit = call.limit(100, BARS_MAX)
    since_ms = max(since_ms, until_ms - (limit + 1) * step_ms, line.first_ms)
    since_ms = -(-since_ms // step_ms) * step_ms
    found = line.read(step_ms, since_ms, until_ms)[-limit:]
    return [_bar(bar, item, now_ms) for bar in reversed(found)]


def _bar(bar: Bar, item: Instrument, now_ms: int) -> list[str]:
    prices = [price_text(price, item) for price in (bar.open, bar.high, bar.low, bar.close)]
    coins = bar.volume
    done = "1" if bar.open_ms + bar.span_ms <= now_ms else "0"
    contracts = coins / float(item.contract_size)
    return [str(bar.open_ms), *prices, f"{contracts:.4f}", f"{coins:.6f}",
            f"{coins * bar.close:.4f}", done]  # fmt: skip


def _tickers(call: Call) -> object:
    rows = []
    for item in _chosen(call):
        top = top_row(call.world, item)
        market = call.world.exchange.market(item.symbol)
        rows.append(
            {
                "instType": "SWAP",
                "instId": item.venue_id,
                "last": price_text(market.last, item),
                "bidPx": _first(top["bids"], 0),
                "bidSz": _first(top["bids"], 1),
                "askPx": _first(top["asks"], 0),
                "askSz": _first(top["asks"], 1),
                "ts": top["ts"],
            }
        )
    return rows


def _first(side: object, place: int) -> str:
    return str(side[0][place]) if isinstance(side, list) and side else ""


def _book(call: Call) -> object:
    return [top_row(call.world, named(call), min(call.number("sz", 1) or 1, 50))]


def top_row(world: World, item: Instrument, levels: int = 1) -> Row:
    """Return the book, sizes in contracts."""
    bids, asks = world.exchange.depth(item.symbol, levels)
    size = float(item.contract_size)
    sides = [
        [[price_text(p, item), f"{q / size:.2f}", "0", "1"] for p, q in side]
        for side in (bids, asks)
    ]
    return {"bids": sides[0], "asks": sides[1], "ts": str(world.now_ms())}


ROUTES: Final = tuple(
    Route(method="GET", path=f"/api/v5/{path}", serve=serve)
    for path, serve in (
        ("public/time", _time),
        ("public/instruments", _instruments),
        ("public/position-tiers", _tiers),
        ("public/open-interest", _interest),
        ("public/mark-price", _marks),
        ("public/funding-rate", _funding),
        ("public/funding-rate-history", _funding_history),
        ("rubik/stat/contracts/open-interest-history", _past_interest),
        ("market/candles", _bars),
        ("market/history-candles", _bars),
        ("market/ticker", _tickers),
        ("market/tickers", _tickers),
        ("market/books", _book),
    )
)
