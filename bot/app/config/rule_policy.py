"""Translates [risk.rules] into the kernel's RulePolicy."""

import msgspec

from bot.app.config.rule_tables import RulesTable, RuleTable, RungTable
from bot.domain.errors import ConfigInvalid
from bot.domain.policy import LadderPolicy, Policy, RulePolicy, Step
from bot.kernel.rules import NAMES

FLAT = (
    "daily_loss_half_frac", "daily_loss_halt_frac", "price_stale_s", "account_stale_s",
    "flows_stale_s", "stop_missing_s", "action_gap_s",
)  # fmt: skip


def rules_of(table: RulesTable, *, close_out_frac: float) -> RulePolicy:
    """Return the rules' policy; `close_out_frac` is the region's share of initial margin."""
    standard = RulePolicy()
    return RulePolicy(
        acts_on=_acts_on(table),
        ladder=LadderPolicy(**table.ladder.model_dump()),
        margin_ratio=_steps(table.margin_ratio.steps, standard.margin_ratio),
        liq_distance_atr=_steps(table.liquidation_distance.steps, standard.liq_distance_atr),
        liq_distance_own_atr=_steps(
            table.liquidation_distance.own_steps, standard.liq_distance_own_atr
        ),
        threat=_steps(table.threat.steps, standard.threat),
        weekly_loss_half_frac=table.weekly_loss.half_frac,
        weekly_loss_halt_frac=table.weekly_loss.halt_frac,
        drawdown=_steps(table.drawdown.steps, standard.drawdown),
        grossman_zhou=table.drawdown.grossman_zhou,
        grossman_zhou_alpha=table.drawdown.alpha,
        support_days=table.broken_support.days,
        cluster_k=table.cluster_proximity.k,
        cluster_factor=table.cluster_proximity.factor,
        cluster_volume_share=table.cluster_proximity.volume_share,
        level_factor=table.level_broken.factor,
        funding_cost_r_frac=table.funding_cost.cost_r_frac,
        funding_apr_max=table.funding_cost.apr_max,
        funding_factor=table.funding_cost.factor,
        settlement_window_s=table.funding_cost.window_s,
        settlement_rate_min_frac=table.funding_cost.window_rate_min_frac,
        oi_froth=table.oi_froth.enter,
        oi_froth_leave=table.oi_froth.leave,
        oi_froth_leverage=table.oi_froth.leverage,
        venue_reject_frac=table.venue_health.reject_frac,
        venue_orders_min=table.venue_health.orders_min,
        venue_gap_s=table.venue_health.gap_s,
        venue_factor=table.venue_health.factor,
        adl_lights=table.adl_rank.lights,
        adl_factor=table.adl_rank.factor,
        close_out_frac=close_out_frac,
        **table.model_dump(include=set(FLAT)),
    )


def without_rules(policy: Policy, names: tuple[str, ...]) -> Policy:
    """Return the policy with rules switched off, to see what each is worth.

    Raises:
        ConfigInvalid: no such rule.
    """
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        raise ConfigInvalid(f"--without: no rule {unknown[0]!r:.40}, known: {', '.join(NAMES)}")
    acts_on = {**policy.rules.acts_on, **dict.fromkeys(names, "off")}
    rules = msgspec.structs.replace(policy.rules, acts_on=acts_on)
    return msgspec.structs.replace(policy, rules=rules)


def _acts_on(table: RulesTable) -> dict[str, str]:
    """Return the rules for which the owner named whom they may cut."""
    found: dict[str, str] = {}
    for name in sorted(RulesTable.model_fields):
        rule = getattr(table, name)
        if isinstance(rule, RuleTable) and rule.acts_on is not None:
            found[name] = rule.acts_on
    return found


def _steps(rungs: tuple[RungTable, ...] | None, standard: tuple[Step, ...]) -> tuple[Step, ...]:
    if rungs is None:
        return standard
    return tuple(Step(rung.enter, rung.leave, rung.factor) for rung in rungs)
