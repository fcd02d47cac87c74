"""One number of the guard scaled, or one rule or part of it left out: what each is worth."""

import msgspec

from bot.app.config.rule_policy import without_rules
from bot.domain.errors import ConfigInvalid
from bot.domain.policy import Policy
from bot.kernel.rules import NAMES

WITHOUT, ALL = "without ", "all "
PARTS: dict[str, dict[str, float | bool]] = {
    "sizing by volatility": {"sigma_target": 1e9},
    "floor stop": {"floor_frac": 0.95, "loss_budget_frac": 0.96},
    "dead band": {"dead_band_frac": 0.0},
    "re-levering": {"relever": False},
}
"""part of the loss budget -> the numbers of the guard that leave it out"""


def moved(policy: Policy, move: str) -> Policy:
    """Return the policy with one thing changed.

    `move`: "dead_band_frac=1.2" scales a number of the guard, "without RULE" switches a rule or a
    part of the loss budget off, "all RULE" lets a rule act on positions opened by hand too.

    Raises:
        ConfigInvalid: no such number, factor, rule or part.
    """
    if not move:
        return policy
    if move.startswith(WITHOUT):
        return _without(policy, move.removeprefix(WITHOUT))
    if move.startswith(ALL):
        return _on_all(policy, move.removeprefix(ALL))
    name, _, factor = move.partition("=")
    known = msgspec.structs.asdict(policy.guard)
    numbers = [key for key, value in known.items() if type(value) in (int, float)]
    if name not in numbers:
        raise ConfigInvalid(f"--move {move:.60}: allowed names: {', '.join(numbers)}")
    try:
        value = known[name] * float(factor)
    except ValueError:
        raise ConfigInvalid(f"--move {move:.60}: give a factor, such as {name}=1.2") from None
    kept = round(value) if isinstance(known[name], int) else value
    guard = msgspec.structs.replace(policy.guard, **{name: kept})
    return msgspec.structs.replace(policy, guard=guard)


def _without(policy: Policy, name: str) -> Policy:
    if name in PARTS:
        guard = msgspec.structs.replace(policy.guard, **PARTS[name])
        return msgspec.structs.replace(policy, guard=guard)
    if name not in NAMES:
        known = ", ".join((*PARTS, *NAMES))
        raise ConfigInvalid(f"--without {name:.40}: no such rule or part, known: {known}")
    return without_rules(policy, (name,))


def _on_all(policy: Policy, name: str) -> Policy:
    if name not in NAMES:
        raise ConfigInvalid(f"--on-all {name:.40}: no such rule, known: {', '.join(NAMES)}")
    acts_on = {**policy.rules.acts_on, name: "all"}
    rules = msgspec.structs.replace(policy.rules, acts_on=acts_on)
    return msgspec.structs.replace(policy, rules=rules)
