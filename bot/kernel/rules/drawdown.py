"""Make the strategies smaller as equity falls from its peak, which no transfer and no start moves.

Grossman and Zhou (Mathematical Finance 3, 1993): exposure in proportion to the distance between
wealth W and a floor alpha * M under its running maximum M keeps W above the floor.
"""

from bot.domain.policy import RulePolicy, Step
from bot.domain.risk import Demand, Gauge
from bot.kernel.rules._ladder import factor_in_force, next_enter, stepped, unknown
from bot.kernel.rules._money import believed_equity_usd
from bot.kernel.view import LegView

NAME = "drawdown"
ACTS_ON = "own"
SHARED = True
BREAKS = (0.05, 0.08, 0.10, 0.12)
"""Drawdowns at which the Grossman-Zhou size changes; between them it stays, so that none swings."""
LEAVE = 0.8


def demand(view: LegView) -> Demand | None:
    """Return what the fall from the peak leaves of the strategies' size."""
    peak = view.state.anchors.high_water_usd
    equity = believed_equity_usd(view.state)
    if peak <= 0.0 or equity is None:
        return unknown(view, NAME, "the fall from the peak is not known just now")
    fall = 1.0 - equity / peak
    rules, reason = view.policy.rules, "equity under its peak by more than the limit"
    if not rules.grossman_zhou:
        return stepped(view, NAME, rules.drawdown, fall, reason, rising=True)
    steps = grossman_zhou_steps(rules)
    factor = factor_in_force(steps, fall, view.before(NAME), rising=True)
    if factor >= 1.0:
        return None
    limit = next(step.enter for step in steps if step.factor == factor)
    blocks = factor <= 0.0
    return Demand(NAME, view.leg.symbol, factor, reason, fall, limit, blocks_entries=blocks)


def gauge(view: LegView) -> Gauge:
    """Return the fall of equity from its peak."""
    rules, peak = view.policy.rules, view.state.anchors.high_water_usd
    equity = believed_equity_usd(view.state)
    fall = 1.0 - equity / peak if equity is not None and peak > 0.0 else None
    steps = grossman_zhou_steps(rules) if rules.grossman_zhou else rules.drawdown
    return Gauge(fall, next_enter(steps, fall, rising=True), "fall from the peak")


def grossman_zhou(fall_frac: float, alpha: float) -> float:
    """Return g = (W/M - alpha) / ((1 - alpha) W/M) for a fall of `fall_frac` from the peak."""
    share = 1.0 - fall_frac
    return min(max((share - alpha) / ((1.0 - alpha) * max(share, alpha)), 0.0), 1.0)


def grossman_zhou_steps(rules: RulePolicy) -> tuple[Step, ...]:
    """Return the curve as steps, each left at four fifths of the fall it was entered at."""
    alpha = rules.grossman_zhou_alpha
    floor = round(1.0 - alpha, 12)
    falls = [*(fall for fall in BREAKS if fall < floor), floor]
    return tuple(Step(fall, LEAVE * fall, grossman_zhou(fall, alpha)) for fall in falls)
