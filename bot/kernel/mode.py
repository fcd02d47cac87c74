"""The trading mode in force, with its reason, and the equity record."""

from decimal import Decimal

from bot.domain.messages import RecordEquity, RecordMode
from bot.domain.risk import Severity, TradingMode
from bot.domain.units import NS_PER_MIN, NS_PER_S
from bot.kernel import guard
from bot.kernel.desk import Desk
from bot.kernel.track import equity_usd

SMALLEST_USD = Decimal("0.00000001")


def refresh_mode(desk: Desk) -> None:
    """Set the mode that the facts allow; a change is journaled and told."""
    state = desk.state
    mode, reason = mode_now(desk)
    if mode is state.mode and reason == state.mode_reason:
        return
    changed = mode is not state.mode
    state.mode, state.mode_reason = mode, reason
    if not changed:
        return
    desk.emit(RecordMode(state.now_ns, mode, state.latched, reason))
    desk.record("mode", "", f"mode is {mode.value}", reason)
    severity = Severity.INFO if mode is TradingMode.ACTIVE else Severity.WARNING
    desk.notify(severity, "mode", f"Mode {mode.value}: {reason}.")


def mode_now(desk: Desk) -> tuple[TradingMode, str]:
    """Return the most that is allowed now, and why not more."""
    state = desk.state
    if state.latched:
        return TradingMode.HALTED, state.latch_reason
    if state.wanted_mode is not TradingMode.ACTIVE:
        return TradingMode.REDUCING, "paused by the operator"
    age_s = (state.now_ns - max(state.account_ns, state.reconciled_ns)) / NS_PER_S
    doubts = (
        (state.reconciled_ns == 0, "the account has not been read yet"),
        (not state.user_stream_live, "the account stream is down"),
        (not state.stops_proven, "a stop could not be placed, seen and cancelled"),
        (bool(state.key_flaw), f"the API key: {state.key_flaw}"),
        (guard.is_unexplained(state), "the wallet changed and nothing explains it yet"),
        (age_s > desk.policy.rules.account_stale_s, "the account reading is old"),
    )
    for doubtful, reason in doubts:
        if doubtful:
            return TradingMode.REDUCING, reason
    return TradingMode.ACTIVE, "account proven"


def record_equity(desk: Desk) -> None:
    """Write a point of the equity curve, at most one a minute."""
    state = desk.state
    if state.now_ns - state.equity_recorded_ns < NS_PER_MIN or state.wallet_ns == 0:
        return
    state.equity_recorded_ns = state.now_ns
    anchors = state.anchors
    desk.emit(
        RecordEquity(
            event_ns=state.now_ns,
            equity_usd=_told(desk, "equity", equity_usd(state)),
            wallet_usd=state.wallet_usd,
            high_water_usd=_told(desk, "high_water", anchors.high_water_usd),
            day_start_usd=_told(desk, "day_start", anchors.day_start_usd),
            week_start_usd=_told(desk, "week_start", anchors.week_start_usd),
        )
    )


def _told(desk: Desk, name: str, value: float) -> Decimal:
    """Return a figure as it is written; one that stands since last time was written already."""
    last = desk.told_usd.get(name)
    if last is not None and last[0] == value != 0.0:
        return last[1]
    exact = _usd(value)
    desk.told_usd[name] = value, exact
    return exact


def _usd(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(SMALLEST_USD)
