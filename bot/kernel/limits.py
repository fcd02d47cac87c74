"""Limits that resist a bad evening: tighter ones hold at once, looser ones wait and are confirmed.

What was in force is kept with the state. A new start that asks for more gets the stricter of both
until the owner has confirmed with a code, and the delay has passed or nothing is held.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from bot.domain.orders import Purpose
from bot.domain.policy import Policy
from bot.domain.risk import Severity
from bot.domain.rule_policy import ACTS_ON
from bot.domain.units import NS_PER_H, ZERO
from bot.kernel.desk import Desk
from bot.kernel.rules import RULES, scope_of
from bot.kernel.snapshot import BotState

ENFORCE = ("alert", "stop_only", "full")
"""How far the guard may go, least first."""
Merge = Callable[[Any, Any], Any]
Row = dict[str, Any]
Plain: TypeAlias = Any
"""What JSON can say."""


def _steps(old: list[Row], new: list[Row]) -> list[Row]:
    """Return a ladder that is as strict as both: all steps of either."""
    both = {tuple(sorted(step.items())): step for step in [*old, *new]}
    return [both[key] for key in sorted(both)]


def _caps(old: Mapping[str, float], new: Mapping[str, float]) -> dict[str, float]:
    """Return the lower cap of each symbol; "*" is that of symbols not named."""
    names = sorted({*old, *new})
    return {n: min(old.get(n, old["*"]), new.get(n, new["*"])) for n in names}


def _common(old: Sequence[str], new: Sequence[str]) -> list[str]:
    return [symbol for symbol in new if symbol in old]


def _scopes(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    return {n: max(old.get(n, new[n]), new[n], key=ACTS_ON.index) for n in new}


MERGES: dict[str, Merge] = {
    "guard.loss_budget_frac": min,
    "guard.floor_frac": min,
    "guard.sigma_target": min,
    "guard.stop_distance_max_frac": min,
    "guard.enforce": lambda old, new: max(old, new, key=ENFORCE.index),
    "sizing.risk_frac": min,
    "sizing.heat_max_frac": min,
    "sizing.leverage_max": min,
    "sizing.liq_stop_distances_min": max,
    "limits.leverage_max": min,
    "limits.loosen_delay_ns": max,
    "limits.symbols": _common,
    "limits.caps": _caps,
    "rules.acts_on": _scopes,
    "rules.margin_ratio": _steps,
    "rules.liq_distance_atr": _steps,
    "rules.liq_distance_own_atr": _steps,
    "rules.threat": _steps,
    "rules.drawdown": _steps,
    "rules.daily_loss_half_frac": min,
    "rules.daily_loss_halt_frac": min,
    "rules.weekly_loss_half_frac": min,
    "rules.weekly_loss_halt_frac": min,
    "rules.close_out_frac": max,
    "rules.ladder.cycles_max": min,
    "rules.ladder.cool_down_h": max,
}
"""limit -> the stricter of two values of it"""
STEPPED = tuple(name for name, merge in MERGES.items() if merge is _steps)


def hold(desk: Desk, given: Policy) -> Policy:
    """Return the policy in force at a start: `given`, but where it is looser than what was kept."""
    kept, now_ns = desk.state.limits, desk.state.now_ns
    asked = _read(given)
    for name, merge in MERGES.items():
        new = asked[name]
        old = _decoded(kept.values.get(name), new)
        strict = merge(old, new)
        if strict != old:
            desk.record("limit", "", f"{name}: {_said(old)} -> {_said(strict)}", "tightened")
        kept.values[name] = _encoded(strict)
        if strict == new:
            kept.asked.pop(name, None)
            kept.asked_ns.pop(name, None)
        elif kept.asked.get(name) != _encoded(new):
            kept.asked[name], kept.asked_ns[name] = _encoded(new), now_ns
    if kept.asked:
        _tell_held(desk)
    return in_force(desk.state, given)


def ripen(desk: Desk, given: Policy) -> Policy | None:
    """Let confirmed limits that have waited long enough hold; None: nothing changes."""
    kept, now_ns = desk.state.limits, desk.state.now_ns
    if not kept.asked or kept.confirmed != code_of(desk.state):
        return None
    flat = _is_flat(desk.state)
    delay_ns = int(_decoded(kept.values.get("limits.loosen_delay_ns"), 0))
    due = [n for n in sorted(kept.asked) if flat or now_ns - kept.asked_ns[n] >= delay_ns]
    why = "loosened: confirmed, and " + ("nothing is held" if flat else "its delay has passed")
    for name in due:
        old, new = kept.values[name], kept.asked.pop(name)
        kept.asked_ns.pop(name)
        kept.values[name] = new
        desk.record("limit", "", f"{name}: {_said_raw(old)} -> {_said_raw(new)}", why)
    if not due:
        return None
    kept.confirmed = code_of(desk.state)
    text = f"Looser limits hold from now on: {', '.join(due)}."
    desk.notify(Severity.WARNING, "limits", text)
    return in_force(desk.state, given)


def in_force(state: BotState, given: Policy) -> Policy:
    """Return `given` with every limit as it is kept."""
    tree: dict[str, Any] = msgspec.to_builtins(given)
    for name in MERGES:
        raw = state.limits.values.get(name)
        if raw is not None:
            _put(tree, name, msgspec.json.decode(raw))
    return msgspec.convert(tree, Policy)


def code_of(state: BotState) -> str:
    """Return the code that shows the owner has read what would be loosened."""
    text = "|".join(f"{name}={value}" for name, value in sorted(state.limits.asked.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def waiting(desk: Desk) -> list[str]:
    """Return one line a limit that waits: what holds, what is asked, how long still."""
    kept, now_ns = desk.state.limits, desk.state.now_ns
    delay_ns = int(_decoded(kept.values.get("limits.loosen_delay_ns"), 0))
    lines = []
    for name in sorted(kept.asked):
        left_h = max(kept.asked_ns[name] + delay_ns - now_ns, 0) / NS_PER_H
        held, asked = _said_raw(kept.values[name]), _said_raw(kept.asked[name])
        lines.append(f"{name} stays {held} (asked: {asked}) for {left_h:.1f} h or until flat")
    return lines


def _tell_held(desk: Desk) -> None:
    lines = waiting(desk)
    text = f"{'; '.join(lines)}. To loosen: `breakwater limits {code_of(desk.state)}`."
    desk.record("limit", "", f"{len(lines)} looser limits wait", "; ".join(lines))
    desk.notify(Severity.WARNING, "limits", text)


def _is_flat(state: BotState) -> bool:
    """Whether nothing is held and no entry may still fill."""
    opening = any(o.purpose is Purpose.ENTRY and o.status.is_live for o in state.orders.values())
    known = state.reconciled_ns > 0
    return known and not opening and all(leg.qty == ZERO for leg in state.legs.values())


# ------------------------------------------------------------------ reading and writing


def _read(policy: Policy) -> dict[str, Any]:
    """Return every limit of a policy by name, as plain values."""
    tree: dict[str, Any] = msgspec.to_builtins(policy)
    found: dict[str, Any] = {}
    for name in MERGES:
        if name == "limits.caps":
            limits = tree["limits"]
            caps = {"*": limits["notional_cap_default_usd"], **limits["notional_cap_usd"]}
            found[name] = caps
        elif name == "rules.acts_on":
            found[name] = {rule.NAME: scope_of(rule, policy.rules) for rule in RULES}
        else:
            node: Any = tree
            for part in name.split("."):
                node = node[part]
            found[name] = list(node) if isinstance(node, tuple) else node
            if name in STEPPED:
                found[name] = _steps([], found[name])
    return found


def _put(tree: dict[str, Any], name: str, value: Plain) -> None:
    if name == "limits.caps":
        tree["limits"]["notional_cap_default_usd"] = value["*"]
        tree["limits"]["notional_cap_usd"] = {n: cap for n, cap in value.items() if n != "*"}
        return
    *path, last = name.split(".")
    node = tree
    for part in path:
        node = node[part]
    node[last] = value


def _encoded(value: Plain) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def _decoded(raw: str | None, default: Plain) -> Plain:
    return default if raw is None else msgspec.json.decode(raw)


def _said(value: Plain) -> str:
    return _said_raw(_encoded(value))


def _said_raw(raw: str) -> str:
    return raw if len(raw) <= 60 else f"{raw[:57]}..."
