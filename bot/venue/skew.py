"""Option skew from a whole book of options: what puts cost over calls, and over the money.

Deltas are Black's (1976) on the forward, N(d1) with d1 = (ln(F/K) + v^2 T / 2) / (v sqrt T);
volatilities at 25 delta are interpolated between neighbours, the skew to 30 days between expiries.
"""

import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

import msgspec

from bot.domain.errors import VenueDataInvalid
from bot.domain.units import NS_PER_DAY, NS_PER_H, NS_PER_MS, NS_PER_S, finite, finite_positive

DELTA: Final = 0.25
TENOR_NS: Final = 30 * NS_PER_DAY
NEAREST_NS: Final = 5 * NS_PER_DAY
FURTHEST_NS: Final = 120 * NS_PER_DAY
ALONE_NS: Final = 25 * NS_PER_DAY
"""How far from 30 days one expiry may lie where there is none on the other side."""
IV_MAX_PTS: Final = 1_000.0
QTY_MAX: Final = 1e9
STRIKES_TOLD: Final = 5
YEAR_NS: Final = 365 * NS_PER_DAY
_NAME: Final = re.compile(r"([A-Z]{2,10})-(\d{1,2}[A-Z]{3}\d{2})-(\d{1,9}(?:d\d{1,6})?)-([PC])")
_SETTLED_NS: Final = 8 * NS_PER_H
"""Expiries are at 08:00 UTC."""


class Quote(msgspec.Struct, frozen=True, gc=False):
    """One option: volatility in points a year, open interest in coins."""

    expiry_ns: int
    strike: float
    is_put: bool
    iv_pts: float
    forward: float
    open_qty: float


class Strike(msgspec.Struct, frozen=True):
    """Where much is open: coins over all expiries, and the put's volatility over the money's."""

    price: float
    is_put: bool
    open_qty: float
    skew_pts: float | None
    """At the expiry nearest to 30 days; None: not quoted there, or a call."""


def quotes(rows: Sequence[object], asset: str, now_ns: int) -> tuple[list[Quote], int, int]:
    """Return the options of a book summary, how many rows were none, and when they were made.

    An option without a volatility or a forward is no quote; one without open interest has none.
    """
    found: list[Quote] = []
    refused = 0
    made_ns = 0
    for row in rows:
        quote = _quote(row, asset, now_ns)
        if quote is None:
            refused += 1
            continue
        found.append(quote[0])
        made_ns = max(made_ns, quote[1])
    return found, refused, made_ns


def _quote(row: object, asset: str, now_ns: int) -> tuple[Quote, int] | None:
    if not isinstance(row, dict):
        return None
    named = _NAME.fullmatch(str(row.get("instrument_name", "")))
    if named is None or named[1] != asset:
        return None
    try:
        expiry_ns = _expiry_ns(named[2])
        iv_pts = finite_positive(row.get("mark_iv"), "mark_iv")
        forward = finite_positive(row.get("underlying_price"), "underlying_price")
        open_qty = finite(row.get("open_interest"), "open_interest")
        made_ns = round(finite(row.get("creation_timestamp"), "creation_timestamp")) * NS_PER_MS
    except (ValueError, VenueDataInvalid):
        return None
    strike = float(named[3].replace("d", "."))
    sound = strike > 0.0 and iv_pts <= IV_MAX_PTS and 0.0 <= open_qty <= QTY_MAX
    if not sound or expiry_ns <= now_ns or made_ns > now_ns + 60 * NS_PER_S:
        return None
    return Quote(expiry_ns, strike, named[4] == "P", iv_pts, forward, open_qty), made_ns


def _expiry_ns(text: str) -> int:
    day = datetime.strptime(text.title(), "%d%b%y").replace(tzinfo=UTC)
    return int(day.timestamp()) * NS_PER_S + _SETTLED_NS


