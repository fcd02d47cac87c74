"""How fast a journal takes intents and facts, in a file and on a server: `./run campaign rows`.

All goes through the writer of a daemon, to a disk that is told to keep it. An intent is awaited by
itself, as an entry awaits it; facts are handed over together and share commits, as they do when
much happens at once.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

from bot.app.clock import SystemClock
from bot.domain.messages import Record, TimerFired
from bot.journal.lease import Candidate, prepare, take
from bot.journal.line import Line
from bot.journal.postgres import open_server_journal
from bot.journal.store import Store, open_journal
from bot.journal.writer import JournalWriter
from tests.fakes.postgres import Postgres
from tests.unit.journal.stories import NOW_NS, approved, decision, fill

RUN = "run00001"
TICK = TimerFired("t", NOW_NS, NOW_NS)
AT_ONCE = 200
STATE = b"s" * 20_000


async def measure(store: Store, intents: int, facts: int) -> dict[str, float]:
    """Return rows a second and milliseconds of one journal; it is closed afterwards."""
    writer = JournalWriter(store)
    spent_ms = []
    for i in range(intents):
        began = time.perf_counter()
        await writer.save_snapshot(RUN, i, NOW_NS, STATE)
        await writer.intent(RUN, i, approved(f"bwrun00001-{i}-1"), NOW_NS)
        spent_ms.append((time.perf_counter() - began) * 1e3)
    began = time.perf_counter()
    for first in range(0, facts, AT_ONCE):
        async with asyncio.TaskGroup() as group:
            for i in range(first, min(first + AT_ONCE, facts)):
                event = fill(str(i), f"bwrun00001-{i}-9")
                group.create_task(writer.append(RUN, i, event, [Record(decision(f"d{i}"))]))
    facts_s = time.perf_counter() - began
    began = time.perf_counter()
    for i in range(intents):
        await writer.append(RUN, i, TICK, [Record(decision(f"one{i}"))])
    alone_s = time.perf_counter() - began
    await writer.close()
    return {
        "belief_and_intent_median_ms": round(median(spent_ms), 2),
        "belief_and_intent_p99_ms": round(quantiles(spent_ms, n=100)[98], 2),
        "steps_alone_per_s": round(intents / alone_s, 1),
        "rows_together_per_s": round(2 * facts / facts_s, 1),
    }


def on_server(server: Postgres) -> Callable[[], Store]:
    def opened() -> Store:
        address = server.server(server.database())
        line = Line(address)
        prepare(line)
        who = Candidate(
            holder=RUN, key_digest="k", mode="paper", ttl_s=3_600.0, host="h", machine="m", pid=1
        )
        lease = take(line, who)
        line.close()
        assert lease is not None
        return open_server_journal(address, lease, SystemClock())

    return opened


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--intents", type=int, default=500)
    parser.add_argument("--facts", type=int, default=5_000)
    asked = parser.parse_args()
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="bw-") as folder, Postgres(durable=True) as server:
        for name, opened in (
            ("sqlite", lambda: open_journal(Path(folder) / "journal.db", SystemClock())),
            ("postgresql", on_server(server)),
        ):
            figures[name] = asyncio.run(measure(opened(), asked.intents, asked.facts))
    figures["load"] = os.getloadavg()
    print(json.dumps({**figures, "violations": []}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
