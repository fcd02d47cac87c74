"""Same seed, same trace: `./run campaign hashes --seeds 100` plays each under two hash seeds."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HASH_SEEDS = ("1", "4242")
PROGRAM = """
import sys
from bot.lab.simulation.campaign import one_seed
for seed in sys.argv[2:]:
    print(one_seed(int(seed), float(sys.argv[1])).trace_hash)
"""


def hashes_of(seeds: Sequence[int], hours: float, hash_seed: str) -> list[str]:
    """Return the trace hash of each seed, from a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(hours), *(str(seed) for seed in seeds)],
        cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return done.stdout.split()


def campaign(seeds: int, hours: float) -> dict[str, object]:
    """Play seeds 1 to `seeds` under both hash seeds and compare."""
    began = time.monotonic()
    numbers = range(1, seeds + 1)
    with ThreadPoolExecutor(len(HASH_SEEDS)) as pool:
        first, second = pool.map(lambda one: hashes_of(numbers, hours, one), HASH_SEEDS)
    pairs = zip(numbers, first, second, strict=True)
    violations = [f"seed {seed}: {a} and {b}" for seed, a, b in pairs if a != b]
    if len(set(first)) < seeds:
        violations.append("two seeds are the same world")
    return {
        "seeds": seeds,
        "hours": hours,
        "hash_seeds": HASH_SEEDS,
        "different_worlds": len(set(first)),
        "violations": violations,
        "elapsed_s": round(time.monotonic() - began, 1),
    }


def main() -> int:
    """Print the figures; 1 when a seed was two worlds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--hours", type=float, default=0.25)
    wish = parser.parse_args()
    figures = campaign(wish.seeds, wish.hours)
    print(json.dumps(figures, indent=2))
    return 1 if figures["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
