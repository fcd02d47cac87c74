"""`python -m tests.process.disturbed run`: the daemon with hands on its network, clock and tasks.

$PROXY_PORT: the embedded venue is reached through that port. $CLOCK_FILE: eight bytes, the offset
of the wall clock in ns. $HANG_FILE: while it exists, coverage never comes back from a look.
$LAG_FILE: every lag of the loop that was measured (s, float64). $HEAP_FILE: what memory holds more
of than after five minutes, a JSON line each two. Production code has no such hooks.
"""

import asyncio
import ctypes
import json
import mmap
import os
import struct
import threading
import time
import tracemalloc
from array import array
from pathlib import Path
from typing import Any

import msgspec

PROXY_PORT, CLOCK_FILE, HANG_FILE, LAG_FILE = "PROXY_PORT", "CLOCK_FILE", "HANG_FILE", "LAG_FILE"
HEAP_FILE = "HEAP_FILE"
OFFSET = struct.Struct("<q")
LAGS_KEPT = 100
HEAP_WARM_S, HEAP_EVERY_S, HEAP_PLACES = 300.0, 120.0, 30


def lead_through_proxy(port: int) -> None:
    from bot.app.embedded.paper import PaperVenue

    start = PaperVenue.start

    def led(self: PaperVenue) -> Any:
        address = msgspec.structs.replace(start(self), port=port)
        self.address = address
        return address

    PaperVenue.start = led  # type: ignore[method-assign]


def shift_clock(path: str) -> None:
    from bot.app.clock import SystemClock

    now_ns = SystemClock.now_ns
    with Path(path).open("r+b") as file:
        shared = mmap.mmap(file.fileno(), OFFSET.size)

    def shifted(self: SystemClock) -> int:
        return now_ns(self) + int(OFFSET.unpack(shared[:])[0])

    SystemClock.now_ns = shifted  # type: ignore[method-assign]


def hang_coverage(path: Path) -> None:
    from bot.runtime.coverage import Coverage

    look = Coverage.look

    async def stuck(self: Coverage) -> None:
        if path.exists():
            await asyncio.Event().wait()
        await look(self)

    Coverage.look = stuck  # type: ignore[method-assign]


def keep_lags(path: str) -> None:
    from bot.runtime.lag import LagProbe

    take, kept = LagProbe._take, array("d")

    def keep(self: LagProbe, lag_s: float) -> None:
        take(self, lag_s)
        kept.append(self.last_s)
        if len(kept) >= LAGS_KEPT:
            with Path(path).open("ab") as file:
                kept.tofile(file)
            del kept[:]

    LagProbe._take = keep  # type: ignore[method-assign]


class _Malloc(ctypes.Structure):
    """struct mallinfo2 of glibc: bytes of the C heap."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks",
                     "uordblks", "fordblks", "keepcost")
    )  # fmt: skip


def watch_heap(path: Path) -> None:
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = _Malloc
    tracemalloc.start(3)

    def watch() -> None:
        time.sleep(HEAP_WARM_S)
        first = tracemalloc.take_snapshot()
        while True:
            time.sleep(HEAP_EVERY_S)
            now = tracemalloc.take_snapshot()
            grown = now.compare_to(first, "traceback")[:HEAP_PLACES]
            c_heap = libc.mallinfo2()
            told = {
                "python_bytes": tracemalloc.get_traced_memory()[0],
                "rss_kb": int(Path("/proc/self/statm").read_text().split()[1]) * 4,
                "c_heap": {name: getattr(c_heap, name) for name, _ in _Malloc._fields_},
                "grown": [
                    (g.size_diff, g.count_diff, [f"{f.filename}:{f.lineno}" for f in g.traceback])
                    for g in grown
                ],
            }
            with path.open("a") as file:
                file.write(json.dumps(told) + "\n")

    threading.Thread(target=watch, daemon=True).start()


def install() -> None:
    """Put in place what the environment asks for."""
    if PROXY_PORT in os.environ:
        lead_through_proxy(int(os.environ[PROXY_PORT]))
    if CLOCK_FILE in os.environ:
        shift_clock(os.environ[CLOCK_FILE])
    if HANG_FILE in os.environ:
        hang_coverage(Path(os.environ[HANG_FILE]))
    if LAG_FILE in os.environ:
        keep_lags(os.environ[LAG_FILE])
    if HEAP_FILE in os.environ:
        watch_heap(Path(os.environ[HEAP_FILE]))


if __name__ == "__main__":
    from bot.app.cli import main

    install()
    main()
