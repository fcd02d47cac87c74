"""Power cuts: the log cut everywhere, syncs that were honoured, and syncs that lied.

Budget: 90 s of one core. A process that dies keeps what it wrote; a machine that loses power does
not. The first is proven by test_kills.py, the second here.
"""

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.disk import built
from tests.process.power import (
    ROOT,
    in_memory,
    is_prefix,
    left_by_cut,
    log_of,
    started,
    written,
)

SEED = 20260131
COMMITS = 1_000
OFFSETS = 3_000
WHOLE_STARTS = 60
CUTS = 150
SOME_LOST_PERCENT = 30


@pytest.fixture
def fast() -> Iterator[Path]:
    with in_memory() as folder:
        yield folder


def test_logs_of_a_thousand_commits_cut_anywhere_hold_all_that_was_acknowledged() -> None:
    """At each frame boundary, a byte before and after, and at seeded offsets; nothing is skipped.

    The commits lie in ten logs, as reading one log of all at every place takes ten times as long.
    """
    command = [sys.executable, "-m", "tests.process.power", "--logs", "10", "--seed", str(SEED)]
    done = subprocess.run(
        command, cwd=ROOT, check=False, timeout=280, capture_output=True, text=True
    )
    told = json.loads(done.stdout)
    assert told["violations"] == []
    assert told["commits"] == 1_000
    assert told["cuts"] > 3 * told["frames"] > 10_000


def test_the_bot_starts_on_a_log_of_a_thousand_commits_cut_anywhere(fast: Path) -> None:
    log = log_of(fast / "written", 0, COMMITS)
    home = fast / "home"
    home.mkdir()
    for cut in random.Random(SEED).sample(log.cuts(OFFSETS, SEED), WHOLE_STARTS):
        found, refusal = started(
            home, {"journal.db": log.database, "journal.db-wal": log.log[:cut]}
        )
        assert found == list(range(log.intents_at(cut))), f"cut at {cut}: {refusal}"


@pytest.fixture
def library() -> Path:
    made = built()
    if made is None:
        pytest.skip("no C compiler: what a lying disk does is NOT tested on this machine")
    return made


def test_a_power_cut_loses_nothing_that_was_acknowledged(fast: Path, library: Path) -> None:
    """Syncs are honoured; every write after the last one may be there, missing or torn."""
    traced = written(fast / "w", library, intents=600, lose=0, seed=SEED)
    dice = random.Random(SEED)
    kinds = Counter(touch.op for touch in traced.touches)
    assert kinds["a"] == 600
    assert kinds["s"] >= 600, "each commit was synced"
    assert kinds["t"] >= 1, "the log was folded in on the way"
    home = fast / "home"
    home.mkdir()
    for _ in range(CUTS):
        files, acked = left_by_cut(traced, dice.randrange(len(traced.touches) + 1), dice)
        found, refusal = started(home, files)
        assert found is not None, refusal
        assert is_prefix(found)
        assert acked <= len(found) <= acked + 1


def test_a_disk_that_lies_about_syncs_gives_a_prefix_or_one_line(
    fast: Path, library: Path, record_property
) -> None:
    """Nobody can keep a promise on such a disk; nothing false may be told of it either."""
    traced = written(fast / "w", library, intents=600, lose=SOME_LOST_PERCENT, seed=SEED)
    dice = random.Random(SEED)
    assert Counter(touch.op for touch in traced.touches)["l"] > 100
    home = fast / "home"
    home.mkdir()
    told = Counter[str]()
    for _ in range(CUTS):
        files, acked = left_by_cut(traced, dice.randrange(len(traced.touches) + 1), dice)
        found, refusal = started(home, files)
        if found is None:
            assert "\n" not in refusal
            told["refused"] += 1
            continue
        assert is_prefix(found), "rows without their neighbours were told as a journal"
        told["shorter" if len(found) < acked else "whole"] += 1
    assert told["shorter"], "the disk lied and nothing was missing: was it tested at all?"
    record_property("lost_syncs", dict(told))
