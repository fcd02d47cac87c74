"""What the strategies' open trades lose if every stop fills now; money in USD."""

import math
from typing import NamedTuple

from bot.domain.policy import Policy
from bot.domain.units import ZERO
from bot.kernel.snapshot import BotState, Leg


class OpenRisk(NamedTuple):
    """One trade that is held, or that may still be filled."""

    symbol: str
    sign: int
    entry: float
    stop: float
    qty: float
    risk_usd: float


def open_risks(state: BotState, policy: Policy) -> list[OpenRisk]:
    """Return every strategy's trade with what its stop would cost; profit locked in counts zero.

    An entry whose end is unknown counts in full.
    """
    found = []
    for leg in state.legs.values():
        risk = _of(state, policy, leg)
        if risk is not None:
            found.append(risk)
    return found


def _of(state: BotState, policy: Policy, leg: Leg) -> OpenRisk | None:
    trade, sign = leg.trade, leg.side.sign
    if trade is None:
        return None
    order = state.orders.get(trade.entry_client_id)
    pending = order is not None and order.status.is_live
    if leg.qty <= ZERO and not pending:
        return None
    qty, entry, risk = float(leg.qty), float(leg.entry_price), 0.0
    if leg.qty > ZERO:
        risk = qty * (
            sign * (entry - trade.stop_price) + trade.stop_price * _exit(state, policy, leg)
        )
    if pending:
        risk, qty = max(risk, trade.risk_usd), max(qty, float(trade.planned_qty))
        entry = entry or math.nan
    return OpenRisk(leg.symbol, sign, entry, trade.stop_price, qty, max(risk, 0.0))


def _exit(state: BotState, policy: Policy, leg: Leg) -> float:
    """Return fee and planned slippage of the stop as a share of its price."""
    market = state.markets.get(leg.symbol)
    instrument = market.instrument if market is not None else None
    fee = instrument.taker_fee_frac if instrument is not None else 0.0
    return fee + policy.sizing.stop_slip_bps * 1e-4
