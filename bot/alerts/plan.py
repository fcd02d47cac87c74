"""Who is told what and how loud: lanes, severities, quiet hours, escalation."""

from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S

Loudness = Literal["loud", "silent", "off"]
RANKS = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}
BY_SEVERITY: dict[Severity, Loudness] = {
    Severity.INFO: "silent",
    Severity.WARNING: "loud",
    Severity.CRITICAL: "loud",
}


class LanePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What one channel takes."""

    name: str
    severity: Severity = Severity.WARNING
    """The least that is told here."""
    after_s: float = 0.0
    """Critical alerts come here when nobody acknowledged them for so long."""
    holds: bool = False
    """Whether quiet hours hold back what is not critical; else it comes without a sound."""
    kinds: dict[str, Loudness] = {}
    """kind -> how loud; what is not named goes by its severity."""

    def loudness(self, kind: str, severity: Severity) -> Loudness:
        """Return how loud a notice is here; a critical one is never off."""
        if RANKS[severity] < RANKS[self.severity]:
            return "off"
        said = self.kinds.get(kind, BY_SEVERITY[severity])
        return "silent" if said == "off" and severity is Severity.CRITICAL else said


class QuietHours(msgspec.Struct, frozen=True, kw_only=True):
    """Minutes of the day, in a time zone, in which only critical alerts make a sound."""

    zone: str = "UTC"
    from_minute: int = 0
    to_minute: int = 0
    """Equal to `from_minute`: there are none."""

    def ends_ns(self, now_ns: int) -> int:
        """Return when the quiet that holds now is over; 0: it is not quiet."""
        if self.from_minute == self.to_minute:
            return 0
        now = datetime.fromtimestamp(now_ns // NS_PER_S, tz=UTC).astimezone(ZoneInfo(self.zone))
        minute = now.hour * 60 + now.minute
        ahead = (self.to_minute - minute) % 1440
        if (minute - self.from_minute) % 1440 >= (self.to_minute - self.from_minute) % 1440:
            return 0
        day = now.date() if minute < self.to_minute else now.date() + timedelta(days=1)
        end = datetime.combine(day, time(*divmod(self.to_minute, 60)), tzinfo=now.tzinfo)
        return max(int(end.timestamp()) * NS_PER_S, now_ns + min(ahead, 1) * NS_PER_S)


class AlertPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How alerts are carried."""

    quiet: QuietHours = QuietHours()
    escalate_s: float = 300.0
    """A critical alert nobody acknowledged is told again after so long ..."""
    escalate_times: int = 6
    """... so often; after that it stays open, and silent."""
