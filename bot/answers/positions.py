"""Answers `positions`: every leg with its stop and its distance to liquidation."""

from bot.answers.held import (
    covered_qty,
    legs_of,
    own_liq_price,
    owner,
    result_at,
    stop_flaws,
    target_price,
    view_of,
    working_stops,
)
from bot.answers.question import Answered, Question, exact, iso, rounded
from bot.domain.policy import Policy
from bot.kernel.snapshot import BotState, Leg
from bot.kernel.view import LegView

NAME = "positions"


def answer(question: Question) -> Answered:
    """Return the legs of one symbol, or of all; prices in quote, distances as shares of mark."""
    state, policy = question.state, question.policy
    return {
        "as_of": iso(state.now_ns),
        "account_known": state.reconciled_ns > 0,
        "positions": [_leg(state, policy, leg) for leg in legs_of(state, question.symbol)],
    }


def _leg(state: BotState, policy: Policy, leg: Leg) -> Answered:
    stops = working_stops(state, leg)
    trigger = stops[0].trigger_price if stops else None
    return {
        "symbol": leg.symbol,
        "side": leg.side.value,
        "qty": exact(leg.qty),
        "user_qty": exact(leg.user_qty) if leg.foreign else None,
        "opened_by": owner(leg),
        "opened_at": iso(leg.opened_ns),
        "entry_price": exact(leg.entry_price),
        "margin_mode": leg.margin_mode.value if leg.margin_mode else None,
        "leverage_setting": leg.leverage,
        "isolated_margin_usd": exact(leg.isolated_margin_usd),
        "stop_price": exact(trigger),
        "stop_by": None if not stops else "us" if stops[0].ours else "by hand",
        "stop_flaws": stop_flaws(state, policy, leg, trigger),
        "stop_covers_qty": exact(covered_qty(leg, stops)),
        "protected": covered_qty(leg, stops) >= leg.qty,
        "stop_result_usd": None if trigger is None else rounded(result_at(leg, float(trigger)), 2),
        "target_price": exact(target_price(state, leg)),
        "liq_price_venue": exact(leg.venue_liq_price),
        **_at_mark(state, policy, leg, None if trigger is None else float(trigger)),
    }


def _at_mark(state: BotState, policy: Policy, leg: Leg, stop: float | None) -> Answered:
    """Return what needs the mark price; all None while it is unknown."""
    view = view_of(state, policy, leg)
    if view is None:
        names = (
            "mark", "notional_usd", "upnl_usd", "liq_price_own", "liq_distance_frac",
            "liq_exists", "stop_distance_frac", "margin_ratio_frac",
        )  # fmt: skip
        return dict.fromkeys(names)
    sign = leg.side.sign
    distance = None if stop is None else sign * (view.mark - stop) / view.mark
    return {
        "mark": view.mark,
        "notional_usd": rounded(view.notional_usd, 2),
        "upnl_usd": rounded(view.upnl_usd, 2),
        "liq_price_own": rounded(own_liq_price(view), 2),
        "liq_distance_frac": rounded(view.liq_distance_frac(), 6),
        "liq_exists": _liq_exists(view),
        "stop_distance_frac": rounded(distance, 6),
        "margin_ratio_frac": rounded(view.margin_ratio(), 6),
    }


def _liq_exists(view: LegView) -> bool | None:
    """Tell whether any price liquidates the leg; None while what it rests on is unknown."""
    if view.liq_price() is not None:
        return True
    return None if view.margin_ratio() is None else False