def delta(quote: Quote, now_ns: int) -> float:
    """Return the absolute forward delta of an option, 0 to 1."""
    years = (quote.expiry_ns - now_ns) / YEAR_NS
    spread = quote.iv_pts / 100.0 * math.sqrt(years)
    d1 = (math.log(quote.forward / quote.strike) + 0.5 * spread * spread) / spread
    side = -1.0 if quote.is_put else 1.0
    return 0.5 * (1.0 + math.erf(side * d1 / math.sqrt(2.0)))


def iv_at_delta(wing: Iterable[Quote], now_ns: int, wanted: float = DELTA) -> float | None:
    """Return the volatility of one wing at a delta; None where no two options lie around it."""
    points = sorted({(delta(quote, now_ns), quote.iv_pts) for quote in wing})
    for (low, iv_low), (high, iv_high) in pairwise(points):
        if low <= wanted <= high and high > low:
            share = (wanted - low) / (high - low)
            return iv_low + share * (iv_high - iv_low)
    return None


def skew_25d(book: Sequence[Quote], now_ns: int) -> float | None:
    """Return put less call volatility at 25 delta and 30 days, in points; None: not quoted."""
    known: list[tuple[int, float]] = []
    for expiry_ns in sorted({quote.expiry_ns for quote in book}):
        left_ns = expiry_ns - now_ns
        if not NEAREST_NS <= left_ns <= FURTHEST_NS:
            continue
        here = [quote for quote in book if quote.expiry_ns == expiry_ns]
        put = iv_at_delta((q for q in here if q.is_put), now_ns)
        call = iv_at_delta((q for q in here if not q.is_put), now_ns)
        if put is not None and call is not None:
            known.append((left_ns, put - call))
    return _at_tenor(known)


def _at_tenor(known: list[tuple[int, float]]) -> float | None:
    before = max((row for row in known if row[0] <= TENOR_NS), default=None)
    after = min((row for row in known if row[0] > TENOR_NS), default=None)
    if before is not None and after is not None:
        share = (TENOR_NS - before[0]) / (after[0] - before[0])
        return before[1] + share * (after[1] - before[1])
    alone = before or after
    if alone is None or abs(alone[0] - TENOR_NS) > ALONE_NS:
        return None
    return alone[1]


def strikes(book: Sequence[Quote], now_ns: int, *, is_put: bool) -> list[Strike]:
    """Return the strikes with most open, most first."""
    opened: dict[float, float] = {}
    for quote in book:
        if quote.is_put == is_put and quote.open_qty > 0.0:
            opened[quote.strike] = opened.get(quote.strike, 0.0) + quote.open_qty
    top = sorted(opened, key=lambda strike: (-opened[strike], strike))[:STRIKES_TOLD]
    smile = _nearest(book, now_ns)
    return [
        Strike(price, is_put, opened[price], _over_the_money(smile, price) if is_put else None)
        for price in top
    ]


def _nearest(book: Sequence[Quote], now_ns: int) -> list[Quote]:
    """Return the puts of the expiry nearest to 30 days, by strike."""
    ends = {q.expiry_ns for q in book if q.expiry_ns - now_ns >= NEAREST_NS}
    if not ends:
        return []
    chosen = min(ends, key=lambda ns: (abs(ns - now_ns - TENOR_NS), ns))
    return sorted((q for q in book if q.expiry_ns == chosen and q.is_put), key=lambda q: q.strike)


def _over_the_money(smile: Sequence[Quote], strike: float) -> float | None:
    """Return a put's volatility less that at the forward, in points."""
    for low, high in pairwise(smile):
        if low.strike <= low.forward <= high.strike and high.strike > low.strike:
            share = (low.forward - low.strike) / (high.strike - low.strike)
            money = low.iv_pts + share * (high.iv_pts - low.iv_pts)
            here = next((q.iv_pts for q in smile if q.strike == strike), None)
            return None if here is None else here - money
    return None
