"""Stored reports: self-contained pages in one folder, shown in a sandbox of their own."""

from datetime import UTC, datetime
from pathlib import Path

SANDBOX = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; frame-ancestors 'self'"
)
LISTED_MAX = 200


def list_reports(folder: Path) -> list[dict[str, object]]:
    """Return name, size and age of each report, newest first; an absent folder holds none."""
    if not folder.is_dir():
        return []
    found = [(path, path.stat()) for path in folder.glob("*.html") if path.is_file()]
    found.sort(key=lambda pair: pair[1].st_mtime, reverse=True)
    return [
        {
            "name": path.name,
            "bytes": stat.st_size,
            "made_at": datetime.fromtimestamp(stat.st_mtime, tz=UTC).isoformat(timespec="seconds"),
        }
        for path, stat in found[:LISTED_MAX]
    ]


def report_at(folder: Path, name: str) -> Path | None:
    """Return the file of a report; None when there is none, or when it lies elsewhere."""
    path = (folder / name).resolve()
    inside = path.is_relative_to(folder.resolve()) and path.suffix == ".html"
    return path if inside and path.is_file() else None
