"""Answers `house`: this account as one of several of the same owner, for the fleet."""

from bot.answers.held import covered_qty, working_stops
from bot.answers.question import Answered, Question, rounded
from bot.domain.units import NS_PER_S
from bot.kernel.margin import maintenance_usd
from bot.kernel.track import equity_usd
from bot.kernel.view import LegView, held

NAME = "house"
FRESH_NS = 15 * NS_PER_S
"""The account is read every second; what is older than this is not told as known."""


def answer(question: Question) -> Answered:
    """Return equity and priced legs; equity None when account or a price is not known now."""
    state, policy = question.state, question.policy
    views = held(state, policy)
    legs = sum(1 for leg in state.legs.values() if leg.qty > 0)
    fresh = state.account_ns > 0 and state.now_ns - state.account_ns <= FRESH_NS
    known = state.wallet_ns > 0 and state.reconciled_ns > 0 and fresh and len(views) == legs
    return {
        "venue": policy.venue,
        "equity_usd": rounded(equity_usd(state), 2) if known else None,
        "high_water_usd": rounded(state.anchors.high_water_usd or None, 2),
        "holdings": [_holding(question, view) for view in views],
    }


def _holding(question: Question, view: LegView) -> Answered:
    leg, instrument = view.leg, view.market.instrument
    stops = working_stops(question.state, leg)
    whole = bool(stops) and covered_qty(leg, stops) >= leg.qty
    maintenance = None
    if instrument is not None and instrument.tiers and view.notional_usd > 0.0:
        maintenance = maintenance_usd(view.notional_usd, instrument.tiers) / view.notional_usd
    margin = leg.isolated_margin_usd
    # the farthest of several stops: only there is the whole leg closed
    trigger = stops[-1].trigger_price if whole else None
    return {
        "asset": leg.symbol.split("/", 1)[0],
        "symbol": leg.symbol,
        "side": leg.side.value,
        "qty": f"{leg.qty:f}",
        "mark": view.mark,
        "stop_price": None if trigger is None else float(trigger),
        "isolated_margin_usd": float(margin) if margin is not None and margin > 0 else None,
        "upnl_usd": rounded(view.upnl_usd, 2),
        "maintenance_frac": rounded(maintenance, 6),
    }
