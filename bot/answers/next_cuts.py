"""At which price the ladder would act next on a leg, everything else standing still."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from bot.domain.policy import Step
from bot.kernel.rules import Rule, liquidation_distance, margin_ratio, scope_of
from bot.kernel.view import LegView

STEPS = 50


class NextCut(NamedTuple):
    """One step of a rule that a price would set off."""

    rule: str
    price: float
    factor: float


def next_cuts(view: LegView) -> list[NextCut]:
    """Return where margin ratio and liquidation distance would cut next, nearest first.

    Only the steps not in force yet; a step whose price liquidation comes before is left out.
    """
    return sorted(_found(view), key=lambda cut: abs(cut.price - view.mark))


def _found(view: LegView) -> Iterator[NextCut]:
    end = view.liq_price()
    if end is None or view.leg.side.sign * (view.mark - end) <= 0.0:
        return
    rules = view.policy.rules
    by_distance = rules.liq_distance_own_atr if view.own else rules.liq_distance_atr
    ladders: tuple[tuple[Rule, tuple[Step, ...]], ...] = (
        (margin_ratio, rules.margin_ratio), (liquidation_distance, by_distance),
    )  # fmt: skip
    for rule, steps in ladders:
        scope = scope_of(rule, rules)
        if scope == "off" or (scope == "own" and not view.own):
            continue
        for step in steps:
            price = _price_of(view, rule, step, end)
            if price is not None:
                yield NextCut(rule.NAME, price, step.factor)


def _price_of(view: LegView, rule: Rule, step: Step, end: float) -> float | None:
    if _acts(view, rule, step, view.mark):
        return None
    calm, acting = view.mark, end
    for _ in range(STEPS):
        middle = 0.5 * (calm + acting)
        if _acts(view, rule, step, middle):
            acting = middle
        else:
            calm = middle
    return acting


def _acts(view: LegView, rule: Rule, step: Step, mark: float) -> bool:
    """Whether a step is reached at another mark of this contract."""
    market = msgspec.structs.replace(view.market, mark=mark)
    markets = {**view.state.markets, view.leg.symbol: market}
    state = msgspec.structs.replace(view.state, markets=markets)
    there = LegView(state, view.policy, view.leg, market)
    gauge = rule.gauge(there)
    if gauge.measured is None:
        return False
    return gauge.measured >= step.enter if gauge.rising else gauge.measured <= step.enter
