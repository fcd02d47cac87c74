"""Mutates the safety code and counts what its tests notice: `./run mutation [PART ...]`.

mutmut works on a copy of the tree in a folder of its own; parts are paths under bot/, by default
the gate, coverage, order life, recovery and rules. `--sample 60` tries so many of each part, drawn
from `--seed`: all of them take hours. Prints one JSON document with a figure for each part and the
names of what went unnoticed; ends with 1 below 85 %.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = (
    "bot/kernel/gate.py",
    "bot/kernel/outcomes.py",
    "bot/kernel/reconcile.py",
    "bot/kernel/track.py",
    "bot/kernel/rules/",
    "bot/journal/orderlife.py",
    "bot/runtime/coverage.py",
)
COPIED = ("bot", "tests", "strategies", "config", "pyproject.toml")
SLOW = ("test_crashes.py", "test_supervisor.py")
AIM = 0.85
NOTICED = frozenset({1, 3, 24, -24, 36, 152, 255})
"""Exit codes of mutmut's trials: a test failed, or did not come to its end."""
NOTHING = "nothing*"
"""A name that no mutant has: mutmut makes all of them, measures the tests, and ends."""


def tests() -> list[str]:
    """Return the tests that are about these parts."""
    kernel = sorted(ROOT.glob("tests/unit/kernel/test_*.py"))
    named = [str(path.relative_to(ROOT)) for path in kernel if path.name not in SLOW]
    coverage = sorted(ROOT.glob("tests/unit/runtime/test_coverage*.py"))
    named += [str(path.relative_to(ROOT)) for path in coverage]
    rest = ("kernel/rules", "journal/test_store.py", "journal/test_orderlife.py")
    return [*named, *(f"tests/unit/{name}" for name in rest)]


def configured(folder: Path, parts: list[str]) -> None:
    """Lay out the copy and what mutmut is to do with it."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    rows = {"paths_to_mutate": parts, "tests_dir": tests(), "also_copy": list(COPIED)}
    text = "".join(
        f"{key}=\n" + "".join(f"    {value}\n" for value in values) for key, values in rows.items()
    )
    (folder / "setup.cfg").write_text(f"[mutmut]\n{text}")


def mutmut(folder: Path, *names: str) -> str:
    """Let mutmut run; return the end of what it said."""
    ran = subprocess.run(
        [sys.executable, "-m", "mutmut", "run", "--max-children", "2", *names],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    return ran.stdout[-2_000:]


def judged(folder: Path) -> dict[str, dict[str, int | None]]:
    """Return by module how each of its mutants ended; None: it was not tried."""
    found = {}
    for path in sorted((folder / "mutants").rglob("*.meta")):
        name = str(path.relative_to(folder / "mutants")).removesuffix(".meta")
        found[name] = dict(json.loads(path.read_text())["exit_code_by_key"])
    return found


def drawn(made: dict[str, dict[str, int | None]], sample: int, seed: int) -> list[str]:
    """Return `sample` mutants of each module (0: all of them), the same for a seed."""
    dice = random.Random(seed)  # noqa: S311 - a sample, no secret
    chosen: list[str] = []
    for mutants in made.values():
        names = sorted(mutants)
        chosen += dice.sample(names, min(sample, len(names))) if sample else names
    return chosen


def counted(ends: dict[str, dict[str, int | None]], chosen: set[str]) -> dict[str, dict]:
    """Return the figures of each module about what was chosen of it."""
    told = {}
    for module, codes in ends.items():
        named = sorted(name for name in codes if name in chosen)
        if not named:
            continue
        unnoticed = [name for name in named if codes[name] not in NOTICED]
        told[module] = {
            "mutants": len(codes),
            "tried": len(named),
            "noticed": len(named) - len(unnoticed),
            "noticed_frac": round(1.0 - len(unnoticed) / len(named), 4),
            "unnoticed": unnoticed,
        }
    return told


def main() -> int:
    """Mutate, count, print; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    parser.add_argument("--sample", type=int, default=0, help="mutants of each module; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    wish = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="breakwater-mutation-"))
    configured(folder, wish.parts)
    said = mutmut(folder, NOTHING)
    chosen = drawn(judged(folder), wish.sample, wish.seed)
    if chosen:
        said = mutmut(folder, *chosen)
    figures = counted(judged(folder), set(chosen))
    tried = sum(row["tried"] for row in figures.values())
    noticed = sum(row["noticed"] for row in figures.values())
    share = noticed / tried if tried else 0.0
    print(json.dumps({"parts": figures, "tried": tried, "noticed_frac": round(share, 4),
                      "folder": str(folder)}, indent=2))  # fmt: skip
    if not tried:
        sys.stderr.write(said)
    return 0 if share >= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
