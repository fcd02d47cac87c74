"""How an alert is told to people, whatever carries it: what, why, what next."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.domain.risk import Severity
from bot.domain.units import NS_PER_S
from bot.ports import Alert

NEXT = {
    "adl": "look at /positions: the venue closed a part; the guard sized the rest anew",
    "backup": "free disk, then breakwater db backup",
    "channel": "nothing for the account; check the network and that channel",
    "coverage": "look at /positions; /flatten SYMBOL closes it at the market",
    "cut": "nothing; /why tells the rule",
    "door": "nothing if it came back; else see the log",
    "flapping": "look at /risk; /resume lets strategies trade again",
    "flatten": "look at /positions; /flatten tries again",
    "heartbeat": "check the address of the heartbeat and the network",
    "journal_broken": "free disk; protection goes on, nothing new is opened",
    "key": "make a key without withdrawal rights, bound to this address",
    "lag": "look at /health; a busy machine protects later",
    "latch": "think first; then /rearm tells what a new budget means",
    "liquidation": "look at /positions and /risk; /why tells what came before",
    "no_price": "look at /health; /flatten SYMBOL does not wait for a price",
    "no_trades": "look at /why and /doctor",
    "restore": "look at /status and /positions before /resume",
    "skew": "set the clock of this machine (NTP)",
    "source": "nothing for the account; see /doctor",
    "stop_audit": "look at /positions; move the level, or live with it",
    "stop_proof": "nothing new is opened until a stop can be placed; see /doctor",
    "stop_refused": "the coverage task places one or closes; look at /positions",
    "telegram_conflict": "revoke the token at BotFather if it is not a second bot of yours",
    "telegram_stranger": "nothing was told to them; do not hand the bot's name around",
    "telegram_totp": "if that was not you: revoke the token, look at /positions",
    "threat": "look at /pulse and /liq",
    "wallet": "tell whether you moved money; nothing new is opened until it is explained",
    "would_act": "the guard may only speak; act by hand, or set risk.enforce",
}
"""kind of notice -> what a person can do; only where the notice itself does not say."""


def headline(alert: Alert) -> str:
    """Return severity, kind and symbol in a few words."""
    where = f" {alert.symbol.split('/', 1)[0]}" if alert.symbol else ""
    return f"{alert.severity.value} {alert.kind.replace('_', ' ')}{where}"


def next_step(alert: Alert) -> str:
    """Return what a person can do; empty when the notice says it itself, or nothing is to do."""
    told = any("next:" in text.lower() for text in alert.texts)
    if alert.severity is Severity.INFO:
        return ""
    return "" if told else NEXT.get(alert.kind, "")


def moment(ns: int, zone: str) -> str:
    """Return an instant as the user's clock shows it."""
    at = datetime.fromtimestamp(ns // NS_PER_S, tz=UTC).astimezone(ZoneInfo(zone))
    return f"{at:%H:%M:%S %d %b}"


def lines_of(alert: Alert, zone: str) -> str:
    """Return an alert as plain text: head, what was said, how often, what next."""
    again = f", told again ({alert.repeat}): nobody acknowledged it" if alert.repeat else ""
    often = f" ({alert.count} times)" if alert.count > 1 else ""
    lines = [f"{headline(alert)}{often}, {moment(alert.event_ns, zone)}{again}", *alert.texts]
    step = next_step(alert)
    return "\n".join([*lines, f"Next: {step}."] if step else lines)
