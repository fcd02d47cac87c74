"""The venue's list of contracts: exchangeInfo with every filter, and the leverage brackets."""

from collections.abc import Iterable
from typing import Final

from bot.domain.instrument import Instrument
from bot.simulator.binance.frames import Row
from bot.simulator.binance.numbers import digits, exact_text
from bot.simulator.binance.weights import Quota

ORDER_TYPES: Final = ("LIMIT", "MARKET", "STOP_MARKET", "TAKE_PROFIT_MARKET")
ONBOARD_MS: Final = 1_569_398_400_000
NEVER_MS: Final = 4_133_404_800_000
BANDS: Final = {"multiplierUp": "1.0500", "multiplierDown": "0.9500", "multiplierDecimal": "4"}


def exchange_info(instruments: Iterable[Instrument], quota: Quota, now_ms: int) -> Row:
    """Return the answer of GET /fapi/v1/exchangeInfo."""
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": rate_limits(quota),
        "exchangeFilters": [],
        "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
        "symbols": [symbol_row(instrument) for instrument in instruments],
    }


def rate_limits(quota: Quota) -> list[Row]:
    """Return the limits as exchangeInfo and rateLimit/order state them."""

    def row(kind: str, interval: str, count: int, limit: int) -> Row:
        return {
            "rateLimitType": kind,
            "interval": interval,
            "intervalNum": count,
            "limit": limit,
        }

    return [
        row("REQUEST_WEIGHT", "MINUTE", 1, quota.weight_per_min),
        row("ORDERS", "MINUTE", 1, quota.orders_per_min),
        row("ORDERS", "SECOND", 10, quota.orders_per_10s),
    ]


def symbol_row(instrument: Instrument) -> Row:
    """Return one contract with its filters."""
    tick, lot = exact_text(instrument.tick), exact_text(instrument.lot)
    qty_min = exact_text(instrument.qty_min)
    market_max = exact_text(instrument.market_qty_max)
    return {
        "symbol": instrument.venue_id,
        "pair": instrument.venue_id,
        "contractType": "PERPETUAL",
        "deliveryDate": NEVER_MS,
        "onboardDate": ONBOARD_MS,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        "marginAsset": instrument.quote,
        "pricePrecision": digits(instrument.tick),
        "quantityPrecision": digits(instrument.lot),
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10_000,
        "filters": [
            _filter("PRICE_FILTER", minPrice=tick, maxPrice="4529764", tickSize=tick),
            _filter(
                "LOT_SIZE", minQty=qty_min, maxQty=exact_text(instrument.qty_max), stepSize=lot
            ),
            _filter("MARKET_LOT_SIZE", minQty=qty_min, maxQty=market_max, stepSize=lot),
            _filter("MAX_NUM_ORDERS", limit=200),
            _filter("MAX_NUM_ALGO_ORDERS", limit=instrument.stops_max),
            _filter("MIN_NOTIONAL", notional=exact_text(instrument.notional_min_usd)),
            _filter("PERCENT_PRICE", **BANDS),
        ],
        "orderTypes": list(ORDER_TYPES),
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }


def _filter(kind: str, **fields: object) -> Row:
    return {"filterType": kind, **fields}


def bracket_row(instrument: Instrument) -> Row:
    """Return one contract of GET /fapi/v1/leverageBracket."""
    return {
        "symbol": instrument.venue_id,
        "notionalCoef": 1.0,
        "brackets": [
            {
                "bracket": number,
                "initialLeverage": int(tier.leverage_max),
                "notionalCap": tier.cap_usd,
                "notionalFloor": tier.floor_usd,
                "maintMarginRatio": tier.maint_frac,
                "cum": tier.deduction_usd,
            }
            for number, tier in enumerate(instrument.tiers, start=1)
        ],
    }
