"""How soon people are answered while the market is loud: `./run campaign answers --rate 10000`.

A daemon with chat and page holds a position while its venue sends so many frames a second. Asked in
turn, and timed where a person would see it: /status in the chat, the same at the API and at the
control socket, and a page's stream. Aim: /status within 1 s, 99 of 100 times.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from itertools import pairwise

import aiohttp

from tests.e2e.lives import ENV
from tests.fakes.bot_api import BotApi
from tests.fakes.daemon import Daemon, Stand
from tests.process.flooded_venue import RATE
from tests.process.manned import beside, cpu_s, first_word, listen, open_doors, page_session, said
from tests.process.soundness import faults_of

STATUS_MAX_S = 1.0
PAUSE_S = 0.25
"""Between two questions: the chat's own limit is one message a second."""
WARM_S = 5.0


@dataclass
class Figures:
    """What was seen; seconds."""

    seconds: float = 0.0
    asked_rate: float = 0.0
    frames_per_s: float = 0.0
    """As the daemon counted them."""
    daemon_cpu_share: float = 0.0
    waits_s: dict[str, dict[str, float]] = field(default_factory=dict)
    page_events: int = 0
    page_gap_max_s: float = 0.0
    load: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of the machine at the end: others' work delays every answer."""
    violations: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


async def ask_in_turn(
    doors: dict[str, Callable[[], Awaitable[float]]], end: float, waits: dict[str, list[float]]
) -> None:
    while time.monotonic() < end:
        for name, ask in doors.items():
            waits[name].append(await ask())
            await asyncio.sleep(PAUSE_S)


async def at_the_api(session: aiohttp.ClientSession, url: str) -> float:
    began = time.monotonic()
    async with session.get(f"{url}/api/v1/answers/status") as answer:
        await answer.read()
        if answer.status != 200:
            raise AssertionError(f"the API answered {answer.status}")
    return time.monotonic() - began


async def at_the_socket(daemon: Daemon) -> float:
    began = time.monotonic()
    await beside(daemon.status)
    return time.monotonic() - began


def ranked(waits: list[float]) -> dict[str, float]:
    ordered = sorted(waits)
    last = len(ordered) - 1
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    told = {name: round(ordered[round(share * last)], 3) for name, share in shares.items()}
    return {**told, "n": len(ordered)}


async def measured(
    stand: Stand, api: BotApi, daemon: Daemon, url: str, seconds: float, figures: Figures
) -> None:
    heard: list[float] = []
    async with page_session(stand) as session, asyncio.TaskGroup() as group:
        reader = group.create_task(listen(session, url, heard))
        doors: dict[str, Callable[[], Awaitable[float]]] = {
            "chat /status": lambda: said(api, "/status"),
            "API status": lambda: at_the_api(session, url),
            "socket status": lambda: at_the_socket(daemon),
        }
        waits: dict[str, list[float]] = {name: [] for name in doors}
        await asyncio.sleep(WARM_S)
        before, began = cpu_s(daemon), time.monotonic()
        frames = await beside(_frames, daemon)
        await ask_in_turn(doors, began + seconds, waits)
        spent_s = time.monotonic() - began
        figures.frames_per_s = round((await beside(_frames, daemon) - frames) / spent_s)
        figures.daemon_cpu_share = round((cpu_s(daemon) - before) / spent_s, 2)
        figures.seconds = round(spent_s, 1)
        reader.cancel()
    figures.waits_s = {name: ranked(row) for name, row in waits.items()}
    figures.page_events = len(heard)
    gaps = [after - before for before, after in pairwise(heard)]
    figures.page_gap_max_s = round(max(gaps, default=0.0), 2)


def _frames(daemon: Daemon) -> int:
    (feed,) = (row for row in daemon.ask("market")["venues"] if row["venue"] == "binance")
    return int(feed["frames"])


async def campaign(rate: float, seconds: float) -> Figures:
    """Ask a daemon that hears `rate` frames a second."""
    figures = Figures(asked_rate=rate)
    calm = {"BREAKWATER_STRATEGIES__ENABLED": "[]"}
    async with BotApi(time.time) as api:
        with Stand(**{**ENV, **calm}) as stand:
            url = open_doors(stand, api)
            await beside(
                stand.start_venue, module="tests.process.flooded_venue", **{RATE: str(rate)}
            )
            daemon: Daemon = await beside(stand.start_daemon)
            await first_word(api)
            stand.venue.by_hand("BUY", "0.02")
            await beside(daemon.await_protected, "0.02")
            await measured(stand, api, daemon, url, seconds, figures)
            figures.violations += await beside(faults_of, stand.venue)
            if not await beside(stand.venue.covers):
                figures.violations.append("the position is bare")
            await beside(daemon.terminate)
    figures.load = os.getloadavg()
    late = figures.waits_s["chat /status"]["p99"]
    if late > STATUS_MAX_S:
        figures.missed.append(f"chat /status p99 {late} s, aim {STATUS_MAX_S} s")
    return figures


def main() -> int:
    """Print the figures; 1 when something broke or an aim was missed."""
    told = argparse.ArgumentParser(prog="./run campaign answers", description=__doc__)
    told.add_argument("--rate", type=float, default=10_000.0, help="frames a second")
    told.add_argument("--seconds", type=float, default=60.0)
    asked = told.parse_args()
    figures = asyncio.run(campaign(asked.rate, asked.seconds))
    print(json.dumps(asdict(figures), indent=2))
    return 1 if figures.violations or figures.missed else 0


if __name__ == "__main__":
    sys.exit(main())
