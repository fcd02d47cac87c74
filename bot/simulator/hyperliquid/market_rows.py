"""The market as the protocol shows it: contracts and their state, books, candles, past funding."""

from typing import Final

from bot.domain.instrument import Instrument
from bot.domain.units import NS_PER_MS
from bot.simulator.binance.bars import INTERVAL_MS, Bar
from bot.simulator.binance.numbers import price_text, qty_text
from bot.simulator.hyperliquid.contracts import size_decimals
from bot.simulator.hyperliquid.desk import HASH, Desk
from bot.simulator.hyperliquid.refusals import Unreadable
from bot.simulator.hyperliquid.rows import Row

LEVELS: Final = 20
CANDLES_MAX: Final = 5_000
FUNDING_MAX: Final = 500
FAR_MS: Final = 9_000_000_000_000
TABLE_FIRST: Final = 50
"""Margin tables below this number have one tier, of that leverage."""


def meta(desk: Desk) -> Row:
    """Return the contracts and their margin tables."""
    universe, tables = [], []
    for number, contract in enumerate(desk.contracts):
        tiers = contract.tiers
        table = TABLE_FIRST + number if len(tiers) > 1 else int(tiers[0].leverage_max)
        universe.append(
            {
                "szDecimals": size_decimals(contract),
                "name": contract.venue_id,
                "maxLeverage": int(tiers[0].leverage_max),
                "marginTableId": table,
            }
        )
        rows = [
            {"lowerBound": f"{tier.floor_usd:.1f}", "maxLeverage": int(tier.leverage_max)}
            for tier in tiers
        ]
        if len(tiers) > 1:
            tables.append([table, {"description": f"tiered {contract.base}", "marginTiers": rows}])
    return {"universe": universe, "marginTables": tables, "collateralToken": 0}


def state_row(desk: Desk, contract: Instrument) -> Row:
    """Return the state of a contract: mark, oracle, funding per hour, open interest."""
    market = desk.world.exchange.market(contract.symbol)
    bids, asks = desk.world.exchange.depth(contract.symbol, 1)
    bid = bids[0][0] if bids else market.last
    ask = asks[0][0] if asks else market.last
    mark, oracle = market.mark or market.last, market.index or market.last
    return {
        "funding": f"{market.funding_frac:.10f}",
        "openInterest": f"{market.open_interest_qty:.{size_decimals(contract)}f}",
        "prevDayPx": price_text(market.last, contract),
        "dayNtlVlm": "0.0",
        "premium": f"{(mark / oracle - 1.0) if oracle else 0.0:.10f}",
        "oraclePx": _exact(oracle),
        "markPx": _exact(mark),
        "midPx": _exact((bid + ask) / 2.0),
        "impactPxs": [price_text(bid, contract), price_text(ask, contract)],
        "dayBaseVlm": "0.0",
    }


def _exact(price: float) -> str:
    return f"{price:.6f}"


def all_mids(desk: Desk) -> Row:
    """Return the middle of every book."""
    return {c.venue_id: state_row(desk, c)["midPx"] for c in desk.contracts}


def book(desk: Desk, contract: Instrument, levels: int = LEVELS) -> Row:
    """Return the book of a contract."""
    bids, asks = desk.world.exchange.depth(contract.symbol, levels)
    sides = [
        [{"px": price_text(p, contract), "sz": qty_text(q, contract), "n": 1} for p, q in side]
        for side in (bids, asks)
    ]
    return {"coin": contract.venue_id, "time": desk.now_ms(), "levels": sides}


def top(desk: Desk, contract: Instrument) -> Row:
    """Return best bid and ask."""
    levels = book(desk, contract, 1)["levels"]
    sides = levels if isinstance(levels, list) else [[], []]
    best = [side[0] if side else None for side in sides]
    return {"coin": contract.venue_id, "time": desk.now_ms(), "bbo": best}


def candles(desk: Desk, asked: Row) -> list[Row]:
    """Return bars that open between two instants, oldest first."""
    contract = desk.contract(asked.get("coin"))
    word = str(asked.get("interval"))
    interval_ms = INTERVAL_MS.get(word)
    if interval_ms is None:
        raise Unreadable(f"interval {word[:10]!r}")
    line = desk.world.data[contract.symbol].last
    now_ms = desk.now_ms()
    until_ms = min(_instant(asked, "endTime", now_ms) + 1, now_ms + 1)
    from_ms = _instant(asked, "startTime", 0)
    from_ms = max(from_ms, line.first_ms, until_ms - CANDLES_MAX * interval_ms)
    from_ms = -(-from_ms // interval_ms) * interval_ms
    bars = line.read(interval_ms, from_ms, until_ms)
    return [candle_row(bar, contract, word) for bar in bars[-CANDLES_MAX:]]


def candle_row(bar: Bar, contract: Instrument, interval: str) -> Row:
    """Return a bar."""
    return {
        "t": bar.open_ms,
        "T": bar.open_ms + bar.span_ms - 1,
        "s": contract.venue_id,
        "i": interval,
        "o": price_text(bar.open, contract),
        "c": price_text(bar.close, contract),
        "h": price_text(bar.high, contract),
        "l": price_text(bar.low, contract),
        "v": f"{bar.volume:.5f}",
        "n": bar.count,
    }


def past_funding(desk: Desk, asked: Row) -> list[Row]:
    """Return settled rates of a contract since an instant, oldest first."""
    contract = desk.contract(asked.get("coin"))
    since_ms = _instant(asked, "startTime", 0)
    until_ms = _instant(asked, "endTime", desk.now_ms())
    return [
        {
            "coin": contract.venue_id,
            "fundingRate": f"{paid.rate_frac:.10f}",
            "premium": f"{paid.rate_frac:.10f}",
            "time": paid.time_ms,
        }
        for paid in desk.world.data[contract.symbol].funding
        if since_ms <= paid.time_ms <= until_ms
    ][:FUNDING_MAX]


def recent_trades(desk: Desk, contract: Instrument, most: int = 10) -> list[Row]:
    """Return the newest trades, newest first."""
    told = list(desk.world.data[contract.symbol].trades)[-most:]
    return [trade_row(row, contract) for row in reversed(told)]


def trade_row(told: Row, contract: Instrument) -> Row:
    """Return a trade of the market as this venue writes it."""
    return {
        "coin": contract.venue_id,
        "side": "A" if told["m"] else "B",
        "px": told["p"],
        "sz": told["q"],
        "time": told["T"],
        "hash": HASH,
        "tid": told["a"],
        "users": ["0x" + "0" * 40, "0x" + "0" * 39 + "1"],
    }


def _instant(asked: Row, name: str, default: int) -> int:
    value = asked.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(f"{name}: milliseconds are needed")
    return int(value)


def since_ns(asked: Row) -> int:
    """Return the instant a request begins at, in ns."""
    return _instant(asked, "startTime", 0) * NS_PER_MS


def until_ns(asked: Row) -> int:
    """Return the instant a request ends at, in ns, that millisecond included; far off: open."""
    return (_instant(asked, "endTime", FAR_MS) + 1) * NS_PER_MS
