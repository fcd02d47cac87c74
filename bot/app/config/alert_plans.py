"""Translates [alerts] and [telegram] into plans: who is told what, how loud, and when."""

from bot.alerts.plan import AlertPlan, LanePlan, QuietHours
from bot.app.config.alert_tables import AlertsTable, TelegramTable
from bot.domain.risk import Severity


def plan_of(table: AlertsTable) -> AlertPlan:
    """Return the plan that a table asks for."""
    start, end = minute_of(table.quiet_from), minute_of(table.quiet_to)
    return AlertPlan(
        quiet=QuietHours(zone=table.time_zone, from_minute=start, to_minute=end),
        escalate_s=table.escalate_s,
        escalate_times=table.escalate_times,
    )


def lane_of(table: TelegramTable) -> LanePlan:
    """Return what Telegram is told, and how loud."""
    return LanePlan(name="telegram", severity=Severity(table.severity), kinds=dict(table.kinds))


def minute_of(text: str) -> int:
    """Return the minute of the day of a time such as 22:30; 0 of an empty one."""
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute) if text else 0
