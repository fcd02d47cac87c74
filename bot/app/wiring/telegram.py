"""Turns the table [telegram] into a chat; None without a token."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from bot.app.accounts.listed import FIRST
from bot.app.accounts.together import Member
from bot.app.config.credentials import read_secret
from bot.app.config.places import Places
from bot.app.config.settings import Settings
from bot.app.keep import FileKeep
from bot.app.scrub import Scrubber
from bot.domain.errors import ConfigInvalid
from bot.ports import Clock
from bot.runtime.parts import DaemonParts

if TYPE_CHECKING:
    from bot.telegram.chat import Chat
    from bot.telegram.config import ChatConfig
    from bot.telegram.roster import Account

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


def asking(parts: DaemonParts) -> Ask:
    """Return how a daemon is asked."""

    async def ask(name: str, args: dict[str, str]) -> dict[str, object]:
        found = parts.ask(name, args)
        return await found if inspect.isawaitable(found) else found

    return ask


def known_to(parts: DaemonParts) -> Callable[[], list[str]]:
    """Return what tells the symbols that can be meant to a daemon."""
    return lambda: sorted({*parts.symbols, *parts.kernel.state.markets})


def accounts_of(members: Mapping[str, Member]) -> "dict[str, Account]":
    """Return the accounts beside the first that can be given orders now, by name."""
    from bot.telegram.roster import Account

    return {
        name: Account(name, member.house, asking(member.parts), known_to(member.parts))
        for name, member in sorted(members.items())
        if name != FIRST and member.house is not None
    }


def open_chat(
    config: "ChatConfig",
    places: Places,
    scrubber: Scrubber,
    clock: Clock,
    *,
    ask: Ask,
    symbols: Callable[[], Sequence[str]],
    others: Callable[[], "Mapping[str, Account]"],
) -> "Chat":
    """Return the chat; its secrets are learned by `scrubber` before anybody can log them."""
    from bot.telegram.chat import Chat
    from bot.telegram.pictures import Pictures

    for secret in (config.token, config.token.partition(":")[2], config.totp_secret):
        scrubber.learn(secret)
    keep = FileKeep(places.state / FILE)
    return Chat(config, clock, keep, ask=ask, symbols=symbols, draw=Pictures().draw, others=others)


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
