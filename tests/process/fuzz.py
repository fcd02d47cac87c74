"""Junk at the control socket of a running daemon: `./run campaign fuzz --commands 100000`.

Real commands with wild arguments, questions, broken JSON, bytes, long lines and floods, from eight
clients at once, while a position is open. Each must get one line of JSON; the daemon must live, and
the position must be as large as before or smaller, stopped or closed, never turned.
"""

import argparse
import asyncio
import json
import random
import string
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.runtime.control import COMMANDS, LINE_MAX
from tests.fakes.daemon import Daemon, Stand, until
from tests.process.soundness import faults_of

CLIENTS = 8
HELD = Decimal("0.02")
ANSWER_S = 20.0
QUESTIONS = (
    "status", "positions", "risk", "orders", "why", "market", "pulse", "funding", "levels", "oi",
    "sources", "trades", "journal", "clusters", "liquidations", "scenarios", "doctor",
)  # fmt: skip
KEYS = ("symbol", "side", "qty", "table", "limit", "ref", "reason", "mode", "code", "frac", "x")
VALUES = (
    "", "BTC/USDT:USDT", "BTCUSDT", "LONG", "SHORT", "0", "-1", "1e400", "nan", "inf", "0.5", "all",
    "../../etc/passwd", "'; DROP TABLE intents; --", "\u202eevil", "\x00", "💥" * 50, "9" * 400,
    "full", "panic", "normal", "intents", "snapshots", "{}", "null", "true", "1_000", "٣",
)  # fmt: skip
CLOSING = ("flatten", "reduce")
FAULTY = ("Traceback", "adapter defect", "has a fault")


@dataclass
class Figures:
    """What the junk did."""

    commands: int = 0
    answered: int = 0
    refused: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    rss_mb: tuple[float, float] = (0.0, 0.0)
    position: str = ""
    violations: list[str] = field(default_factory=list)
    elapsed_s: float = 0.0


def wild(dice: random.Random) -> str:
    """Some text, seldom a sensible one."""
    if dice.random() < 0.7:
        return dice.choice(VALUES)
    letters = string.printable + "äß€\u2028"
    return "".join(dice.choice(letters) for _ in range(dice.randrange(60)))


def line_of(dice: random.Random, number: int) -> tuple[str, bytes]:
    """Return (kind, one line without its end)."""
    kind = dice.choices(
        ("command", "question", "shape", "bytes", "deep", "long"), (40, 30, 15, 12, 2, 1)
    )[0]
    args = {dice.choice(KEYS): wild(dice) for _ in range(dice.randrange(4))}
    match kind:
        case "command":
            name = dice.choice(COMMANDS)
            if name in CLOSING and dice.random() < 0.99:
                name = "pause"  # or the position would be gone at once
            request: Any = {"name": name, "args": args}
            if dice.random() < 0.5:
                request["id"] = f"fuzz-{number if dice.random() < 0.8 else 1}"
        case "question":
            request = {"name": dice.choice(QUESTIONS), "args": args}
        case "shape":
            odd = dice.choice((None, 3, [], {"a": 1}, [[]], wild(dice)))
            request = dice.choice(({"name": odd}, {"args": odd}, odd, {"name": "status", "x": odd},
                                   {"name": "status", "args": {"symbol": odd}}))  # fmt: skip
        case "deep":
            return kind, b"[" * dice.randrange(10, 20_000)
        case "long":
            return kind, b'{"name":"' + b"a" * dice.randrange(LINE_MAX - 20, 2 * LINE_MAX) + b'"}'
        case _:
            return kind, dice.randbytes(dice.randrange(200)).replace(b"\n", b"")
    return kind, json.dumps(request, ensure_ascii=dice.random() < 0.5).encode(
        "utf-8", "surrogatepass"
    )


