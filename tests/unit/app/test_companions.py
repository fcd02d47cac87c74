"""The accounts beside the first are closed side by side, however few names can be looked up."""

import asyncio
import subprocess
import sys
import threading
from contextlib import ExitStack
from threading import Barrier

import pytest

from bot.app.accounts.companions import apart, keep_beside
from bot.app.accounts.listed import Beside, accounts_beside
from bot.app.accounts.turns import Turns
from bot.app.clock import SystemClock
from bot.app.config.places import places_of
from bot.app.config.settings import load_settings
from bot.domain.errors import DataInvalid
from bot.domain.risk import Severity

ACCOUNTS = 24
PATIENCE_S = 30.0
"""Only a failing test waits so long."""


def test_what_all_accounts_hold_is_let_go_at_once_not_one_after_the_other(config, edit):
    meeting = Barrier(ACCOUNTS)
    closed: list[str] = []
    told: list[str] = []

    def begin(account: Beside, held: ExitStack) -> str:
        def close() -> None:
            meeting.wait(PATIENCE_S)  # broken when fewer than all are being closed
            closed.append(account.name)

        held.callback(close)
        return account.name

    async def main() -> None:
        stop, clock = asyncio.Event(), SystemClock()
        turns, living = Turns(clock, "main"), 0

        async def live(account: Beside, name: str) -> int:
            nonlocal living
            assert name == account.name
            living += 1
            turns.done(name)
            if living == ACCOUNTS:
                stop.set()
            await stop.wait()
            return 0

        def say(severity: Severity, kind: str, text: str) -> None:
            told.append(f"{severity} {kind} {text}")

        turns.done("main")
        async with asyncio.TaskGroup() as group:
            for account in accounts:
                group.create_task(keep_beside(account, begin, live, stop, clock, say, turns))

    tables = "".join(f'[accounts.beside.a{n:02d}.risk]\nprofile = "L20"\n' for n in range(ACCOUNTS))
    edit("accounts.toml", "[accounts]\n", tables + "[accounts]\n")
    settings = load_settings(config)
    accounts = accounts_beside(settings, places_of(settings, config))
    asyncio.run(main())
    assert sorted(closed) == sorted(account.name for account in accounts)
    assert not meeting.broken
    assert told == []


def test_what_fails_in_a_thread_of_its_own_fails_where_it_is_awaited():
    async def main() -> None:
        assert await apart(threading.current_thread) is not threading.current_thread()
        with pytest.raises(DataInvalid, match="no"):
            await apart(lambda: refuse("no"))

    def refuse(words: str) -> None:
        raise DataInvalid(words)

    asyncio.run(main())


ENDS = """
import gc
from bot.runtime.heap import spare_last_search
kept = [[n] for n in range(100_000)]
spare_last_search()
walked = sum(map(len, map(gc.get_objects, range(3))))
print(walked, gc.get_freeze_count())
"""


def test_what_is_left_at_the_end_is_walked_by_nobody():
    told = subprocess.run(
        [sys.executable, "-c", ENDS], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    walked, aside = map(int, told.split())
    assert aside > 100_000
    assert walked < 1_000
