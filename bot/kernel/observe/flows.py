"""Folds funding, open interest and liquidations; says what funding is about to be paid."""

from typing import NamedTuple

from bot.domain.market import FundingRate, Liquidation, LiquidationSum, OpenInterest
from bot.domain.orders import PositionSide
from bot.domain.units import NS_PER_DAY, NS_PER_H, NS_PER_S
from bot.kernel.snapshot import FlowSum, Market

FLOWS_MAX = 5_000
DUE_WITHIN_NS = NS_PER_H
"""So long before a settlement its payment is taken for spent."""
SETTLED_NS = 5 * NS_PER_S
"""So long after it the wallet may not have been told."""
STANDARD_S = 28_800
KNOWN, LAST_KNOWN, ASSUMED = "known", "last known, old", "assumed: no rate known"


class FundingDue(NamedTuple):
    """The share of notional that a side is about to pay (never negative), and on what ground."""

    frac: float
    basis: str


def on_funding(market: Market, event: FundingRate) -> None:
    """Keep the newest funding rate with its own interval."""
    if event.event_ns >= market.funding_ns:
        market.funding_frac = event.rate_frac
        market.funding_interval_s = event.interval_s
        market.funding_ns = event.event_ns


def on_open_interest(market: Market, event: OpenInterest) -> None:
    """Keep the newest open interest, in coins."""
    if event.event_ns >= market.open_interest_ns:
        market.open_interest_qty = event.qty
        market.open_interest_ns = event.event_ns


def on_liquidation(market: Market, event: Liquidation) -> None:
    """Add one public forced order."""
    usd = event.qty * event.price
    is_long = event.side is PositionSide.LONG
    _add(market, FlowSum(event.event_ns, usd if is_long else 0.0, 0.0 if is_long else usd))


def on_liquidation_sum(market: Market, event: LiquidationSum) -> None:
    """Add a vendor's total of one closed window."""
    _add(market, FlowSum(event.event_ns, event.long_usd, event.short_usd))


def _add(market: Market, flow: FlowSum) -> None:
    flows = market.flows
    flows.append(flow)
    if len(flows) > FLOWS_MAX or flows[0].ns < flow.ns - 2 * NS_PER_DAY:
        cut_ns = flow.ns - NS_PER_DAY
        market.flows = [f for f in flows if f.ns > cut_ns][-FLOWS_MAX // 2 :]


def liquidated_usd(market: Market, now_ns: int, window_ns: int) -> tuple[float, float]:
    """Return (long_usd, short_usd) known within the last `window_ns`."""
    cut_ns = now_ns - window_ns
    longs = shorts = 0.0
    for flow in reversed(market.flows):
        if flow.ns <= cut_ns:
            break
        longs += flow.long_usd
        shorts += flow.short_usd
    return longs, shorts


def funding_8h_frac(market: Market) -> float | None:
    """Return the funding rate per eight hours by the contract's own interval; None: unknown."""
    if market.funding_frac is None or market.funding_interval_s <= 0:
        return None
    return market.funding_frac * 28_800 / market.funding_interval_s


def settlement_left_ns(market: Market, now_ns: int) -> int | None:
    """Return how far away the next settlement is, by the contract's own interval; None: unknown."""
    if market.funding_interval_s <= 0:
        return None
    interval_ns = market.funding_interval_s * NS_PER_S
    return interval_ns - now_ns % interval_ns


def funding_due(market: Market, now_ns: int, sign: int, assumed_8h_frac: float) -> FundingDue:
    """Return what a side (`sign` 1: longs) is taken to pay at a settlement that is near.

    While no rate or interval is known nobody can say when or what: `assumed_8h_frac` is then due at
    any time, for either side. A rate older than one and a half intervals counts for no less.
    """
    rate, left_ns = market.funding_frac, settlement_left_ns(market, now_ns)
    if rate is None or left_ns is None:
        return FundingDue(assumed_8h_frac, ASSUMED)
    interval_ns = market.funding_interval_s * NS_PER_S
    is_old = now_ns - market.funding_ns > interval_ns * 3 // 2
    basis = LAST_KNOWN if is_old else KNOWN
    if left_ns > DUE_WITHIN_NS and interval_ns - left_ns >= SETTLED_NS:
        return FundingDue(0.0, basis)
    paid = max(sign * rate, 0.0)
    if is_old:
        paid = max(paid, assumed_8h_frac * market.funding_interval_s / STANDARD_S)
    return FundingDue(paid, basis)
