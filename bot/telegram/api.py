"""The library that speaks the Bot API, loaded on first use; its errors in the house's words."""

import asyncio
import os
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING

from loguru import logger

from bot.domain.errors import ChannelFailed, ConfigInvalid
from bot.telegram.commands import lines
from bot.telegram.config import ChatConfig
from bot.telegram.outgoing import Button

if TYPE_CHECKING:
    from telegram import InlineKeyboardMarkup
    from telegram.error import RetryAfter
    from telegram.ext import ExtBot

TELEGRAM = "https://api.telegram.org"
CONNECT_S, ANSWER_S = 5.0, 10.0
CLOSE_S = 2.0
LINE_MAX = 200


def made(config: ChatConfig) -> "ExtBot[int]":
    """Return a bot that keeps Telegram's rates, and is not connected yet."""
    os.environ.setdefault("PTB_TIMEDELTA", "true")  # the library asks for it, else it warns
    from telegram.ext import AIORateLimiter, ExtBot
    from telegram.request import HTTPXRequest

    def request(pool: int) -> HTTPXRequest:
        return HTTPXRequest(
            connection_pool_size=pool,
            connect_timeout=CONNECT_S,
            read_timeout=ANSWER_S,
            write_timeout=ANSWER_S,
            pool_timeout=CONNECT_S,
        )

    return ExtBot(
        config.token,
        base_url=f"{config.api or TELEGRAM}/bot",
        request=request(8),
        get_updates_request=request(1),
        rate_limiter=AIORateLimiter(max_retries=0),  # the queues wait: they fold meanwhile
    )


async def introduced(bot: "ExtBot[int]", chat_id: int) -> str:
    """Connect; show the commands to the operator alone; return the bot's name.

    Raises:
        ConfigInvalid: the token is refused.
        ChannelFailed: Telegram cannot be reached.
    """
    from telegram import BotCommand, BotCommandScopeChat
    from telegram.error import Forbidden, InvalidToken, TelegramError

    try:
        await bot.initialize()
        await bot.delete_webhook()
    except (InvalidToken, Forbidden):
        raise refused() from None
    except TelegramError as error:
        raise ChannelFailed(f"telegram cannot be reached: {type(error).__name__}") from None
    menu = [BotCommand(name, line[:LINE_MAX]) for name, line in lines()]
    await attempted(bot.set_my_commands(menu, scope=BotCommandScopeChat(chat_id)))
    return bot.username


def refused() -> ConfigInvalid:
    """Return what to say when the token is no good."""
    return ConfigInvalid("telegram: the token is refused; put a valid one from @BotFather")


async def told(sending: Awaitable[object]) -> None:
    """Await a sending.

    Raises:
        ChannelFailed: it may be tried again, after the silence that was asked for.
        ValueError: it will never be taken.
    """
    from telegram.error import BadRequest, RetryAfter, TelegramError

    try:
        await sending
    except RetryAfter as error:
        raise ChannelFailed("telegram: too much", retry_after_s=seconds(error)) from None
    except BadRequest as error:
        raise ValueError(str(error)) from None
    except TelegramError as error:
        raise ChannelFailed(f"telegram: {type(error).__name__} {error}") from None


async def attempted(sending: Awaitable[object]) -> None:
    """Await a sending whose failure harms nobody."""
    from telegram.error import TelegramError

    try:
        await sending
    except TelegramError as error:
        logger.debug("telegram: {}", error)


async def closed(bot: "ExtBot[int]") -> None:
    """Release the sockets, soon."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await bot.shutdown()
    except Exception as error:  # noqa: BLE001 - logged; nothing depends on a goodbye
        logger.debug("telegram: closing: {!r}", error)


def seconds(error: "RetryAfter") -> float:
    """Return the silence that Telegram asks for, in seconds."""
    wait = error.retry_after
    return float(wait) if isinstance(wait, int) else wait.total_seconds()


def keyboard(buttons: Sequence[Button]) -> "InlineKeyboardMarkup | None":
    """Return a row of buttons; None for none."""
    from telegram import InlineKeyboardButton, InlineKeyboardMarkup

    if not buttons:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(label, callback_data=data) for label, data in buttons]]
    )
