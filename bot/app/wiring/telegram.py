"""Turns the table [telegram] into a chat; None without a token."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from bot.app.config.credentials import read_secret
from bot.app.config.places import Places
from bot.app.config.settings import Settings
from bot.app.keep import FileKeep
from bot.app.scrub import Scrubber
from bot.domain.errors import ConfigInvalid
from bot.ports import Clock

if TYPE_CHECKING:
    from bot.telegram.chat import Chat
    from bot.telegram.config import ChatConfig

FILE = "telegram.json"
Ask = Callable[[str, dict[str, str]], Awaitable[dict[str, object]]]


def chat_config(settings: Settings, places: Places) -> "ChatConfig | None":
    """Return what the chat is told; None when there is no token.

    Raises:
        ConfigInvalid: there is a token, but nobody who may command, or a secret is no good.
    """
    table = settings.telegram
    token = read_secret(table.token, places.state)
    if token is None:
        return None
    if table.user_id == 0:
        raise ConfigInvalid(
            f"{places.config / 'telegram.toml'}: telegram.user_id: was 0, but there is a token: "
            "give your own number, so that nobody else is answered"
        )
    from bot.telegram.config import ChatConfig  # no token, nothing of it loaded

    totp = read_secret(table.totp, places.state) or ""
    _check(totp, table.totp)
    return ChatConfig(
        token=token,
        user_id=table.user_id,
        chat_id=table.chat_id or table.user_id,
        totp_secret=totp,
        command_age_max_s=table.command_age_max_s,
        confirm_s=table.confirm_s,
        api=table.api,
        zone=settings.alerts.time_zone,
    )


def open_chat(
    config: "ChatConfig",
    places: Places,
    scrubber: Scrubber,
    clock: Clock,
    *,
    ask: Ask,
    symbols: Callable[[], Sequence[str]],
) -> "Chat":
    """Return the chat; its secrets are learned by `scrubber` before anybody can log them."""
    from bot.telegram.chat import Chat
    from bot.telegram.pictures import Pictures

    for secret in (config.token, config.token.partition(":")[2], config.totp_secret):
        scrubber.learn(secret)
    keep = FileKeep(places.state / FILE)
    return Chat(config, clock, keep, ask=ask, symbols=symbols, draw=Pictures().draw)


def _check(totp: str, name: str) -> None:
    if not totp:
        return
    from bot.telegram.confirm import Codes

    try:
        Codes(totp)
    except ValueError:
        raise ConfigInvalid(
            f"secret {name}: not base32 of 23 letters or more, as an authenticator takes it"
        ) from None
