"""What a daemon with chat and page needs of a machine: `./run campaign footprint --minutes 60`.

The paper market of `./run` at its own speed. Once a minute the chat asks something and gets its
answer, every ten minutes a picture, and a reader of the page stays on its stream. Told: processor
seconds until it may trade, resident memory minute by minute, and seconds of processor an hour.
"""

import argparse
import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, field

from tests.fakes.bot_api import BotApi
from tests.fakes.daemon import Daemon, Stand
from tests.process.fuzz import rss_mb
from tests.process.manned import beside, cpu_s, first_word, listen, open_doors, page_session, said

READY_CPU_MAX_S = 3.0
RSS_MAX_MB = 220.0
ASKED = ("/status", "/positions", "/risk", "/levels", "/why", "/pulse", "/trades", "/doctor")
PICTURE_EVERY = 10


@dataclass
class Figures:
    """What was seen; megabytes are 10^6 bytes."""

    minutes: float = 0.0
    ready_cpu_s: float = 0.0
    ready_s: float = 0.0
    rss_at_ready_mb: float = 0.0
    rss_by_minute_mb: list[float] = field(default_factory=list)
    rss_end_mb: float = 0.0
    cpu_share: float = 0.0
    """Of one core, from ready to the end."""
    answers: int = 0
    page_events: int = 0
    trades: int = 0
    violations: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


async def minute_by_minute(
    api: BotApi, daemon: Daemon, figures: Figures, minutes: float, began: float
) -> None:
    number, cpu_before = 0, cpu_s(daemon)
    while time.monotonic() - began < minutes * 60.0:
        if not daemon.alive:
            figures.violations.append(f"the daemon ended: {daemon.text()[-2000:]}")
            return
        picture = number % PICTURE_EVERY == PICTURE_EVERY - 1
        await said(api, "/chart" if picture else ASKED[number % len(ASKED)])
        figures.answers += 1
        figures.rss_by_minute_mb.append(round(rss_mb(daemon.pid), 1))
        number += 1
        await asyncio.sleep(max(began + number * 60.0 - time.monotonic(), 0.0))
    spent_s = time.monotonic() - began
    figures.minutes = round(spent_s / 60.0, 1)
    figures.cpu_share = round((cpu_s(daemon) - cpu_before) / spent_s, 3)


def judge(figures: Figures) -> None:
    if figures.ready_cpu_s > READY_CPU_MAX_S:
        figures.missed.append(f"ready after {figures.ready_cpu_s} s of processor")
    if figures.rss_end_mb > RSS_MAX_MB:
        figures.missed.append(f"resident memory {figures.rss_end_mb} MB")


async def campaign(minutes: float) -> Figures:
    """Run a daemon as `./run` does, with both doors open."""
    figures = Figures()
    async with BotApi(time.time) as api:
        with Stand() as stand:
            for name in [n for n in stand.env if n.startswith("BREAKWATER_BREAKWATER__PAPER__")]:
                del stand.env[name]
            for name in ("BREAKWATER_STRATEGIES__ENABLED", "BREAKWATER_LEVELS__BOOK"):
                del stand.env[name]
            url = open_doors(stand, api)
            began = time.monotonic()
            daemon: Daemon = await beside(stand.start_daemon)
            figures.ready_cpu_s = round(cpu_s(daemon), 2)
            figures.ready_s = round(time.monotonic() - began, 2)
            await first_word(api)
            figures.rss_at_ready_mb = round(rss_mb(daemon.pid), 1)
            heard: list[float] = []
            async with page_session(stand) as session, asyncio.TaskGroup() as group:
                reader = group.create_task(listen(session, url, heard))
                await minute_by_minute(api, daemon, figures, minutes, time.monotonic())
                reader.cancel()
            figures.page_events = len(heard)
            if daemon.alive:
                figures.rss_end_mb = round(rss_mb(daemon.pid), 1)
                figures.trades = len((await beside(daemon.ask, "trades")).get("trades", ()))
                await beside(daemon.terminate)
    judge(figures)
    return figures


def main() -> int:
    """Print the figures; 1 when something broke or an aim was missed."""
    told = argparse.ArgumentParser(prog="./run campaign footprint", description=__doc__)
    told.add_argument("--minutes", type=float, default=60.0)
    figures = asyncio.run(campaign(told.parse_args().minutes))
    print(json.dumps(asdict(figures), indent=2))
    return 1 if figures.violations or figures.missed else 0


if __name__ == "__main__":
    sys.exit(main())
