"""Public numbers of one contract as Bybit writes them: listing, tiers, ticker, book."""

from typing import Final

from bot.domain.instrument import Instrument
from bot.domain.units import NS_PER_MS
from bot.simulator.binance.numbers import digits, exact_text, price_text
from bot.simulator.binance.ticker import day_row
from bot.simulator.binance.world import World
from bot.simulator.bybit.words import Row

LAUNCHED_MS: Final = "1585526400000"


def instrument_row(item: Instrument, interval_s: float) -> Row:
    """Return one contract of /v5/market/instruments-info."""
    lot, highest = exact_text(item.lot), max(tier.leverage_max for tier in item.tiers)
    return {
        "symbol": item.venue_id,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": item.base,
        "quoteCoin": item.quote,
        "launchTime": LAUNCHED_MS,
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(digits(item.tick)),
        "leverageFilter": {
            "minLeverage": "1",
            "maxLeverage": f"{highest:.2f}",
            "leverageStep": "0.01",
        },
        "priceFilter": {
            "minPrice": exact_text(item.tick),
            "maxPrice": "1999999.80",
            "tickSize": exact_text(item.tick),
        },
        "lotSizeFilter": {
            "maxOrderQty": exact_text(item.qty_max),
            "minOrderQty": exact_text(item.qty_min),
            "qtyStep": lot,
            "postOnlyMaxOrderQty": exact_text(item.qty_max),
            "maxMktOrderQty": exact_text(item.market_qty_max),
            "minNotionalValue": exact_text(item.notional_min_usd),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": max(round(interval_s / 60), 1),
        "settleCoin": item.quote,
        "copyTrading": "none",
        "upperFundingRate": "0.02",
        "lowerFundingRate": "-0.02",
        "isPreListing": False,
        "preListingInfo": None,
    }


def risk_rows(item: Instrument) -> list[Row]:
    """Return the margin tiers of /v5/market/risk-limit."""
    return [
        {
            "id": number,
            "symbol": item.venue_id,
            "riskLimitValue": f"{tier.cap_usd:.0f}",
            "maintenanceMargin": f"{tier.maint_frac:.6f}",
            "initialMargin": f"{1 / tier.leverage_max:.6f}",
            "isLowestRisk": int(number == 1),
            "maxLeverage": f"{tier.leverage_max:.2f}",
            "mmDeduction": "" if tier.deduction_usd == 0.0 else f"{tier.deduction_usd:.2f}",
        }
        for number, tier in enumerate(item.tiers, start=1)
    ]


def ticker_row(world: World, item: Instrument) -> Row:
    """Return one contract of /v5/market/tickers, and the snapshot of its stream."""
    market, day = world.exchange.market(item.symbol), day_row(world, item)
    bids, asks = world.exchange.depth(item.symbol, 1)
    hours = max(round(world.funding_interval_s / 3_600), 1)
    return {
        "symbol": item.venue_id,
        "lastPrice": price_text(market.last, item),
        "indexPrice": f"{market.index:.8f}",
        "markPrice": f"{market.mark:.8f}",
        "prevPrice24h": day["openPrice"],
        "price24hPcnt": f"{float(str(day['priceChangePercent'])) / 100:.6f}",
        "highPrice24h": day["highPrice"],
        "lowPrice24h": day["lowPrice"],
        "prevPrice1h": day["openPrice"],
        "openInterest": f"{market.open_interest_qty:.3f}",
        "openInterestValue": f"{market.open_interest_qty * market.mark:.2f}",
        "turnover24h": day["quoteVolume"],
        "volume24h": day["volume"],
        "fundingRate": f"{market.funding_frac:.8f}",
        "nextFundingTime": str(market.next_funding_ns // NS_PER_MS),
        "fundingIntervalHour": str(hours),
        "bid1Price": price_text(bids[0][0], item),
        "bid1Size": f"{bids[0][1]:.3f}",
        "ask1Price": price_text(asks[0][0], item),
        "ask1Size": f"{asks[0][1]:.3f}",
        "deliveryFeeRate": "",
        "deliveryTime": "0",
        "basis": "",
    }


def book_row(world: World, item: Instrument, levels: int) -> Row:
    """Return the present book of one contract, best prices first."""
    book = world.data[item.symbol].book
    return {
        "s": item.venue_id,
        "b": [[price, qty] for price, qty in book.bids.items()][:levels],
        "a": [[price, qty] for price, qty in book.asks.items()][:levels],
        "u": book.update_id,
        "seq": book.update_id,
    }
