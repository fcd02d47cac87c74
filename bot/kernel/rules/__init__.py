"""De-leveraging rules, one file each: NAME, ACTS_ON and demand(view) -> Demand | None.

A new rule is a new file here; files whose name starts with an underscore are shared parts.
"""

import importlib
import pkgutil
from typing import Protocol

from bot.domain.policy import RulePolicy
from bot.domain.risk import Demand, Gauge
from bot.kernel.view import LegView


class Rule(Protocol):
    """What a rule module offers."""

    NAME: str
    ACTS_ON: str
    """Whom it cuts unless the owner says otherwise: "all", "own" (the strategies') or "off"."""
    SHARED: bool
    """Whether it judges the account: what one leg brought into force, all are held to."""

    def demand(self, view: LegView) -> Demand | None:
        """Return what this rule wants of one leg; None: nothing is to be said.

        A flat leg (quantity nothing) is asked about before new risk is taken on it.
        """
        ...

    def gauge(self, view: LegView) -> Gauge:
        """Return what the rule measures of a leg, and where it would act next."""
        ...


def _discover() -> tuple[Rule, ...]:
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return tuple(importlib.import_module(f"{__name__}.{name}") for name in names)


RULES: tuple[Rule, ...] = _discover()
NAMES: tuple[str, ...] = tuple(rule.NAME for rule in RULES)


def scope_of(rule: Rule, policy: RulePolicy) -> str:
    """Return whom a rule cuts under this policy: "all", "own" or "off"."""
    return policy.acts_on.get(rule.NAME, rule.ACTS_ON)


def scopes_of(policy: RulePolicy) -> tuple[str, ...]:
    """Return whom each of `RULES` cuts under this policy, in their order."""
    return tuple(scope_of(rule, policy) for rule in RULES)


def is_silent(policy: RulePolicy) -> bool:
    """Whether no rule acts on anything under this policy."""
    return all(scope == "off" for scope in scopes_of(policy))
