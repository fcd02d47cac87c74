"""Answers `status`: mode, money, protection and freshness on one page."""

from bot.answers.heard import venues
from bot.answers.held import covered_qty, legs_of, working_stops
from bot.answers.question import Answered, Question, age_s, iso, rounded
from bot.domain.orders import Purpose
from bot.domain.units import ZERO
from bot.kernel.guard import drawdown_frac
from bot.kernel.snapshot import BotState
from bot.kernel.track import equity_usd

NAME = "status"


def answer(question: Question) -> Answered:
    """Return the state of the whole bot; money in USD, ages in seconds."""
    state = question.state
    legs = legs_of(state)
    bare = [leg for leg in legs if covered_qty(leg, working_stops(state, leg)) < leg.qty]
    return {
        "as_of": iso(state.now_ns),
        "run_id": state.run_id,
        "mode": state.mode.value,
        "mode_reason": state.mode_reason,
        "wanted_mode": state.wanted_mode.value,
        "latched": state.latched,
        "latch_reason": state.latch_reason or None,
        "read_only": state.read_only,
        "enforce": question.policy.guard.enforce.value,
        "profile": question.policy.guard.profile,
        "reconciled": state.reconciled_ns > 0,
        **_money(state),
        "positions": len(legs),
        "unprotected": [f"{leg.symbol} {leg.side.value}" for leg in bare],
        "stops_working": sum(len(working_stops(state, leg)) for leg in legs),
        "entries_pending": sum(
            1 for o in state.orders.values() if o.purpose is Purpose.ENTRY and o.status.is_live
        ),
        "counters": _counters(state),
        "account_age_s": age_s(state.now_ns, state.account_ns),
        "user_stream_live": state.user_stream_live,
        "markets": [_market(state, symbol) for symbol in sorted(state.markets)],
        "venues": venues(question),
    }


def _money(state: BotState) -> Answered:
    """Return wallet and equity; None until the venue has told the wallet."""
    if state.wallet_ns == 0:
        names = ("equity_usd", "wallet_usd", "upnl_usd", "high_water_usd", "drawdown_frac")
        return dict.fromkeys((*names, "day_result_usd", "own_day_result_usd"))
    equity = equity_usd(state)
    anchors = state.anchors
    started = anchors.day_start_usd > 0.0
    return {
        "equity_usd": rounded(equity, 2),
        "wallet_usd": rounded(float(state.wallet_usd), 2),
        "upnl_usd": rounded(equity - float(state.wallet_usd), 2),
        "high_water_usd": rounded(anchors.high_water_usd or None, 2),
        "drawdown_frac": rounded(drawdown_frac(state), 6),
        "day_result_usd": rounded(equity - anchors.day_start_usd, 2) if started else None,
        "own_day_result_usd": rounded(anchors.own_day_usd, 2),
    }


def _counters(state: BotState) -> Answered:
    books = state.books
    return {
        "trades": books.trades,
        "wins": books.wins,
        "guard_actions": books.actions,
        "liquidations": books.liquidations,
        "fees_usd": rounded(books.fees_usd, 2),
        "funding_usd": rounded(books.funding_usd, 2),
        "refusals": dict(sorted(books.refusals.items())),
    }


def _market(state: BotState, symbol: str) -> Answered:
    market = state.markets[symbol]
    held = any(leg.symbol == symbol and leg.qty > ZERO for leg in state.legs.values())
    return {
        "symbol": symbol,
        "mark": market.mark if market.mark > 0.0 else None,
        "mark_age_s": age_s(state.now_ns, market.mark_received_ns),
        "last": market.last if market.last > 0.0 else None,
        "feed_live": market.feed_live,
        "feed_reason": market.feed_reason or None,
        "funding_frac": market.funding_frac,
        "open_interest_qty": market.open_interest_qty,
        "held": held,
    }
