"""How the health of the venues that are heard looks on a terminal."""

from typing import Any

from bot.app.cli.grid import grid, seconds, text, yes
from bot.app.cli.narrow import Fitting

COLUMNS = [
    ("venue", "venue", text),
    ("live", "live", yes),
    ("frame_age_s", "last frame", seconds),
    ("frames_per_s", "frames/s", text),
    ("gaps", "gaps", text),
    ("reconnects", "reconnects", text),
    ("last_error", "last error", lambda value: str(value or "-")),
]


def venues(rows: Any) -> Fitting:  # noqa: ANN401 - JSON value
    """Return a row for each venue; none where nobody told."""
    return grid("venues heard", rows or (), COLUMNS)
