"""Answers about the program itself: what was told, how it does, what governs it."""

import platform
from importlib import metadata
from pathlib import Path

from bot.alerts.desk import AlertDesk
from bot.answers.question import Answered, iso
from bot.app.config.alert_plans import lane_of, plan_of
from bot.app.config.places import Places
from bot.app.config.settings import TABLES, Settings, config_hash, effective, load_settings
from bot.app.telling.answering import Special
from bot.app.telling.noticeboard import Noticeboard
from bot.domain.units import NS_PER_S
from bot.ports import Clock

AT_ONCE = ("alerts", "telegram")
"""Tables of which loudness, quiet hours and repetition are in force at once."""
LIVE_KEYS = frozenset({"quiet_from", "quiet_to", "time_zone", "escalate_s", "escalate_times"})
LIVE_CHAT_KEYS = frozenset({"kinds", "severity"})


class Front:
    """Answers that only this process can give; `meet` tells it of the desk of alerts."""

    def __init__(
        self,
        settings: Settings,
        places: Places,
        board: Noticeboard,
        clock: Clock,
        run_id: str,
    ) -> None:
        self._settings = settings
        self._places = places
        self._board = board
        self.health: dict[str, object] = {}
        """Written by the daemon every second."""
        self._clock = clock
        self._run_id = run_id
        self._began_ns = clock.monotonic_ns()
        self._desk: AlertDesk | None = None

    def meet(self, desk: AlertDesk) -> None:
        """Tell where alerts wait."""
        self._desk = desk

    def answers(self) -> dict[str, Special]:
        """Return the questions answered here, by name."""
        return {
            "events": self._events,
            "health": self._healthy,
            "config": self._config,
            "version": self._version,
            "reload": self._reload,
            "ack": self._ack,
        }

    async def _events(self, args: dict[str, str]) -> Answered:
        del args
        rows: list[Answered] = [
            {
                "at": iso(notice.event_ns),
                "severity": notice.severity.value,
                "kind": notice.kind,
                "symbol": notice.symbol or None,
                "text": notice.text,
            }
            for notice in self._board.all()
        ]
        return {"as_of": iso(self._clock.now_ns()), "events": rows}

    async def _healthy(self, args: dict[str, str]) -> Answered:
        del args
        desk, health = self._desk, self.health
        up_s = (self._clock.monotonic_ns() - self._began_ns) / NS_PER_S
        return {
            "as_of": iso(self._clock.now_ns()),
            "version": program_version(),
            "ready": health.get("ready", False),
            "up_s": round(up_s, 1),
            "rss_mb": resident_mb(),
            "lag_s": _rounded(health.get("lag_s")),
            "inbox": health.get("inbox"),
            "inbox_dropped": health.get("inbox_dropped"),
            "journal": health.get("journal"),
            "journal_lost": health.get("journal_lost"),
            "entries_held": health.get("entries_held"),
            "coverage_passes": health.get("coverage_passes"),
            "blind": health.get("blind") or None,
            "alerts_waiting": {} if desk is None else desk.health,
            "alerts_open": [] if desk is None else [each.alert.kind for each in desk.opened],
        }

    async def _ack(self, args: dict[str, str]) -> Answered:
        del args
        closed = () if self._desk is None else self._desk.acknowledge()
        return {"acknowledged": [each.alert.kind for each in closed]}

    async def _config(self, args: dict[str, str]) -> Answered:
        del args
        return {"config": config_hash(self._settings), "settings": effective(self._settings)}

    async def _version(self, args: dict[str, str]) -> Answered:
        del args
        return {
            "version": program_version(),
            "python": platform.python_version(),
            "run_id": self._run_id,
            "mode": self._settings.breakwater.mode,
        }

    async def _reload(self, args: dict[str, str]) -> Answered:
        """Read the files; loudness and quiet hours hold at once, the rest at the next start.

        Raises:
            ConfigInvalid: a line a fault; nothing is changed.
        """
        del args
        fresh = load_settings(self._places.config)
        was, now = effective(self._settings), effective(fresh)
        changed = [name for name in TABLES if was[name] != now[name]]
        applied = [name for name in changed if name in AT_ONCE]
        if applied and self._desk is not None:
            self._desk.replan(plan_of(fresh.alerts), {"telegram": lane_of(fresh.telegram)})
        later = [
            name
            for name in changed
            if any(
                was[name][key] != now[name][key]
                for key in now[name]
                if key not in (LIVE_KEYS if name == "alerts" else LIVE_CHAT_KEYS)
                or name not in AT_ONCE
            )
        ]
        return {"applied": applied, "at_next_start": later, "config": config_hash(fresh)}


def _rounded(seconds: object) -> float | None:
    return round(seconds, 3) if isinstance(seconds, int | float) else None


def program_version() -> str:
    """Return the version of the installed program, or that of the sources beside it."""
    try:
        return metadata.version("breakwater")
    except metadata.PackageNotFoundError:
        import tomllib

        project = Path(__file__).resolve().parents[3] / "pyproject.toml"
        return str(tomllib.loads(project.read_text())["project"]["version"])


def resident_mb() -> float | None:
    """Return the memory this process holds, in MB; None where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return round(pages * 4096 / 1e6, 1)
