"""Keeps the accounts beside the first alive: each lives for itself, and anew when it fails."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import ExitStack, suppress
from functools import partial
from typing import TypeVar

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
    threads: Executor,
) -> None:
    """Run an account until `stop` is set; an end of its own is told, and followed by a new life.

    `begin` blocks and runs in one of `threads`, as does the closing of the stack it was given. A
    thread for each account, and none that names are looked up with: all of them end at once.
    """
    with logger.contextualize(account=account.name):
        failures = 0
        while not stop.is_set():
            await turns.take(account.name, stop)
            began_ns = clock.monotonic_ns()
            why = "it was told to stop"
            if not stop.is_set():
                why = await _one_life(account, begin, live, threads)
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


async def _one_life(
    account: Beside, begin: "Open[Opened]", live: "Live[Opened]", threads: Executor
) -> str:
    """Return why a life ended; a fault of ours ends this account's life and no other's."""
    held = ExitStack()
    try:
        opened = await apart(threads, partial(begin, account, held))
        code = await live(account, opened)
    except BotError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - the border between accounts
        logger.opt(exception=error).critical("account {}: {!r}", account.name, error)
        return f"a fault of ours ({type(error).__name__})"
    else:
        return f"it ended with code {code}"
    finally:
        await apart(threads, held.close)


async def apart(threads: Executor, work: Callable[[], T]) -> T:
    """Run what blocks in a thread, its log lines under the account's name."""
    named = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(threads, lambda: named.run(work))
