"""One file is one format that can be imported; it is found by its name."""

import importlib
import pkgutil
import re
from functools import lru_cache
from pathlib import Path

from bot.data.format import Candidate, Format
from bot.data.text import first_cells
from bot.domain.errors import DataInvalid

TEXT = (".csv", ".zip")


@lru_cache(maxsize=1)
def formats() -> dict[str, Format]:
    """Return every format by its name, as the files of this folder are named."""
    found: dict[str, Format] = {}
    for each in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        one: Format = importlib.import_module(f"{__name__}.{each.name}").FORMAT
        found[one.name] = one
    return found


def candidate(path: Path) -> Candidate:
    """Look at a file, at its first line when it is text.

    Raises:
        DataInvalid: it cannot be read.
    """
    stem = re.sub(r"(\.csv|\.json|\.feather|\.parquet)?(\.gz|\.zip)?$", "", path.name)
    is_text = path.suffix in TEXT or path.name.endswith(".csv.gz")
    return Candidate(path, tuple(first_cells(path)) if is_text else (), stem)


def format_of(found: Candidate, named: str = "") -> Format:
    """Return the format of a file, or the one that was named.

    Raises:
        DataInvalid: no format, or more than one, knows the file.
    """
    known = formats()
    if named:
        if named not in known:
            raise DataInvalid(f"--format {named:.40}: is none of {', '.join(known)}")
        return known[named]
    claimed = [each for each in known.values() if each.claims(found)]
    if len(claimed) != 1:
        why = ", ".join(each.name for each in claimed) or "none"
        raise DataInvalid(
            f"{found.path}: its format is not certain ({why} of them knows it):"
            f" name it with --format {'|'.join(known)}"
        )
    return claimed[0]