async def client(path: Path, numbers: range, seed: int, figures: Figures) -> None:
    """Send so many lines; reconnect when the daemon hangs up on one."""
    kinds: Counter[str] = Counter()
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None
    for number in numbers:
        dice = random.Random(f"{seed}-{number}")
        kind, line = line_of(dice, number)
        kinds[kind] += 1
        if writer is None or reader is None:
            reader, writer = await asyncio.open_unix_connection(str(path), limit=1 << 26)
        try:
            writer.write(line + b"\n")
            async with asyncio.timeout(ANSWER_S):
                await writer.drain()
                answer = await reader.readline()
        except (ConnectionError, TimeoutError) as error:
            answer = b""
            if kind != "long":
                figures.violations.append(f"line {number} ({kind}): {type(error).__name__}")
        judge(figures, number, kind, answer)
        if not answer.endswith(b"\n") or kind == "long":
            writer.close()
            reader = writer = None
    if writer is not None:
        writer.close()
    for kind, times in kinds.items():
        figures.kinds[kind] = figures.kinds.get(kind, 0) + times


def judge(figures: Figures, number: int, kind: str, answer: bytes) -> None:
    """One JSON object with `ok`; a refusal has one clear line."""
    figures.commands += 1
    if not answer and kind == "long":
        return  # refused for its length; the rest of it may have cut the answer off
    try:
        told = json.loads(answer)
        good = told["ok"]
    except (ValueError, KeyError, TypeError):
        figures.violations.append(f"line {number} ({kind}): answered {answer[:80]!r}")
        return
    figures.answered += 1
    if not good:
        figures.refused += 1
        text = told.get("error") or told.get("text") or ""
        if (
            not text
            or "\n" in text
            or any(word in text for word in FAULTY)
            or "see the log" in text
        ):
            figures.violations.append(f"line {number} ({kind}): refused with {text[:120]!r}")


def rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4_096 / 1e6


async def flood(path: Path, commands: int, seed: int, figures: Figures) -> None:
    async with asyncio.TaskGroup() as group:
        for index in range(CLIENTS):
            numbers = range(index, commands, CLIENTS)
            group.create_task(client(path, numbers, seed, figures))


def campaign(commands: int, seed: int) -> Figures:
    """Run the junk against a daemon of its own."""
    figures = Figures()
    with Stand() as stand:
        stand.start_venue()
        daemon = stand.start_daemon()
        venue = stand.venue
        venue.by_hand("BUY", str(HELD))
        until(venue.covers, "a position with its stop")
        began, before = time.monotonic(), rss_mb(daemon.pid)
        asyncio.run(flood(stand.state / "control.sock", commands, seed, figures))
        figures.elapsed_s = round(time.monotonic() - began, 1)
        if not daemon.alive:
            figures.violations.append(f"the daemon died: {daemon.text()[-2000:]}")
            return figures
        figures.rss_mb = (round(before, 1), round(rss_mb(daemon.pid), 1))
        figures.position = str(venue.position())
        figures.violations += after(stand, daemon)
    figures.kinds = dict(sorted(figures.kinds.items()))
    figures.violations = figures.violations[:50]
    return figures


def after(stand: Stand, daemon: Daemon) -> list[str]:
    """What is wrong once the junk is over."""
    venue, found = stand.venue, []
    if not daemon.status()["mode"]:
        found.append("status has no mode")
    held = venue.position()
    if not 0 <= held <= HELD:
        found.append(f"the position became {held}")
    try:
        until(lambda: venue.position() == 0 or venue.covers(), "stopped or closed", 20.0)
    except AssertionError as error:
        found.append(str(error))
    found += faults_of(venue)
    log = daemon.text()
    found += [f"the log tells of a {word}" for word in (*FAULTY, " failed\n") if word in log]
    if daemon.terminate() != 0:
        found.append(f"it did not end in order: {daemon.text()[-500:]}")
    return found


def main() -> int:
    """Print the figures; 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    wish = parser.parse_args()
    figures = campaign(wish.commands, wish.seed)
    print(json.dumps(asdict(figures), indent=2, ensure_ascii=False))
    return 1 if figures.violations else 0


if __name__ == "__main__":
    sys.exit(main())
