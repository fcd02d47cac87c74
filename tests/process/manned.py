"""A daemon with both doors open: the chat at a Bot API of this machine, the page on a free port."""

import asyncio
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp

from tests.fakes.bot_api import OPERATOR, TOKEN, BotApi
from tests.fakes.daemon import Daemon, Stand

FIRST_WORD_S = 120.0


async def beside(call: Callable[..., Any], *args: Any, **more: Any) -> Any:
    """Wait for something slow while the server of the chat goes on answering."""
    return await asyncio.to_thread(call, *args, **more)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def open_doors(stand: Stand, api: BotApi) -> str:
    """Switch chat and page on for the daemons of `stand`; return the address of the page."""
    secrets = stand.state / "secrets"
    secrets.mkdir(parents=True, mode=0o700)
    (secrets / "telegram_token").write_text(TOKEN)
    (secrets / "telegram_token").chmod(0o600)
    port = free_port()
    stand.env |= {
        "BREAKWATER_TELEGRAM__API": api.url,
        "BREAKWATER_TELEGRAM__USER_ID": str(OPERATOR),
        "BREAKWATER_DASHBOARD__ENABLED": "true",
        "BREAKWATER_DASHBOARD__PORT": str(port),
    }
    return f"http://127.0.0.1:{port}"


def page_session(stand: Stand) -> aiohttp.ClientSession:
    """A session that comes in with the token of the page."""
    token = (stand.state / "secrets" / "page_token").read_text().strip()
    return aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"})


async def listen(session: aiohttp.ClientSession, url: str, heard: list[float]) -> None:
    """Read the stream of the page until cancelled; note when each event came (monotonic s)."""
    silence = aiohttp.ClientTimeout(total=None, sock_read=60.0)
    while True:
        with suppress(aiohttp.ClientError, TimeoutError):
            async with session.get(f"{url}/api/v1/stream", timeout=silence) as stream:
                while line := await stream.content.readline():
                    if line.startswith(b"data: "):
                        heard.append(time.monotonic())
        await asyncio.sleep(1.0)


async def first_word(api: BotApi) -> None:
    """Wait until the chat was told that the daemon is ready."""
    await api.sent(lambda m: "INFO ready" in m.get("text", ""), within_s=FIRST_WORD_S)


async def said(api: BotApi, text: str) -> float:
    """Say something in the chat; return the seconds until the next message came."""
    count, began = len(api.messages), time.monotonic()
    api.says(text)
    await api.sent(after=count)
    return time.monotonic() - began


def cpu_s(daemon: Daemon) -> float:
    """Processor seconds of the daemon so far, its children not counted."""
    fields = Path(f"/proc/{daemon.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
