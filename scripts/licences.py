"""Lists the licence of every package that a run installs, and ends with 1 for one not allowed.

`./run licences` reads what is installed, for the names in requirements.lock; no network is used.
"""

import json
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ALLOWED = re.compile(
    r"\b(mit|lgpl|bsd|apache|isc|psf|python software|python-2|mpl|mozilla public|unlicense|zlib"
    r"|0bsd|public domain|historical permission|cc0|hpnd)",
    re.IGNORECASE,
)
FORBIDDEN = re.compile(r"\b(a?gpl|gnu (affero|general)|sspl|commercial|proprietary)", re.IGNORECASE)
KNOWN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)


def licence_of(package: Distribution) -> str:
    """What a package says of itself: the SPDX expression, the classifiers, or the first line."""
    meta = package.metadata
    classifiers = [
        text.rpartition(" :: ")[2] for text in meta.get_all("Classifier") or []
        if text.startswith("License ::")
    ]  # fmt: skip
    said = meta.get("License-Expression") or ", ".join(classifiers) or meta.get("License") or ""
    return said.strip().split("\n")[0][:100]


def judged(name: str) -> tuple[str, str]:
    """Return (licence, verdict) of one package."""
    try:
        said = licence_of(distribution(name))
    except PackageNotFoundError:
        return "", "not installed here"
    if FORBIDDEN.search(said):
        return said, "FORBIDDEN"
    return said, "ok" if ALLOWED.search(said) else "UNKNOWN"


def main() -> int:
    """Print the list; return the exit code."""
    names = sorted(set(KNOWN.findall((ROOT / "requirements.lock").read_text())), key=str.lower)
    found = {name: judged(name) for name in names}
    bad = {name: told for name, told in found.items() if told[1] in ("FORBIDDEN", "UNKNOWN")}
    if "--json" in sys.argv[1:]:
        print(json.dumps({"packages": found, "refused": bad}, indent=2))
    else:
        for name, (said, verdict) in found.items():
            print(f"{name:28} {verdict:20} {said}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
