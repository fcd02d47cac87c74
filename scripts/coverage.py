"""Measures branch coverage of the safety code: gate, coverage, order life, recovery, rules.

`./run coverage` runs the tests that are about them and prints what is missed; it ends with 1 below
100 %. More words are handed to pytest.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SUBJECTS = (
    "bot/kernel/gate.py",
    "bot/kernel/outcomes.py",
    "bot/kernel/reconcile.py",
    "bot/kernel/track.py",
    "bot/kernel/rules/*.py",
    "bot/journal/orderlife.py",
    "bot/runtime/coverage.py",
    "bot/runtime/proof.py",
    "bot/runtime/outcomes.py",
    "bot/runtime/start.py",
)
TESTS = (
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tests/unit/kernel/test_*.py")),
    "tests/unit/kernel/rules",
    "tests/unit/journal/test_store.py",
    "tests/unit/runtime",
)
"""Without dice: the figure is the same on every run."""


def main() -> int:
    """Measure and report; return the exit code."""
    python, data = sys.executable, str(ROOT / ".coverage")
    measured = [python, "-m", "coverage", "run", "--branch", f"--data-file={data}",
                f"--include={','.join(SUBJECTS)}"]  # fmt: skip
    pytest = ["-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider"]
    more = sys.argv[1:] or list(TESTS)
    ran = subprocess.run([*measured, *pytest, *more], cwd=ROOT, check=False)
    report = [python, "-m", "coverage", "report", "-m", f"--data-file={data}", "--fail-under=100"]
    told = subprocess.run(report, cwd=ROOT, check=False)
    return ran.returncode or told.returncode


if __name__ == "__main__":
    sys.exit(main())
