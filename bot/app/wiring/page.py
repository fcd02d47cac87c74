"""Opens the page of a run: its token, its settings, its door."""

import inspect
import os
from pathlib import Path

from bot.app.config.credentials import read_secret
from bot.app.config.places import Places
from bot.app.config.settings import Settings
from bot.app.scrub import Scrubber
from bot.domain.errors import ConfigInvalid
from bot.ports import Clock, Door
from bot.runtime.parts import Ask

TOKEN = "page_token"  # noqa: S105 - the name of a secret, not one


def page_doors(
    settings: Settings, places: Places, scrubber: Scrubber, ask: Ask, clock: Clock
) -> tuple[Door, ...]:
    """Return the page as a door; none when it is switched off.

    Raises:
        ConfigInvalid: the token can neither be read nor made.
    """
    table = settings.dashboard
    if not table.enabled:
        return ()
    from bot.dashboard.config import PageConfig
    from bot.dashboard.door import Page
    from bot.metrics.exposition import exposition

    async def asked(name: str, args: dict[str, str]) -> dict[str, object]:
        answer = ask(name, args)
        return await answer if inspect.isawaitable(answer) else answer

    token = read_secret(TOKEN, places.state) or _make(places.state)
    kept = (places.state / "secrets" / TOKEN).exists()
    scrubber.learn(token)
    config = PageConfig(
        address=table.address,
        port=table.port,
        hosts=table.hosts,
        time_zone=table.time_zone,
        reports=places.root / "reports",
        token=token,
        token_at=str(places.state / "secrets" / TOKEN) if kept else "a credential",
    )
    return (Page(config, asked, clock, exposition(asked)),)


def _make(state: Path) -> str:
    """Make the token of this installation and keep it where secrets lie, mode 0600."""
    from bot.dashboard.login import new_token

    token, path = new_token(), state / "secrets" / TOKEN
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(token + "\n")
    except OSError as error:
        raise ConfigInvalid(f"{path}: the page's token cannot be kept: {error.strerror}") from None
    return token
