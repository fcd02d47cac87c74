"""Keeps the accounts beside the first alive: each lives for itself, and anew when it fails."""

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from functools import partial
from typing import TypeVar, cast

from loguru import logger

from bot.app.accounts.listed import Beside
from bot.app.accounts.turns import Turns
from bot.domain.errors import BotError
from bot.domain.risk import Severity
from bot.ports import Clock

Opened = TypeVar("Opened")
T = TypeVar("T")
RETRY_S = (2.0, 5.0, 15.0, 60.0)
Open = Callable[[Beside, ExitStack], Opened]
Live = Callable[[Beside, Opened], Awaitable[int]]
Say = Callable[[Severity, str, str], None]


async def keep_beside(
    account: Beside,
    begin: "Open[Opened]",
    live: "Live[Opened]",
    stop: asyncio.Event,
    clock: Clock,
    say: Say,
    turns: Turns,
) -> None:
    """Run an account until `stop` is set; an end of its own is told, and followed by a new life.

    `begin` blocks and runs in a thread of its own, as does the closing of the stack it was given:
    all accounts end at once, and no pool is used up that names are looked up with.
    """
    with logger.contextualize(account=account.name):
        failures = 0
        while not stop.is_set():
            await turns.take(account.name, stop)
            began_ns = clock.monotonic_ns()
            why = "it was told to stop"
            if not stop.is_set():
                why = await _one_life(account, begin, live)
            turns.done(account.name)
            if stop.is_set():
                return
            lived_s = (clock.monotonic_ns() - began_ns) / 1e9
            failures = 0 if lived_s > RETRY_S[-1] else failures + 1
            pause_s = RETRY_S[min(failures, len(RETRY_S)) - 1]
            text = (
                f"account {account.name} is not guarded: {why}; its stops stay at the venue, it is "
                f"started anew in {pause_s:g} s"
            )
            logger.critical("{}", text)
            say(Severity.CRITICAL, "account_down", text)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await stop.wait()


async def _one_life(account: Beside, begin: "Open[Opened]", live: "Live[Opened]") -> str:
    """Return why a life ended; a fault of ours ends this account's life and no other's."""
    held = ExitStack()
    try:
        opened = await apart(partial(begin, account, held))
        code = await live(account, opened)
    except BotError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - the border between accounts
        logger.opt(exception=error).critical("account {}: {!r}", account.name, error)
        return f"a fault of ours ({type(error).__name__})"
    else:
        return f"it ended with code {code}"
    finally:
        await apart(held.close)


async def apart(work: Callable[[], T]) -> T:
    """Run what blocks in a thread that ends with it, its log lines under the account's name."""
    loop, named = asyncio.get_running_loop(), contextvars.copy_context()
    told: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if told.cancelled():
            return
        if error is not None:
            told.set_exception(error)
        else:
            told.set_result(cast(T, result))

    def run() -> None:
        result, failed = None, None
        try:
            result = named.run(work)
        except BaseException as error:  # noqa: BLE001 - it is raised where it is awaited
            failed = error
        with suppress(RuntimeError):  # nobody waits any more: the loop is closed
            loop.call_soon_threadsafe(settle, result, failed)

    threading.Thread(target=run, name="account").start()
    return await told
