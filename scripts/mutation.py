"""Mutates the safety code and counts what its tests notice: `./run mutation [PART ...]`.

mutmut works on a copy of the tree in a folder of its own; parts are paths under bot/, by default
the gate, order life, recovery and rules. Prints one JSON document; ends with 1 below 85 %.
"""

import json
import re
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
)
COPIED = ("bot", "tests", "strategies", "config", "pyproject.toml")
SLOW = ("test_crashes.py", "test_supervisor.py")
AIM = 0.85
ENDS = {"killed": "🎉", "survived": "🙁", "no_tests": "🫥", "timeout": "⏰", "suspicious": "🤔"}


def tests() -> list[str]:
    """Return the tests that are about these parts."""
    kernel = sorted(ROOT.glob("tests/unit/kernel/test_*.py"))
    named = [str(path.relative_to(ROOT)) for path in kernel if path.name not in SLOW]
    return [*named, "tests/unit/kernel/rules", "tests/unit/journal/test_store.py"]


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


def counted(told: str) -> dict[str, int]:
    """Read the last line of progress."""
    found = {}
    for name, mark in ENDS.items():
        times = re.findall(rf"{mark} (\d+)", told)
        found[name] = int(times[-1]) if times else 0
    return found


def main() -> int:
    """Mutate, count, print; return the exit code."""
    folder = Path(tempfile.mkdtemp(prefix="breakwater-mutation-"))
    configured(folder, sys.argv[1:] or list(PARTS))
    ran = subprocess.run(
        [sys.executable, "-m", "mutmut", "run", "--max-children", "2"],
        cwd=folder, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    ends = counted(ran.stdout)
    judged = sum(ends.values())
    killed = ends["killed"] + ends["timeout"]
    share = killed / judged if judged else 0.0
    print(json.dumps({**ends, "mutants": judged, "killed_frac": round(share, 4),
                      "folder": str(folder)}, indent=2))  # fmt: skip
    if not judged:
        sys.stderr.write(ran.stdout[-2000:])
    return 0 if share >= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
