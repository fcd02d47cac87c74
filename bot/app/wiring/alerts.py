"""Turns the table [alerts] into a desk with its channels, a heartbeat and a watch for droughts."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from urllib.parse import unquote, urlsplit

import aiohttp

from bot.alerts.desk import AlertDesk
from bot.alerts.digest import Ask, Digest
from bot.alerts.drought import Drought, Wishes
from bot.alerts.heartbeat import Heartbeat
from bot.alerts.plan import LanePlan
from bot.alerts.webhook import Webhook
from bot.app.config.alert_plans import minute_of, plan_of
from bot.app.config.alert_tables import AlertsTable
from bot.app.config.credentials import require_secret
from bot.app.config.places import Places
from bot.app.config.settings import Settings
from bot.app.keep import FileKeep
from bot.app.scrub import Scrubber
from bot.domain.risk import Severity, TradingMode
from bot.kernel.snapshot import BotState
from bot.ports import Channel, Clock, Door

REFUSALS_TOLD = 3
FILE = "alerts.json"
DIGEST_FILE = "digest.json"
Ways = list[tuple[LanePlan, Channel]]


class Alerting:
    """The desk and the doors beside it, as the composition root needs them."""

    def __init__(self, desk: AlertDesk, doors: Sequence[Door]) -> None:
        self.desk = desk
        self.doors = (desk, *doors)


async def open_alerting(
    settings: Settings,
    places: Places,
    scrubber: Scrubber,
    clock: Clock,
    stack: AsyncExitStack,
    *,
    more: Ways,
    state: Callable[[], BotState],
    health: Mapping[str, object],
    ask: Ask | None = None,
) -> Alerting:
    """Open every channel that is switched on, and `more`; `stack` closes them.

    Raises:
        ConfigInvalid: a secret is missing, or an address cannot be used.
    """
    table = settings.alerts
    secrets = _Secrets(places, scrubber)
    doors: list[Door] = []
    ways = list(more)
    if table.webhook.enabled or table.heartbeat.enabled:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        source = f"breakwater {settings.breakwater.mode}"
        if table.webhook.enabled:
            hook = table.webhook
            url, key = secrets.find(hook.url), secrets.find(hook.key)
            plan = _lane("webhook", hook.severity, hook.after_s)
            ways.append((plan, Webhook(session, url, key, clock, source)))
        if table.heartbeat.enabled:
            beat = table.heartbeat
            url, suffix = secrets.find(beat.url), beat.fail_suffix
            ail = partial(ailment, health)
            doors.append(Heartbeat(session, url, beat.every_s, clock, ail, fail_suffix=suffix))
    if table.apprise.enabled:
        ways += _apprised(table, secrets)
    if table.no_trades_h > 0.0:
        doors.append(Drought(lambda: wishes(state()), table.no_trades_h, clock))
    if table.digest_at and ask is not None:
        told = FileKeep(places.state / DIGEST_FILE)
        minute = minute_of(table.digest_at)
        doors.append(Digest(ask, table.time_zone, minute, clock, told))
    keep = FileKeep(places.state / FILE)
    return Alerting(AlertDesk(plan_of(table), ways, clock, keep), doors)


def ailment(health: Mapping[str, object]) -> str:
    """Return why the guard does not guard; "" while it does."""
    if not health.get("ready"):
        return "not ready: it is starting or ending"
    if health.get("blind"):
        return f"blind: {health['blind']}"
    journal = health.get("journal", "ok")
    return "" if journal == "ok" else f"journal: {journal}"


def wishes(state: BotState) -> Wishes:
    """Return what strategies wished and got, as the kernel remembers it."""
    trades = [leg.trade for leg in state.legs.values() if leg.trade is not None]
    traded = [t.opened_ns for t in (*trades, *state.closed_trades) if t.entry_qty > 0]
    refusals = sorted(state.books.refusals.items(), key=lambda item: -item[1])[:REFUSALS_TOLD]
    return Wishes(
        now_ns=state.now_ns,
        signals_ns=tuple(state.signals.values()),
        traded_ns=max(traded, default=0),
        paused=state.wanted_mode is not TradingMode.ACTIVE,
        refusals=", ".join(f"{name} {count}" for name, count in refusals),
    )


class _Secrets:
    """Secrets by name, told to the scrubber, also in parts, as they are found."""

    def __init__(self, places: Places, scrubber: Scrubber) -> None:
        self._places = places
        self._scrubber = scrubber

    def find(self, name: str) -> str:
        secret = require_secret(name, self._places.state)
        for line in secret.splitlines():
            self._scrubber.learn(line.strip())
            for part in _parts_of(line.strip()):
                self._scrubber.learn(part)
        return secret


def _parts_of(url: str) -> list[str]:
    """Return what in an address is worth hiding by itself."""
    try:
        found = urlsplit(url)
        parts = [found.password or "", *found.path.split("/")]
    except ValueError:
        return []
    return [text for part in parts for text in (part, unquote(part)) if len(text) > 10]


def _apprised(table: AlertsTable, secrets: _Secrets) -> Ways:
    from bot.alerts.apprised import Apprised

    asked = table.apprise
    ways: Ways = []
    for number, line in enumerate(secrets.find(asked.urls).splitlines(), 1):
        url = line.strip()
        if url and not url.startswith("#"):
            name = f"{url.partition(':')[0][:20]} {number}"
            plan = _lane(name, asked.severity, asked.after_s)
            ways.append((plan, Apprised(url, name, table.time_zone)))
    return ways


def _lane(name: str, severity: str, after_s: float) -> LanePlan:
    return LanePlan(name=name, severity=Severity(severity), after_s=after_s, holds=True)
