"""Which mode a run is in, and the second word that real money asks for."""

from dataclasses import dataclass
from typing import Literal

from bot.app.config.settings import Settings
from bot.domain.errors import ConfigInvalid
from bot.domain.exchanges import check_traded

Mode = Literal["paper", "testnet", "live"]


@dataclass(frozen=True, kw_only=True)
class RunWish:
    """What the command line asked of a run; None leaves it to the configuration."""

    mode: Mode | None = None
    scenario: str | None = None
    speed: float | None = None
    enforce: Literal["full", "stop_only", "alert"] | None = None
    read_only: bool | None = None
    yes_live: bool = False
    standby: bool | None = None


def settled(settings: Settings, wish: RunWish) -> Settings:
    """Return the settings with the command line's words over them.

    Raises:
        ConfigInvalid: live mode without its three words, or an option that the mode does not have.
    """
    table = settings.breakwater
    mode = wish.mode or table.mode
    paper = {"scenario": wish.scenario, "speed": wish.speed}
    given = {key: value for key, value in paper.items() if value is not None}
    if given and mode != "paper":
        raise ConfigInvalid(f"--{next(iter(given))}: for paper mode only, mode is {mode}")
    check_traded(settings.venues.exchange, on_paper=mode == "paper")
    if mode == "live":
        _ask_for_live(settings, wish)
    read_only = table.read_only if wish.read_only is None else wish.read_only
    changes = {"mode": mode, "read_only": read_only, "paper": table.paper.model_copy(update=given)}
    risk = settings.risk
    if wish.enforce is not None:
        risk = risk.model_copy(update={"enforce": wish.enforce})
    state = settings.state
    if wish.standby is not None:
        state = state.model_copy(update={"standby": wish.standby})
    if state.standby and not state.url:
        raise ConfigInvalid(
            "standby: state.url names no server: standing by needs a database of both machines"
        )
    return settings.model_copy(
        update={"breakwater": table.model_copy(update=changes), "risk": risk, "state": state}
    )


def _ask_for_live(settings: Settings, wish: RunWish) -> None:
    """Refuse real money until it was asked for in two places, and the guard's reach was named."""
    missing = []
    if not settings.breakwater.live_confirmed:
        missing.append("breakwater.live_confirmed = true in breakwater.toml")
    if not wish.yes_live:
        missing.append("--yes-live")
    if wish.enforce is None:
        missing.append("--enforce full|stop_only|alert (how far the guard may go)")
    if missing:
        raise ConfigInvalid(f"live mode trades real money; still needed: {', '.join(missing)}")
